//! Commands as the client reads them.

use super::*;
use crate::html;

fn value(js: &Js) -> Value {
    serde_json::from_str(&js.to_string()).unwrap()
}

#[test]
fn commands_of_a_real_page_are_those_that_phoenix_renders() {
    let fade = Transition {
        classes: "fade",
        start: "o0",
        end: "o1",
    };
    let js = Js::new()
        .toggle("#panel")
        .ins(fade)
        .push("jsinc")
        .value("by", 5)
        .add_class("pushed")
        .to(To::Closest("section"))
        .set_attr("a", "b")
        .dispatch("x")
        .detail(json!({"a": 1}))
        .navigate("/two")
        .hide("#panel")
        .transition("fade out")
        .time_ms(10);
    let expected = json!([
        ["toggle", {"ins": [["fade"], ["o0"], ["o1"]], "to": "#panel"}],
        ["push", {"value": {"by": 5}, "event": "jsinc"}],
        ["add_class", {"names": ["pushed"], "to": {"closest": "section"}}],
        ["set_attr", {"attr": ["a", "b"]}],
        ["dispatch", {"event": "x", "detail": {"a": 1}}],
        ["navigate", {"replace": false, "href": "/two"}],
        ["hide", {"time": 10, "to": "#panel", "transition": [["fade", "out"], [], []]}]
    ]);
    assert_eq!(value(&js), expected);
}

#[test]
fn every_other_command_has_the_arguments_that_the_client_reads() {
    let js = Js::new()
        .push("e")
        .target(Cid(3))
        .loading("#l")
        .page_loading()
        .push("e")
        .target("#t")
        .exec("data-x")
        .to(To::Inner(".y"))
        .show("#s")
        .display("flex")
        .blocking(false)
        .toggle("#t")
        .outs("out")
        .remove_class("a b")
        .toggle_class("c")
        .play("shake")
        .remove_attr("open")
        .toggle_attr("open", "true")
        .toggle_attr_between("dir", "ltr", "rtl")
        .ignore_attrs(&["open", "data-*"])
        .focus()
        .to("#i")
        .focus_first()
        .push_focus()
        .pop_focus()
        .patch("/p")
        .replace()
        .dispatch("d")
        .bubbles(false);
    let expected = json!([
        ["push", {"event": "e", "target": 3, "loading": "#l", "page_loading": true}],
        ["push", {"event": "e", "target": "#t"}],
        ["exec", {"attr": "data-x", "to": {"inner": ".y"}}],
        ["show", {"to": "#s", "display": "flex", "blocking": false}],
        ["toggle", {"to": "#t", "outs": [["out"], [], []]}],
        ["remove_class", {"names": ["a", "b"]}],
        ["toggle_class", {"names": ["c"]}],
        ["transition", {"transition": [["shake"], [], []]}],
        ["remove_attr", {"attr": "open"}],
        ["toggle_attr", {"attr": ["open", "true"]}],
        ["toggle_attr", {"attr": ["dir", "ltr", "rtl"]}],
        ["ignore_attrs", {"attrs": ["open", "data-*"]}],
        ["focus", {"to": "#i"}],
        ["focus_first", {}],
        ["push_focus", {}],
        ["pop_focus", {}],
        ["patch", {"href": "/p", "replace": true}],
        ["dispatch", {"event": "d", "bubbles": false}]
    ]);
    assert_eq!(value(&js), expected);
}

#[test]
fn a_command_is_escaped_into_its_attribute_and_none_leaves_it_out() {
    let page = |js: Js| html! { <b phx-click={js}></b> }.to_html();
    assert_eq!(page(Js::new()), "<b></b>");
    assert_eq!(
        page(Js::new().push("a\"<")),
        r#"<b phx-click="[[&quot;push&quot;,{&quot;event&quot;:&quot;a\&quot;&lt;&quot;}]]"></b>"#
    );
}
