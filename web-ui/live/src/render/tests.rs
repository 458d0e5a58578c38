//! Rendered pages and their differences.

use crate::{Differ, Raw, Rendered, html};

fn full(page: &Rendered) -> String {
    Differ::new().full(page).into_json()
}

/// What the client gets when `before` becomes `after`.
fn diff(before: &Rendered, after: &Rendered) -> Option<String> {
    let mut differ = Differ::new();
    differ.full(before);
    let diff = differ.diff(after).map(super::Diff::into_json);
    // The client has it now.
    assert_eq!(differ.diff(after), None);
    diff
}

#[test]
fn a_template_is_its_texts_and_its_values() {
    let (title, count) = ("a < b & \"c\"", 3);
    let page = html! { <h1 class="big">{title}</h1><p>{count}</p> };
    assert_eq!(
        page.to_html(),
        "<h1 class=\"big\">a &lt; b &amp; &quot;c&quot;</h1><p>3</p>"
    );
    assert_eq!(
        full(&page),
        r#"{"0":"a &lt; b &amp; &quot;c&quot;","1":"3","s":["<h1 class=\"big\">","</h1><p>","</p>"]}"#
    );
}

#[test]
fn raw_html_is_the_only_content_that_is_not_escaped() {
    assert_eq!(
        html! { <p>{Raw("<b>")}{"<b>"}</p> }.to_html(),
        "<p><b>&lt;b&gt;</p>"
    );
}

#[test]
fn attributes_of_false_and_none_are_left_out() {
    let page = |on: bool, name: Option<&str>| {
        html! { <input disabled={on} value={name} id="in-{1 + 1}" max=5 required> }
    };
    assert_eq!(
        page(true, Some("\"x\"")).to_html(),
        "<input disabled value=\"&quot;x&quot;\" id=\"in-2\" max=\"5\" required>"
    );
    assert_eq!(
        page(false, None).to_html(),
        "<input id=\"in-2\" max=\"5\" required>"
    );
    assert_eq!(
        diff(&page(true, Some("x")), &page(false, Some("x"))).unwrap(),
        r#"{"0":""}"#
    );
}

#[test]
fn only_changed_values_are_sent() {
    let page = |a: u32, b: u32| html! { <p>{a}</p><p>{b}</p> };
    assert_eq!(diff(&page(1, 1), &page(1, 2)).unwrap(), r#"{"1":"2"}"#);
    assert_eq!(diff(&page(1, 1), &page(1, 1)), None);
}

#[test]
fn another_branch_is_sent_in_full_and_the_same_one_is_merged() {
    let page = |n: u32| html! { <div>{if n < 3 { <b>{n}</b> } else if n < 6 { <i>{n}</i><u>{1}</u> }}</div> };
    assert_eq!(diff(&page(1), &page(2)).unwrap(), r#"{"0":{"0":"2"}}"#);
    assert_eq!(
        diff(&page(1), &page(4)).unwrap(),
        r#"{"0":{"0":"4","1":"1","s":["<i>","</i><u>","</u>"]}}"#
    );
    assert_eq!(diff(&page(4), &page(9)).unwrap(), r#"{"0":""}"#);
    assert_eq!(
        diff(&page(9), &page(1)).unwrap(),
        r#"{"0":{"0":"1","s":["<b>","</b>"],"r":1}}"#
    );
}

#[test]
fn a_reversed_list_is_sent_as_moves() {
    let list =
        |keys: &[u32]| html! { <ul>{for key in keys; key = key { <li id="li-{key}">{key}</li> }}</ul> };
    assert_eq!(
        diff(&list(&[1, 2, 3]), &list(&[3, 2, 1])).unwrap(),
        r#"{"0":{"k":{"0":2,"2":0,"km":true,"kc":3}}}"#
    );
    assert_eq!(
        diff(&list(&[1, 2]), &list(&[])).unwrap(),
        r#"{"0":{"k":{"kc":0}}}"#
    );
    assert_eq!(full(&list(&[])), r#"{"0":"","s":["<ul>","</ul>"]}"#);
}
