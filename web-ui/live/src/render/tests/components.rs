//! Live components: placed, changed, moved, asked for again.

use std::collections::BTreeMap;

use super::super::Diff;
use crate::{Cid, Differ, Rendered, html};

fn counter(cid: Cid, n: u32) -> Rendered {
    html! { <p id="c-{cid}">{n}</p> }
}

/// A page in one message, with every component that is missing.
fn send(differ: &mut Differ, page: &Rendered, components: &BTreeMap<Cid, Rendered>) -> Option<String> {
    let mut message = differ.message();
    message.root(page);
    while let Some(cid) = message.missing() {
        message.component(cid, &components[&cid]);
    }
    message.finish().map(Diff::into_json)
}

fn components(cids: &[u32]) -> BTreeMap<Cid, Rendered> {
    let counters = cids.iter().map(|cid| (Cid(*cid), counter(Cid(*cid), 0)));
    counters.collect()
}

fn places(differ: &Differ, cid: u32) -> bool {
    differ.unplaced([Cid(cid)].into()).is_empty()
}

#[test]
fn a_component_in_a_list_moves_with_its_entry_and_is_not_sent_again() {
    let page = |cids: &[u32]| html! { {for cid in cids; key = cid { <li>{Cid(*cid)}</li> }} };
    let mut differ = Differ::new();
    let all = components(&[1, 2, 3]);
    send(&mut differ, &page(&[1, 2]), &all);
    assert_eq!(
        send(&mut differ, &page(&[2, 1]), &all).unwrap(),
        r#"{"0":{"k":{"0":1,"1":0,"km":true,"kc":2}}}"#
    );
    assert_eq!(
        send(&mut differ, &page(&[2, 3, 1]), &all).unwrap(),
        concat!(
            r#"{"0":{"k":{"1":{"0":3},"2":1,"km":true,"kc":3}},"#,
            r#""c":{"3":{"0":"3","1":"0","s":["<p id=\"c-","\">","</p>"],"r":1}}}"#
        )
    );
    assert!(places(&differ, 3));
    send(&mut differ, &page(&[2]), &all);
    assert!(!places(&differ, 3) && places(&differ, 2));
}

#[test]
fn another_page_makes_the_client_forget_its_components() {
    let one = html! { <main>{Cid(1)}</main> };
    let other = html! { <div>{Cid(1)}</div> };
    let all = components(&[1]);
    let mut differ = Differ::new();
    send(&mut differ, &one, &all);
    assert_eq!(send(&mut differ, &one, &all), None);
    let json = send(&mut differ, &other, &all).unwrap();
    assert!(json.contains(r#""c":{"1":{"0":"1","1":"0","s":"#), "{json}");
}

#[test]
fn a_component_in_a_component_is_asked_for() {
    let outer = html! { <section>{Cid(2)}</section> };
    let all = BTreeMap::from([(Cid(1), outer), (Cid(2), counter(Cid(2), 0))]);
    let mut differ = Differ::new();
    let json = send(&mut differ, &html! { <main>{Cid(1)}</main> }, &all).unwrap();
    assert!(json.contains(r#""c":{"1":{"0":2,"#), "{json}");
    assert_eq!(differ.components().collect::<Vec<_>>(), [Cid(1), Cid(2)]);
    assert!(places(&differ, 2));
}

#[test]
fn a_component_in_a_row_of_a_stream_is_sent_with_its_row() {
    let mut rows = crate::Stream::new();
    rows.insert("a", Cid(1));
    let page = html! {
        <ul id="rows" phx-update="stream">{stream (id, cid) in &rows { <li id={id}>{cid}</li> }}</ul>
    };
    let json = send(&mut Differ::new(), &page, &components(&[1])).unwrap();
    assert!(
        json.contains(r#""k":{"0":{"0":" id=\"a\"","1":1},"kc":1}"#),
        "{json}"
    );
    assert!(json.contains(r#""c":{"1":{"#), "{json}");
}

#[test]
fn a_component_that_shows_another_template_is_sent_in_full() {
    let mut differ = Differ::new();
    send(&mut differ, &html! { <main>{Cid(1)}</main> }, &components(&[1]));
    let mut message = differ.message();
    message.component(Cid(1), &html! { <b>{1}</b> });
    assert_eq!(
        message.finish().unwrap().json(),
        r#"{"c":{"1":{"0":"1","s":["<b>","</b>"],"r":1}}}"#
    );
    let mut message = differ.message();
    message.component(Cid(1), &html! { <b>{1}</b> });
    assert_eq!(message.finish(), None);
}

#[test]
fn a_component_that_the_client_has_removed_is_sent_in_full_when_it_comes_again() {
    let page = |shown: bool| html! { <main>{shown.then_some(Cid(1))}</main> };
    let mut differ = Differ::new();
    send(&mut differ, &page(true), &components(&[1]));
    assert_eq!(
        send(&mut differ, &page(false), &components(&[])).unwrap(),
        r#"{"0":""}"#
    );
    // The client keeps it until both have agreed that it is gone.
    assert_eq!(
        send(&mut differ, &page(true), &components(&[])).unwrap(),
        r#"{"0":1}"#
    );
    send(&mut differ, &page(false), &components(&[]));
    differ.forget(Cid(1));
    let json = send(&mut differ, &page(true), &components(&[1])).unwrap();
    assert!(json.contains("\"s\":"), "{json}");
}

#[test]
fn a_component_is_one_element() {
    assert!(counter(Cid(1), 0).is_root());
    assert!(!html! { <p></p><p></p> }.is_root());
    assert!(!html! { {counter(Cid(1), 0)} }.is_root());
}
