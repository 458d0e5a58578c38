//! Function components: `<Card title="x">…</Card>` becomes a struct with its fields, rendered.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use rstml::node::{
    KVAttributeValue, KeyedAttribute, KeyedAttributeValue, Node, NodeAttribute, NodeElement, NodeName,
};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit};

use crate::attribute::{self, Piece};
use crate::control::{Control, Nodes};
use crate::expand::{self, Expansion, Value};
use crate::template::Template;

/// What a named part of a component's content is written as: `<slot:footer>…</slot:footer>`.
const SLOT: &str = "slot:";

/// Whether the tag names a struct: its last word begins with a capital.
pub(crate) fn is_component(name: &NodeName) -> bool {
    let NodeName::Path(path) = name else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| {
        last.ident
            .to_string()
            .starts_with(|first: char| first.is_ascii_uppercase())
    })
}

pub(crate) fn is_slot(name: &NodeName) -> bool {
    name.to_string().starts_with(SLOT)
}

pub(crate) fn component(expansion: &mut Expansion, element: &NodeElement<Control>, template: &mut Template) {
    let mut fields = Vec::new();
    let mut rest = quote!();
    for attribute in element.attributes() {
        match attribute {
            NodeAttribute::Attribute(attribute) => fields.extend(field(expansion, attribute)),
            NodeAttribute::Block(block) if is_rest(block) => {
                rest = quote!(..::std::default::Default::default())
            }
            NodeAttribute::Block(block) => expansion.refuse(syn::Error::new(
                block.span(),
                "a field has a name: `name={value}`; `{..}` takes the others from `Default`",
            )),
        }
    }
    let (slots, children): (Nodes, Nodes) = element.children.iter().cloned().partition(is_slot_node);
    for slot in &slots {
        if let Node::Element(slot) = slot {
            fields.extend(self::slot(expansion, slot));
        }
    }
    let shown = children.iter().any(|child| !matches!(child, Node::Comment(_)));
    if shown {
        let children = expansion.rendered(&children);
        fields.push(quote!(children: #children));
    }
    let (name, generics) = (element.name(), &element.open_tag.generics);
    let generics = generics.lt_token.map(|_| quote!(::#generics));
    let sheet = &expansion.sheet;
    template.value(quote! {
        #sheet.content(&::roost_live::render::Component::render(#name #generics { #(#fields,)* #rest }));
    });
}

fn is_slot_node(node: &Node<Control>) -> bool {
    matches!(node, Node::Element(element) if is_slot(element.name()))
}

/// `{..}`
fn is_rest(block: &rstml::node::NodeBlock) -> bool {
    matches!(
        expand::expression(block),
        Some(Value::Expression(Expr::Range(range))) if range.start.is_none() && range.end.is_none()
    )
}

/// `name: value`
fn field(expansion: &mut Expansion, attribute: &KeyedAttribute) -> Option<TokenStream> {
    let name = identifier(expansion, &attribute.key)?;
    let value = match &attribute.possible_value {
        KeyedAttributeValue::None => quote!(true),
        KeyedAttributeValue::Value(value) => match &value.value {
            KVAttributeValue::Expr(Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            })) => match text_of(text) {
                Ok(text) => text,
                Err(problem) => {
                    expansion.refuse(problem);
                    return None;
                }
            },
            KVAttributeValue::Expr(Expr::Block(block)) if block.label.is_none() => {
                match expand::value(&block.block) {
                    Value::Expression(value) => value.to_token_stream(),
                    Value::Block(_) | Value::Empty => block.to_token_stream(),
                }
            }
            KVAttributeValue::Expr(value @ Expr::Lit(_)) => value.to_token_stream(),
            KVAttributeValue::Expr(value) => {
                expansion.refuse(attribute::in_braces(value));
                return None;
            }
            KVAttributeValue::InvalidBraced(_) => return None,
        },
        KeyedAttributeValue::Binding(binding) => {
            expansion.refuse(syn::Error::new(
                binding.inputs.span(),
                "only a slot has parameters",
            ));
            return None;
        }
    };
    Some(quote!(#name: #value))
}

/// A text, or one with values in it.
fn text_of(text: &syn::LitStr) -> syn::Result<TokenStream> {
    let pieces = attribute::pieces(text)?;
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
    Ok(if values.is_empty() {
        let text = format.replace("{{", "{").replace("}}", "}");
        quote!(#text)
    } else {
        quote!(::std::format!(#format, #(#values),*))
    })
}

/// `name: markup`, or with parameters a closure that renders it.
fn slot(expansion: &mut Expansion, slot: &NodeElement<Control>) -> Option<TokenStream> {
    let whole = slot.name().to_string();
    let name = Ident::new(whole.strip_prefix(SLOT)?, slot.name().span());
    let markup = expansion.rendered(&slot.children);
    match slot.attributes() {
        [] => Some(quote!(#name: #markup)),
        [NodeAttribute::Attribute(attribute)] if attribute.key.to_string() == "with" => {
            let KeyedAttributeValue::Binding(binding) = &attribute.possible_value else {
                expansion.refuse(syn::Error::new(
                    attribute.key.span(),
                    "parameters stand in parentheses: `with(row)`",
                ));
                return None;
            };
            let inputs = &binding.inputs;
            Some(quote!(#name: |#inputs| #markup))
        }
        _ => {
            expansion.refuse(syn::Error::new(
                slot.name().span(),
                "a slot has parameters only: `with(row)`",
            ));
            None
        }
    }
}

fn identifier(expansion: &mut Expansion, key: &NodeName) -> Option<Ident> {
    if let NodeName::Path(path) = key
        && let Some(name) = path.path.get_ident()
    {
        return Some(name.clone());
    }
    expansion.refuse(syn::Error::new(key.span(), format!("`{key}` is no field's name")));
    None
}
