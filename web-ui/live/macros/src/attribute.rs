//! Attributes: names that the client knows, values that are texts or Rust.

use std::collections::HashSet;

use quote::quote;
use rstml::node::{KVAttributeValue, KeyedAttribute, KeyedAttributeValue, NodeAttribute, NodeElement};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, LitStr};

use crate::control::Control;
use crate::expand::{self, Expansion, Value};
use crate::template::Template;
use crate::{names, text as texts};

pub(crate) fn attributes(expansion: &mut Expansion, element: &NodeElement<Control>, template: &mut Template) {
    let mut seen = HashSet::new();
    for attribute in element.attributes() {
        let NodeAttribute::Attribute(attribute) = attribute else {
            expansion.refuse(syn::Error::new(
                attribute.span(),
                "an attribute has a name: `name={value}`",
            ));
            continue;
        };
        let name = attribute.key.to_string();
        if let Some(problem) = names::unknown_phx(&name) {
            expansion.refuse(syn::Error::new(attribute.key.span(), problem));
        }
        one(expansion, attribute, &name, is_url(element, &name), template);
        if !seen.insert(name.clone()) {
            expansion.refuse(syn::Error::new(
                attribute.key.span(),
                format!("`{name}` stands here twice"),
            ));
        }
    }
    for (name, why) in NEED_ID {
        if seen.contains(name) && !seen.contains("id") {
            let problem = format!("an element with `{name}` needs an `id`: {why}");
            expansion.refuse(syn::Error::new(element.name().span(), problem));
        }
    }
}

/// Attributes that the client refuses without an `id` beside them.
const NEED_ID: [(&str, &str); 5] = [
    ("phx-hook", "the client knows hooks by it"),
    ("phx-update", "the client finds the element again by it"),
    ("phx-viewport-top", "the client finds the element again by it"),
    ("phx-viewport-bottom", "the client finds the element again by it"),
    ("data-phx-portal", "the client finds what it has moved by it"),
];

/// Whether the attribute has an address, at once or for another attribute later.
fn is_url(element: &NodeElement<Control>, name: &str) -> bool {
    let animates = || names::is_animation(&element.name().to_string()) && names::is_animated(name);
    names::is_url(name) || (animates() && may_animate_url(element))
}

/// Whether the attribute that an animation changes may be one that has an address.
fn may_animate_url(element: &NodeElement<Control>) -> bool {
    let targets = element.attributes().iter().find_map(|attribute| match attribute {
        NodeAttribute::Attribute(attribute)
            if attribute.key.to_string().eq_ignore_ascii_case("attributeName") =>
        {
            attribute.value_literal_string()
        }
        _ => None,
    });
    targets.is_none_or(|name| name.contains('{') || names::is_url(name.trim()))
}

