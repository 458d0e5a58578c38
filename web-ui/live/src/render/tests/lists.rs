//! Lists in lists, with and without keys, with keys that stand twice.

use super::{diff, full};
use crate::{Differ, Rendered, Stream, html};

fn plain(names: &[&str]) -> Rendered {
    html! { <ul>{for name in names { <li>{name}</li> }}</ul> }
}

fn keyed(names: &[(u32, &str)]) -> Rendered {
    html! { <ul>{for (key, name) in names; key = key { <li>{name}</li> }}</ul> }
}

fn groups(groups: &[(u32, &[(u32, &str)])]) -> Rendered {
    html! {
        {for (key, names) in groups; key = key {
            <ul title={*key}>{for (key, name) in *names; key = key { <li>{name}</li> }}</ul>
        }}
    }
}

#[test]
fn without_a_key_entries_change_where_they_are() {
    assert_eq!(
        diff(&plain(&["a", "b"]), &plain(&["x", "a", "b"])).unwrap(),
        r#"{"0":{"k":{"0":{"0":"x"},"1":{"0":"a"},"2":{"0":"b"},"kc":3}}}"#
    );
    assert_eq!(
        diff(&plain(&["a", "b", "c"]), &plain(&["a"])).unwrap(),
        r#"{"0":{"k":{"kc":1}}}"#
    );
}

#[test]
fn with_a_key_an_entry_in_front_moves_the_others() {
    assert_eq!(
        diff(
            &keyed(&[(1, "a"), (2, "b")]),
            &keyed(&[(9, "x"), (1, "a"), (2, "b")])
        )
        .unwrap(),
        r#"{"0":{"k":{"0":{"0":"x"},"1":0,"2":1,"km":true,"kc":3}}}"#
    );
    assert_eq!(
        diff(&keyed(&[(1, "a"), (2, "b")]), &keyed(&[(2, "B"), (1, "a")])).unwrap(),
        r#"{"0":{"k":{"0":[1,{"0":"B"}],"1":0,"km":true,"kc":2}}}"#
    );
    assert_eq!(
        diff(
            &keyed(&[(1, "a"), (2, "b"), (3, "c")]),
            &keyed(&[(1, "a"), (2, "B"), (3, "c")])
        )
        .unwrap(),
        r#"{"0":{"k":{"1":{"0":"B"},"kc":3}}}"#
    );
}

#[test]
fn an_entry_added_behind_is_sent_alone() {
    assert_eq!(
        diff(&keyed(&[(1, "a")]), &keyed(&[(1, "a"), (2, "b")])).unwrap(),
        r#"{"0":{"k":{"1":{"0":"b"},"kc":2}}}"#
    );
}

#[test]
fn a_list_in_a_list_changes_alone() {
    assert_eq!(
        diff(
            &groups(&[(1, &[(1, "a"), (2, "b")]), (2, &[(3, "c")])]),
            &groups(&[(1, &[(2, "b"), (1, "a")]), (2, &[(3, "c")])])
        )
        .unwrap(),
        r#"{"0":{"k":{"0":{"1":{"k":{"0":1,"1":0,"km":true,"kc":2}}},"kc":2}}}"#
    );
}

#[test]
fn a_list_moves_with_its_entry() {
    assert_eq!(
        diff(
            &groups(&[(1, &[(1, "a")]), (2, &[(3, "c")])]),
            &groups(&[(2, &[(3, "d")]), (1, &[(1, "a")])])
        )
        .unwrap(),
        r#"{"0":{"k":{"0":[1,{"1":{"k":{"0":{"0":"d"},"kc":1}}}],"1":0,"km":true,"kc":2}}}"#
    );
}

#[test]
fn of_two_entries_with_one_key_the_second_is_sent_anew() {
    assert_eq!(
        diff(&keyed(&[(1, "a"), (2, "b")]), &keyed(&[(2, "b"), (2, "b")])).unwrap(),
        r#"{"0":{"k":{"0":1,"1":{"0":"b"},"km":true,"kc":2}}}"#
    );
    assert_eq!(
        diff(&keyed(&[(1, "a"), (1, "b")]), &keyed(&[(1, "a"), (1, "b")])),
        None
    );
}

#[test]
fn a_list_that_was_empty_brings_its_texts_with_the_first_entry_and_only_then() {
    assert_eq!(full(&plain(&[])), r#"{"0":"","s":["<ul>","</ul>"]}"#);
    assert_eq!(
        diff(&plain(&[]), &plain(&["a"])).unwrap(),
        r#"{"0":{"k":{"0":{"0":"a"},"kc":1},"s":["<li>","</li>"]}}"#
    );
    let mut differ = crate::Differ::new();
    differ.full(&plain(&["a"]));
    assert_eq!(
        differ.diff(&plain(&[])).unwrap().json(),
        r#"{"0":{"k":{"kc":0}}}"#
    );
    assert_eq!(
        differ.diff(&plain(&["b"])).unwrap().json(),
        r#"{"0":{"k":{"0":{"0":"b"},"kc":1}}}"#
    );
}

#[test]
fn texts_that_entries_share_are_sent_once() {
    let page = |names: &[&str]| {
        html! { {for name in names { {if !name.is_empty() { <b class="name">{name}</b> }} }} }
    };
    assert_eq!(
        full(&page(&["a", "b", ""])),
        concat!(
            r#"{"0":{"k":{"0":{"0":{"0":"a","s":0,"r":1}},"1":{"0":{"0":"b","s":0,"r":1}},"2":{"0":""},"kc":3},"#,
            r#""s":["",""]},"s":["",""],"p":{"0":["<b class=\"name\">","</b>"]}}"#
        )
    );
}

#[test]
fn streams_that_are_not_shown_any_more_are_forgotten_and_no_number_is_given_twice() {
    let rows = |name: &str, rows: &Stream<u32>| {
        html! { <ul id={name} phx-update="stream">{stream (id, row) in rows { <li id={id}>{row}</li> }}</ul> }
    };
    let page = |stays: &Stream<u32>, other: Option<&Stream<u32>>| {
        html! { <main>{rows("stays", stays)}{other.map(|other| rows("other", other))}</main> }
    };
    let mut differ = Differ::new();
    let mut stays = Stream::new();
    stays.insert("stays", 0);
    differ.diff(&page(&stays, None));
    let mut bytes = Vec::new();
    for n in 1..100 {
        let mut other = Stream::new();
        other.insert("other", n);
        let json = differ.diff(&page(&stays, Some(&other))).unwrap().into_json();
        assert!(json.contains(&format!("\"stream\":[\"{n}\",")), "{json}");
        bytes.push(differ.memory_bytes());
    }
    bytes.dedup();
    assert_eq!(bytes.len(), 1, "{bytes:?}");
    stays.insert("stays", 1);
    let json = differ.diff(&page(&stays, None)).unwrap().into_json();
    assert!(json.contains("\"stream\":[\"0\","), "{json}");
}
