//! The tree against messages written by hand, and against the differ.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Tree;

fn html(tree: &mut Tree) -> String {
    tree.print().unwrap().html
}

fn list() -> Tree {
    let rendered = json!({
        "0": {"k": {"0": {"0": "a", "1": ""}, "1": {"0": "b", "1": ""}, "2": {"0": "c", "1": ""}, "kc": 3}, "s": 0},
        "s": ["<ul>", "</ul>"],
        "p": {"0": ["<li>", "", "</li>"]},
    });
    Tree::new(&rendered).unwrap()
}

fn after(diff: &Value) -> String {
    let mut tree = list();
    html(&mut tree);
    tree.apply(diff).unwrap();
    html(&mut tree)
}

#[test]
fn rows_move_change_come_and_go() {
    assert_eq!(html(&mut list()), "<ul><li>a</li><li>b</li><li>c</li></ul>");
    let reversed = json!({"0": {"k": {"0": 2, "2": 0, "km": true, "kc": 3}}});
    assert_eq!(after(&reversed), "<ul><li>c</li><li>b</li><li>a</li></ul>");
    let changed = json!({"0": {"k": {"0": [2, {"0": "C"}], "1": {"0": "x", "1": ""}, "kc": 2, "km": true}}});
    assert_eq!(after(&changed), "<ul><li>C</li><li>x</li></ul>");
    let nested = json!({
        "0": {"k": {"1": {"1": {"k": {"0": {"0": "1"}, "kc": 1}, "s": 0}}, "kc": 3}},
        "p": {"0": ["<b>", "</b>"]},
    });
    assert_eq!(after(&nested), "<ul><li>a</li><li>b<b>1</b></li><li>c</li></ul>");
    assert_eq!(after(&json!({"0": {"k": {"kc": 0}}})), "<ul></ul>");
}

#[test]
fn what_may_not_be_sent_is_an_error() {
    let wrong = [
        json!({"0": {"k": {"0": 2, "2": 0, "kc": 3}}}),
        json!({"0": {"k": {"3": {"0": "x"}, "kc": 4}}}),
        json!({"0": {"k": {"kc": 4}}}),
        json!({"1": "x"}),
        json!({"0": null}),
        json!({"0": 7, "c": {"7": {"s": ["<p></p>"]}}}),
        json!({"0": {"0": "x", "s": 9}}),
    ];
    for diff in wrong {
        let mut tree = list();
        assert!(tree.apply(&diff).is_err(), "{diff}");
    }
}

#[test]
fn a_component_carries_its_number_and_changes_alone() {
    let rendered = json!({
        "0": 1, "s": ["<div>", "</div>"], "c": {"1": {"0": "x", "s": ["<p id=\"c\">", "</p>"], "r": 1}}});
    let mut tree = Tree::new(&rendered).unwrap();
    assert_eq!(
        html(&mut tree),
        "<div><p data-phx-component=\"1\" id=\"c\">x</p></div>"
    );
    tree.apply(&json!({"c": {"1": {"0": "y"}}})).unwrap();
    assert_eq!(
        html(&mut tree),
        "<div><p data-phx-component=\"1\" id=\"c\">y</p></div>"
    );
}

#[test]
fn a_streams_rows_are_handed_out_once() {
    let rendered = json!({
        "0": {"k": {"0": {"0": "r1"}, "kc": 1},
            "s": ["<p id=\"", "\"></p>"], "stream": ["0", [["r1", -1, null, null]], []]},
        "s": ["", ""],
    });
    let mut tree = Tree::new(&rendered).unwrap();
    let print = tree.print().unwrap();
    assert_eq!(
        (print.html.as_str(), print.streams.len()),
        ("<p id=\"r1\"></p>", 1)
    );
    let print = tree.print().unwrap();
    assert_eq!((print.html.as_str(), print.streams.len()), ("", 0));
}

/// A page with everything that a differ knows: values, branches, a list whose rows move and nest.
fn page(on: bool, n: u8, rows: &[(u8, u8, Vec<u8>)]) -> crate::Rendered {
    crate::html! {
        <p class="x-{n}">{n}</p>
        {if on { <b>{n}</b> } else { "off" }}
        <ul>{for (key, text, sub) in rows; key = key {
            <li id="li-{key}">{text}{for one in sub { <i>{one}</i> }}</li>
        }}</ul>
    }
}

type Step = (bool, u8, Vec<(u8, u8, Vec<u8>)>);

fn step() -> impl Strategy<Value = Step> {
    let row = (0_u8..12, 0_u8..4, prop::collection::vec(0_u8..3, 0..3));
    let rows = prop::collection::vec(row, 0..8).prop_map(|mut rows| {
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|(key, ..)| seen.insert(*key));
        rows
    });
    (any::<bool>(), 0_u8..3, rows)
}

proptest! {
    #[test]
    fn what_a_differ_sends_puts_the_same_page_together(steps in prop::collection::vec(step(), 1..12)) {
        let mut differ = crate::Differ::new();
        let mut tree: Option<Tree> = None;
        for (on, n, rows) in steps {
            let page = page(on, n, &rows);
            match &mut tree {
                None => {
                    let full = differ.full(&page);
                    tree = Some(Tree::new(&serde_json::from_str(full.json()).unwrap()).unwrap());
                }
                Some(tree) => if let Some(diff) = differ.diff(&page) {
                    tree.apply(&serde_json::from_str(diff.json()).unwrap()).unwrap();
                },
            }
            prop_assert_eq!(html(tree.as_mut().unwrap()), page.to_html());
        }
    }
}
