//! The element that holds a view, as HTML.

use serde_json::{Map, Value};

use super::live_view::Container;

/// The element with a view's HTML inside. `tokens` are attributes that the engine has made.
pub(crate) fn container(container: Container, id: &str, tokens: &str, body: &str) -> String {
    let Container { tag, attributes } = container;
    let mut html = format!("<{tag} id=\"{}\" {tokens}", escaped(id));
    for (name, value) in attributes {
        html.push_str(&format!(" {name}=\"{}\"", escaped(value)));
    }
    html.push_str(&format!(">{body}</{tag}>"));
    html
}

/// Its attributes as the client reads them.
pub(crate) fn attributes(container: Container) -> Value {
    let pairs = container.attributes.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect::<Map<_, _>>()
        .into()
}

/// What a text is within an attribute's double quotes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}
