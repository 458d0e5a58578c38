//! Messages that a Phoenix server (LiveView 1.2.10) sent for the same page in the same states.

use serde_json::Value;

use crate::render::Insert;
use crate::{Cid, Differ, Rendered, Stream, html};

struct Item {
    key: &'static str,
    value: &'static str,
    sub: Vec<&'static str>,
}

fn item(key: &'static str, value: &'static str, sub: &[&'static str]) -> Item {
    let sub = sub.to_vec();
    Item { key, value, sub }
}

/// The part of that page with the lists. Other values stand before and after, as there.
#[derive(Default)]
struct Page {
    items: Vec<Item>,
    rows: Stream<&'static str>,
    component: Option<Cid>,
}

impl Page {
    fn render(&self) -> Rendered {
        html! {
            {0}{1}{2}{3}{4}{5}{6}
            <ul id="list">
                {for item in &self.items; key = item.key {
                    <li id="li-{item.key}" data-v={item.value}>
                        {item.value}{for sub in &item.sub { <b>{sub}</b> }}
                    </li>
                }}
            </ul>
            <table><tbody id="rows" phx-update="stream">
                {stream (id, row) in &self.rows { <tr id={id}><td>{row}</td></tr> }}
            </tbody></table>
            {9}{10}{11}
            <div id="comps">{if let Some(cid) = self.component { {cid} }}</div>
        }
    }

    fn counter(cid: Cid, n: u32) -> Rendered {
        let key = "one";
        html! {
            <div class="comp" id="comp-{key}">
                "comp n="{n}<button class="cbtn" phx-click="cinc" phx-target={cid}>c+</button>
            </div>
        }
    }
}

/// A message with every text in its place, so that messages that share them differently can be compared.
fn resolved(json: &str) -> Value {
    fn resolve(value: &mut Value, table: &Value) {
        let Value::Object(object) = value else {
            if let Value::Array(values) = value {
                values.iter_mut().for_each(|value| resolve(value, table));
            }
            return;
        };
        let own = object.remove("p");
        let table = own.as_ref().unwrap_or(table);
        for (name, value) in object {
            match value {
                Value::Number(number) if name == "s" => *value = table[number.to_string()].clone(),
                // Phoenix says false or null, and both mean no.
                Value::Array(stream) if name == "stream" => {
                    for insert in stream[1].as_array_mut().unwrap() {
                        if insert[3] == Value::Bool(false) {
                            insert[3] = Value::Null;
                        }
                    }
                    // Its order means nothing.
                    stream[1].as_array_mut().unwrap().sort_by_key(ToString::to_string);
                }
                other => resolve(other, table),
            }
        }
    }
    let mut value = serde_json::from_str(json).unwrap();
    resolve(&mut value, &Value::Null);
    value
}

/// The same message as Phoenix's, and no longer.
fn assert_golden(ours: &str, golden: &str) {
    assert_eq!(resolved(ours), resolved(golden), "{ours}");
    assert!(
        ours.len() <= golden.len(),
        "{} > {}: {ours}",
        ours.len(),
        golden.len()
    );
}

#[test]
fn changes_of_a_list_are_those_that_phoenix_sends() {
    let mut page = Page {
        items: vec![item("a", "A", &[]), item("b", "B", &[]), item("c", "C", &[])],
        ..Page::default()
    };
    let mut differ = Differ::new();
    differ.full(&page.render());
    let mut step = |page: &Page, golden: &str| {
        assert_golden(differ.diff(&page.render()).unwrap().json(), golden);
    };
    page.items.reverse();
    step(&page, r#"{"7":{"k":{"0":2,"2":0,"km":true,"kc":3}}}"#);
    page.items = vec![
        item("a", "A2", &["1", "2"]),
        item("c", "C", &[]),
        item("x", "X", &["9"]),
        item("b", "B", &[]),
    ];
    step(
        &page,
        concat!(
            r#"{"7":{"k":{"0":[2,{"1":" data-v=\"A2\"","2":"A2","#,
            r#""3":{"k":{"0":{"0":"1"},"1":{"0":"2"},"kc":2},"s":0}}],"#,
            r#""1":0,"2":{"0":"x","1":" data-v=\"X\"","2":"X","3":{"k":{"0":{"0":"9"},"kc":1},"s":0}},"3":1,"#,
            r#""km":true,"kc":4}},"p":{"0":["<b>","</b>"]}}"#
        ),
    );
    page.items.clear();
    step(&page, r#"{"7":{"k":{"kc":0}}}"#);
    page.items = vec![item("q", "Q", &[]), item("r", "R", &["n"])];
    step(
        &page,
        concat!(
            r#"{"7":{"k":{"0":{"0":"q","1":" data-v=\"Q\"","2":"Q","3":""},"#,
            r#""1":{"0":"r","1":" data-v=\"R\"","2":"R","3":{"k":{"0":{"0":"n"},"kc":1},"s":0}},"kc":2}},"#,
            r#""p":{"0":["<b>","</b>"]}}"#
        ),
    );
    page.items = vec![item("q", "Q", &["m"]), item("r", "R", &["n", "o"])];
    step(
        &page,
        concat!(
            r#"{"7":{"k":{"0":{"3":{"k":{"0":{"0":"m"},"kc":1},"s":0}},"1":{"3":{"k":{"1":{"0":"o"},"kc":2}}},"#,
            r#""kc":2}},"p":{"0":["<b>","</b>"]}}"#
        ),
    );
}

#[test]
fn changes_of_a_stream_are_those_that_phoenix_sends() {
    let mut page = Page::default();
    for (id, row) in [("rows-1", "r1"), ("rows-2", "r2"), ("rows-3", "r3")] {
        page.rows.insert(id, row);
    }
    let mut differ = Differ::new();
    let full = differ.full(&page.render());
    let first = resolved(full.json());
    let golden = concat!(
        r#"{"stream":["0",[["rows-3",-1,null,null],["rows-2",-1,null,null],["rows-1",-1,null,null]],[]],"#,
        r#""k":{"0":{"0":" id=\"rows-1\"","1":"r1"},"1":{"0":" id=\"rows-2\"","1":"r2"},"#,
        r#""2":{"0":" id=\"rows-3\"","1":"r3"},"kc":3},"s":["<tr","><td>","</td></tr>"]}"#
    );
    assert_eq!(first["8"], resolved(golden));
    let mut step = |page: &Page, golden: &str| {
        assert_golden(differ.diff(&page.render()).unwrap().json(), golden);
    };
    page.rows.insert_with("rows-9", "nine", Insert::new().at(0));
    step(
        &page,
        concat!(
            r#"{"8":{"stream":["0",[["rows-9",0,null,false]],[]],"#,
            r#""k":{"0":{"0":" id=\"rows-9\"","1":"nine"},"kc":1}}}"#
        ),
    );
    page.rows.insert_with("rows-10", "ten", Insert::new().limit(-3));
    step(
        &page,
        concat!(
            r#"{"8":{"stream":["0",[["rows-10",-1,-3,false]],[]],"#,
            r#""k":{"0":{"0":" id=\"rows-10\"","1":"ten"},"kc":1}}}"#
        ),
    );
    page.rows.delete("rows-10");
    step(&page, r#"{"8":{"stream":["0",[],["rows-10"]],"k":{"kc":0}}}"#);
    page.rows
        .insert_with("rows-2", "TWO", Insert::new().update_only());
    step(
        &page,
        concat!(
            r#"{"8":{"stream":["0",[["rows-2",-1,null,true]],[]],"#,
            r#""k":{"0":{"0":" id=\"rows-2\"","1":"TWO"},"kc":1}}}"#
        ),
    );
    page.rows.reset();
    page.rows.insert("rows-5", "five");
    step(
        &page,
        concat!(
            r#"{"8":{"stream":["0",[["rows-5",-1,null,false]],[],true],"#,
            r#""k":{"0":{"0":" id=\"rows-5\"","1":"five"},"kc":1}}}"#
        ),
    );
}

#[test]
fn a_live_component_comes_changes_goes_and_comes_again_as_from_phoenix() {
    let mut page = Page {
        component: Some(Cid(1)),
        ..Page::default()
    };
    let mut differ = Differ::new();
    let mut message = differ.message();
    message.root(&page.render());
    assert_eq!(message.missing(), Some(Cid(1)));
    message.component(Cid(1), &Page::counter(Cid(1), 0));
    assert_eq!(message.missing(), None);
    let full = resolved(message.finish().unwrap().json());
    let golden = concat!(
        r#"{"0":"one","1":"0","2":" phx-target=\"1\"","#,
        r#""s":["<div class=\"comp\" id=\"comp-","\">comp n=","<button class=\"cbtn\" phx-click=\"cinc\"","#,
        r#"">c+</button></div>"],"r":1}"#
    );
    assert_eq!(full["c"]["1"], resolved(golden));
    assert_eq!(full["12"], resolved(r#"{"0":1,"s":["",""]}"#));

    let mut message = differ.message();
    message.component(Cid(1), &Page::counter(Cid(1), 1));
    assert_golden(message.finish().unwrap().json(), r#"{"c":{"1":{"1":"1"}}}"#);

    page.component = None;
    assert_golden(differ.diff(&page.render()).unwrap().json(), r#"{"12":""}"#);
    assert_eq!(differ.unplaced([Cid(1)].into()), [Cid(1)].into());
    differ.forget(Cid(1));

    page.component = Some(Cid(2));
    let mut message = differ.message();
    message.root(&page.render());
    assert_eq!(message.missing(), Some(Cid(2)));
    message.component(Cid(2), &Page::counter(Cid(2), 0));
    assert_golden(
        message.finish().unwrap().json(),
        concat!(
            r#"{"12":{"0":2,"s":0},"c":{"2":{"0":"one","1":"0","2":" phx-target=\"2\"","#,
            r#""s":["<div class=\"comp\" id=\"comp-","\">comp n=","<button class=\"cbtn\" phx-click=\"cinc\"","#,
            r#"">c+</button></div>"],"r":1}},"p":{"0":["",""]}}"#
        ),
    );
    assert_eq!(differ.unplaced([Cid(2)].into()), [].into());
}

#[test]
fn title_events_and_replies_go_along_as_phoenix_sends_them() {
    let page = |tick: u32| html! { {0}{1}{tick} };
    let mut differ = Differ::new();
    differ.full(&page(0));
    let mut message = differ.message();
    message
        .root(&page(1))
        .event("pt", &serde_json::json!({"y": 1}))
        .title("tick 1");
    assert_golden(
        message.finish().unwrap().json(),
        r#"{"2":"1","e":[["pt",{"y":1}]],"t":"tick 1"}"#,
    );
    let mut message = differ.message();
    message.reply(&serde_json::json!({"pong": 1, "got": {"x": 1}}));
    assert_golden(
        message.finish().unwrap().json(),
        r#"{"r":{"pong":1,"got":{"x":1}}}"#,
    );
    let mut message = differ.message();
    message.event_before("early", &serde_json::json!({}));
    assert_golden(message.finish().unwrap().json(), r#"{"e":[["early",{},true]]}"#);
    assert_eq!(differ.message().finish(), None);
}
