//! Views within views.

use serde_json::{Value, json};

use super::pages::{Counter, Holder, layout, pages};
use super::{ID, Visit, event, site};
use crate::sign::TOKEN_BYTES;
use crate::view::NESTED;
use crate::view::token::ViewToken;
use crate::{Context, Group, LiveView, Params, Refusal, Rendered, Routes, Session, html};

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

/// Holds itself.
struct Deep;

impl LiveView for Deep {
    type Message = ();

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <p>{context.child::<Self>(ID, json!({}))}</p> }
    }
}

#[test]
fn a_view_that_holds_itself_is_left_out_of_the_page_when_it_stands_too_deep() {
    let group = Group::new("default", layout).view::<Deep>("/deep");
    let mut visit = Visit::of(site(Routes::new().group(group)), std::any::type_name::<Deep>());
    let mut levels = 0;
    loop {
        let (_, response) = visit.join("/deep");
        let html = response["rendered"]["0"].as_str().unwrap().to_owned();
        if html.is_empty() {
            break;
        }
        levels += 1;
        assert!(levels <= NESTED, "one view more than there may be");
        visit.token = attribute(&html, "data-phx-session").to_owned();
    }
    assert_eq!(levels, NESTED);
}

/// Holds a view that it tells as many bytes as its address says.
struct Teller {
    bytes: usize,
}

impl LiveView for Teller {
    type Message = ();

    fn mount(params: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        let bytes = params.get("bytes").unwrap_or_default().parse().unwrap_or(0);
        Ok(Self { bytes })
    }

    fn render(&self, context: &Context) -> Rendered {
        html! { <p>{context.child::<Counter>("child", json!({"said": "x".repeat(self.bytes)}))}</p> }
    }
}

#[test]
fn a_view_that_is_told_more_than_a_token_holds_is_left_out_of_the_page() {
    let group = Group::new("default", layout).view::<Teller>("/tell");
    let routes = Routes::new().group(group).nested::<Counter>();
    let visit = Visit::of(site(routes), std::any::type_name::<Teller>());
    let shown = |bytes: usize| {
        let (_, response) = visit.join(&format!("/tell?bytes={bytes}"));
        response["rendered"]["0"].as_str().unwrap().to_owned()
    };
    let html = shown(5_000);
    let token = attribute(&html, "data-phx-session");
    assert!(ViewToken::verify(token, "child", visit.site.key()).is_some());
    // Where the token is one byte too long, it is not in the page.
    let mut told = 5_000;
    while !shown(told).is_empty() {
        told += 1;
        assert!(
            told < TOKEN_BYTES,
            "a token that nobody would believe is in the page"
        );
    }
    let html = shown(told - 1);
    assert!(ViewToken::verify(attribute(&html, "data-phx-session"), "child", visit.site.key()).is_some());
}