fn one(
    expansion: &mut Expansion,
    attribute: &KeyedAttribute,
    name: &str,
    is_url: bool,
    template: &mut Template,
) {
    let value = match &attribute.possible_value {
        KeyedAttributeValue::None => return template.text(&format!(" {name}")),
        KeyedAttributeValue::Value(value) => &value.value,
        KeyedAttributeValue::Binding(binding) => {
            expansion.refuse(syn::Error::new(
                binding.inputs.span(),
                "an element has no parameters",
            ));
            return;
        }
    };
    match value {
        KVAttributeValue::Expr(Expr::Lit(ExprLit { lit, .. })) => {
            literal(expansion, attribute, lit, (name, is_url), template)
        }
        KVAttributeValue::Expr(Expr::Block(block)) if block.label.is_none() => {
            refuse_code(expansion, attribute, name);
            let sheet = &expansion.sheet;
            let write = if is_url { quote!(url) } else { quote!(attribute) };
            match expand::value(&block.block) {
                Value::Expression(value) => template.value(quote!(#sheet.#write(#name, &(#value));)),
                Value::Block(value) => template.value(quote!(#sheet.#write(#name, &#value);)),
                Value::Empty => {
                    expansion.refuse(syn::Error::new(
                        attribute.key.span(),
                        format!("`{name}` has no value"),
                    ));
                }
            }
        }
        KVAttributeValue::Expr(other) => {
            expansion.refuse(in_braces(other));
        }
        KVAttributeValue::InvalidBraced(_) => {}
    }
}

/// Escaping keeps a value inside its attribute, but there it would still be run.
fn refuse_code(expansion: &mut Expansion, attribute: &KeyedAttribute, name: &str) {
    // Names of attributes are the same in capitals (HTML 13.1.2.3).
    let plain = name.to_ascii_lowercase();
    let is_code = plain == "srcdoc" || (plain.starts_with("on") && !plain.contains('-'));
    if is_code {
        let problem =
            format!("`{name}` is code: a value in it could be anything. Use `phx-` events, or a hook");
        expansion.refuse(syn::Error::new(attribute.key.span(), problem));
    }
}

fn literal(
    expansion: &mut Expansion,
    attribute: &KeyedAttribute,
    literal: &Lit,
    (name, is_url): (&str, bool),
    template: &mut Template,
) {
    match literal {
        Lit::Str(text) => {
            if text.value().contains('{') {
                refuse_code(expansion, attribute, name);
            }
            quoted(expansion, text, name, is_url, template);
        }
        Lit::Bool(on) if on.value => template.text(&format!(" {name}")),
        Lit::Bool(_) => {}
        Lit::Int(number) => template.text(&format!(" {name}=\"{}\"", number.base10_digits())),
        other => {
            expansion.refuse(syn::Error::new(
                other.span(),
                "a text, a whole number, or a value in braces",
            ));
        }
    }
}

/// ` name="text {value} text"`.
fn quoted(expansion: &mut Expansion, literal: &LitStr, name: &str, is_url: bool, template: &mut Template) {
    let pieces = pieces(literal);
    if let Ok(pieces) = &pieces
        && is_url
        && may_be_code(name, pieces)
    {
        return whole(expansion, pieces, name, template);
    }
    template.text(&format!(" {name}=\""));
    match pieces {
        Ok(pieces) => {
            let sheet = &expansion.sheet;
            for piece in pieces {
                match piece {
                    Piece::Text(text) => template.text(&texts::escaped(&text)),
                    Piece::Value(value) => template.value(quote!(#sheet.quoted(&(#value));)),
                }
            }
        }
        Err(problem) => expansion.refuse(problem),
    }
    template.text("\"");
}

/// Schemes that lead somewhere, whatever follows.
const PLACES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// Whether values can decide what an address is: it has values, and its text before the first of them says neither a
/// scheme that leads somewhere, nor that there is none. Of several addresses, each has a beginning.
fn may_be_code(name: &str, pieces: &[Piece]) -> bool {
    let has_values = pieces.iter().any(|piece| matches!(piece, Piece::Value(_)));
    let texts = pieces.iter().map_while(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Value(_) => None,
    });
    let start: String = texts.collect();
    let scheme = start.split_once(['/', '?', '#', ':']);
    let settled = scheme.is_some_and(|(scheme, _)| {
        !start[scheme.len()..].starts_with(':') || PLACES.contains(&scheme.to_ascii_lowercase().as_str())
    });
    has_values && (!settled || names::is_list(name))
}

/// An address as one value, so that it can be checked as a whole.
fn whole(expansion: &Expansion, pieces: &[Piece], name: &str, template: &mut Template) {
    let mut format = String::new();
    let mut values = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => format.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Value(value) => {
                format.push_str("{}");
                values.push(value);
            }
        }
    }
    let sheet = &expansion.sheet;
    template.value(quote!(#sheet.url(#name, &::std::format_args!(#format, #(#values),*));));
}

pub(crate) enum Piece {
    Text(String),
    Value(Box<Expr>),
}

/// A text taken apart at its braces; doubled, they stand for themselves.
pub(crate) fn pieces(literal: &LitStr) -> syn::Result<Vec<Piece>> {
    let problem = |message: &str| syn::Error::new(literal.span(), message);
    let whole = literal.value();
    let mut rest = whole.as_str();
    let mut pieces = Vec::new();
    while let Some(at) = rest.find(['{', '}']) {
        let (text, brace) = rest.split_at(at);
        let doubled = brace.starts_with("{{") || brace.starts_with("}}");
        pieces.push(Piece::Text(format!(
            "{text}{}",
            if doubled { &brace[..1] } else { "" }
        )));
        if doubled {
            rest = &brace[2..];
            continue;
        }
        let Some(inside) = brace.strip_prefix('{') else {
            return Err(problem(
                "a brace closes that none has opened; write `}}` for a brace",
            ));
        };
        let Some((value, after)) = inside.split_once('}') else {
            return Err(problem("a brace is not closed; write `{{` for a brace"));
        };
        let value = LitStr::new(value, literal.span());
        pieces.push(Piece::Value(Box::new(value.parse()?)));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

pub(crate) fn in_braces(value: &Expr) -> syn::Error {
    syn::Error::new(value.span(), "a value of Rust stands in braces: `name={value}`")
}

/// The text of an attribute that is one without values.
pub(crate) fn text(element: &NodeElement<Control>, name: &str) -> Option<String> {
    element.attributes().iter().find_map(|attribute| match attribute {
        NodeAttribute::Attribute(attribute) if attribute.key.to_string() == name => {
            attribute.value_literal_string()
        }
        _ => None,
    })
}

pub(crate) fn has(element: &NodeElement<Control>, name: &str) -> bool {
    element.attributes().iter().any(|attribute| match attribute {
        NodeAttribute::Attribute(attribute) => attribute.key.to_string() == name,
        NodeAttribute::Block(_) => false,
    })
}
