//! Views within views.

use serde_json::{Value, json};

use super::pages::{Counter, Holder, pages};
use super::{Visit, event};
use crate::view::token::ViewToken;

fn attribute<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, rest) = html.split_once(&format!("{name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

#[test]
fn a_view_within_another_joins_by_the_token_in_its_element() {
    let visit = Visit::of(pages(), std::any::type_name::<Holder>());
    let (mut running, response) = visit.join("/holder");
    let html = response["rendered"]["1"].as_str().unwrap();
    assert!(
        html.starts_with("<div id=\"child\" data-phx-session=\""),
        "{html}"
    );
    assert!(html.ends_with("data-phx-parent-id=\"phx-main\"></div>"), "{html}");
    let token = ViewToken::verify(attribute(html, "data-phx-session"), "child", visit.site.key()).unwrap();
    assert_eq!(
        (token.view.as_str(), &token.values["from"]),
        (std::any::type_name::<Counter>(), &json!(5))
    );
    assert_eq!(
        event(&mut running, "click", "noop", Value::Null),
        json!({}),
        "the token stays the same"
    );
}
