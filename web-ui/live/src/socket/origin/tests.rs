//! Who may and who may not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn may(origin: &Origin, said: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, "panel.example:8080".parse().unwrap());
    headers.insert(header::ORIGIN, said.parse().unwrap());
    origin.allows(&headers)
}

fn list(rules: &[&str]) -> Origin {
    Origin::List(
        rules
            .iter()
            .map(|rule| OriginRule::parse(rule).unwrap())
            .collect(),
    )
}

#[test]
fn programs_that_say_no_origin_may() {
    let none = HeaderMap::new();
    for origin in [
        Origin::SameHost,
        Origin::Host("h".into()),
        list(&["//h"]),
        Origin::With(Arc::new(|_| false)),
    ] {
        assert!(origin.allows(&none), "{origin:?}");
    }
}

#[test]
fn any_origin_may_where_nothing_is_checked() {
    for said in ["http://evil.example", "null", "nonsense"] {
        assert!(may(&Origin::Any, said));
    }
}

#[test]
fn the_host_counts_and_not_scheme_or_port_where_one_host_is_named() {
    let origin = Origin::Host("Panel.example".to_owned());
    for said in ["http://panel.example", "https://PANEL.example:9999"] {
        assert!(may(&origin, said), "{said}");
    }
    for said in [
        "http://other.example",
        "http://sub.panel.example",
        "http://panel.example.evil.example",
    ] {
        assert!(!may(&origin, said), "{said}");
    }
}

#[test]
fn the_same_host_and_port_as_asked_for_may() {
    for (said, allowed) in [
        ("http://panel.example:8080", true),
        ("https://panel.example:8080", true),
        ("http://panel.example", false),
        ("http://panel.example:8081", false),
        ("http://evil.example:8080", false),
    ] {
        assert_eq!(may(&Origin::SameHost, said), allowed, "{said}");
    }
}

#[test]
fn a_list_may_leave_out_scheme_and_port() {
    for (rules, said, allowed) in [
        (&["https://a.example"][..], "https://a.example", true),
        (&["https://a.example"], "http://a.example", false),
        (&["//a.example"], "http://a.example:4000", true),
        (&["a.example:4000"], "https://a.example:4000", true),
        (&["//a.example:4000"], "http://a.example", false),
        (&["http://a.example:80"], "http://a.example", true),
        (&["https://a.example:443"], "https://a.example", true),
        (&["//b.example", "//a.example"], "http://a.example", true),
        (&["//b.example"], "http://a.example", false),
    ] {
        assert_eq!(may(&list(rules), said), allowed, "{rules:?} {said}");
    }
}

#[test]
fn a_wildcard_stands_for_the_host_itself_and_everything_below() {
    let rules = list(&["https://*.a.example"]);
    for said in [
        "https://a.example",
        "https://x.a.example",
        "https://y.x.a.example",
    ] {
        assert!(may(&rules, said), "{said}");
    }
    for said in [
        "https://xa.example",
        "http://x.a.example",
        "https://a.example.evil.example",
    ] {
        assert!(!may(&rules, said), "{said}");
    }
}

#[test]
fn an_origin_that_is_none_may_not_where_it_is_checked() {
    for said in [
        "null",
        "file://",
        "nonsense",
        "http://",
        "://a.example",
        "http://a b",
    ] {
        for origin in [
            Origin::SameHost,
            Origin::Host("a.example".into()),
            list(&["//a.example"]),
        ] {
            assert!(!may(&origin, said), "{said} {origin:?}");
        }
    }
}

#[test]
fn a_function_decides_on_everything_that_is_said() {
    let origin = Origin::With(Arc::new(|said| said == "null"));
    assert!(may(&origin, "null"));
    assert!(!may(&origin, "http://panel.example:8080"));
}
