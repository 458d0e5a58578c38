//! Elements: their tags, and what belongs between them.

use quote::quote;
use rstml::node::{Node, NodeElement};
use syn::spanned::Spanned;

use crate::control::{Control, Kind};
use crate::expand::Expansion;
use crate::template::Template;
use crate::{attribute, component, names, text};

/// Whether it is an element of HTML and no component.
pub(crate) fn is_html(element: &NodeElement<Control>) -> bool {
    let name = element.name().to_string();
    name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.contains(':')
}

pub(crate) fn element(expansion: &mut Expansion, element: &NodeElement<Control>, template: &mut Template) {
    let name = element.name().to_string();
    if component::is_component(element.name()) {
        return component::component(expansion, element, template);
    }
    if !is_html(element) {
        let problem = if component::is_slot(element.name()) {
            "a slot stands directly inside a component".to_owned()
        } else {
            format!("`{name}` is no element of HTML, and no component: those begin with a capital")
        };
        expansion.refuse(syn::Error::new(element.name().span(), problem));
        return;
    }
    template.text(&format!("<{name}"));
    attribute::attributes(expansion, element, template);
    template.text(">");
    if names::is_void(&name) {
        return;
    }
    if names::RAW.contains(&name.as_str()) {
        foreign(expansion, element, template);
    } else {
        children(expansion, element, template);
    }
    template.text(&format!("</{name}>"));
}

fn children(expansion: &mut Expansion, element: &NodeElement<Control>, template: &mut Template) {
    let (Some(first), Some(last)) = (element.children.first(), element.children.last()) else {
        return;
    };
    if text::is_spaced(text::extent(&element.open_tag), text::extent(first)) {
        template.text(" ");
    } else if names::VERBATIM.contains(&element.name().to_string().as_str())
        && may_begin_with_a_break(element)
    {
        // Left out by the browser instead of one of the text's own.
        template.text("\n");
    }
    refuse_streams(expansion, element);
    expansion.nodes(&element.children, template);
    if text::is_spaced(
        text::extent(last),
        element.close_tag.as_ref().and_then(text::extent),
    ) {
        template.text(" ");
    }
}

/// Whether what is in an element may begin with a line break.
fn may_begin_with_a_break(element: &NodeElement<Control>) -> bool {
    let mut shown = element
        .children
        .iter()
        .filter(|node| !matches!(node, Node::Comment(_)));
    match shown.next() {
        Some(Node::Block(_) | Node::Custom(_) | Node::Fragment(_)) => true,
        Some(Node::Text(text)) => text.value_string().starts_with('\n'),
        Some(Node::Element(element)) => component::is_component(element.name()),
        _ => false,
    }
}

/// The client keeps rows only where it is told to; elsewhere they would vanish with the next change.
fn refuse_streams(expansion: &mut Expansion, element: &NodeElement<Control>) {
    let keeps_rows = attribute::text(element, "phx-update").is_some_and(|value| value == "stream");
    for child in &element.children {
        if let Node::Custom(control) = child
            && matches!(control.kind, Kind::Stream(_))
            && !keeps_rows
        {
            let problem =
                "a stream stands directly inside an element with `phx-update=\"stream\"` and an `id`";
            expansion.refuse(syn::Error::new(control.span(), problem));
        }
    }
}

/// `<script>` and `<style>`: text of another language, in quotes, put in as it is.
fn foreign(expansion: &mut Expansion, element: &NodeElement<Control>, template: &mut Template) {
    let name = element.name().to_string();
    for child in &element.children {
        let tokens = match child {
            Node::RawText(raw) => quote!(#raw),
            _ => continue,
        };
        let Ok(text) = syn::parse2::<syn::LitStr>(tokens.clone()) else {
            expansion.refuse(syn::Error::new(
                tokens.span(),
                format!(
                    "<{name}> holds one text in quotes and no values: give it data by a `data-` attribute"
                ),
            ));
            continue;
        };
        if text.value().to_ascii_lowercase().contains(&format!("</{name}")) {
            expansion.refuse(syn::Error::new(
                text.span(),
                format!("this text would end <{name}>"),
            ));
        }
        template.text(&text.value());
    }
}
