//! Rendered pages and their differences.

mod components;
mod golden;
mod lists;

use super::Insert;
use crate::{Component, Differ, Raw, Rendered, Stream, html};

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

#[test]
fn a_stream_sends_its_changes_and_remembers_no_row() {
    let rows = |rows: &Stream<&str>| {
        html! { <tbody id="rows" phx-update="stream">{stream (id, row) in rows { <tr id={id}>{row}</tr> }}</tbody> }
    };
    let mut stream = Stream::new();
    let mut differ = Differ::new();
    assert_eq!(
        differ.full(&rows(&stream)).json(),
        r#"{"0":"","s":["<tbody id=\"rows\" phx-update=\"stream\">","</tbody>"]}"#
    );
    stream.insert("rows-1", "r1");
    let first = differ.diff(&rows(&stream)).unwrap();
    assert_eq!(
        first.json(),
        concat!(
            r#"{"0":{"stream":["0",[["rows-1",-1,null,null]],[]],"k":{"0":{"0":" id=\"rows-1\"","1":"r1"},"kc":1},"#,
            r#""s":["<tr",">","</tr>"]}}"#
        )
    );
    assert_eq!(differ.diff(&rows(&stream)), None);
    let memory = differ.memory_bytes();
    for row in 0..3000 {
        stream.insert(format!("rows-{row}"), "again");
    }
    differ.diff(&rows(&stream));
    assert_eq!(differ.memory_bytes(), memory);
    stream.delete("rows-10");
    assert_eq!(
        differ.diff(&rows(&stream)).unwrap().json(),
        r#"{"0":{"stream":["0",[],["rows-10"]],"k":{"kc":0}}}"#
    );
    stream.insert_with("rows-2", "TWO", Insert::new().limit(-3).update_only());
    stream.insert_with("rows-9", "nine", Insert::new().at(0));
    stream.reset();
    stream.insert_with("rows-2", "TWO", Insert::new().limit(-3).update_only());
    stream.insert_with("rows-9", "nine", Insert::new().at(0));
    assert_eq!(
        differ.diff(&rows(&stream)).unwrap().json(),
        concat!(
            r#"{"0":{"stream":["0",[["rows-2",-1,-3,true],["rows-9",0,null,null]],[],true],"#,
            r#""k":{"0":{"0":" id=\"rows-2\"","1":"TWO"},"1":{"0":" id=\"rows-9\"","1":"nine"},"kc":2}}}"#
        )
    );
}

#[test]
fn of_changes_to_one_row_of_a_stream_the_last_counts() {
    let mut stream = Stream::new();
    stream.insert("a", 1);
    stream.insert("b", 2);
    stream.insert("a", 3);
    stream.delete("b");
    stream.delete("c");
    stream.insert("c", 4);
    let batch = stream.take();
    assert_eq!(batch.rows().collect::<Vec<_>>(), [("a", &3), ("c", &4)]);
    assert_eq!(batch.change().deletes, ["b", "c"]);
}

/// A table with a slot that is rendered for each row.
struct Table<'a, T, F: Fn(&T) -> Rendered> {
    caption: String,
    rows: &'a [T],
    cell: F,
    footer: Rendered,
}

impl<T, F: Fn(&T) -> Rendered> Component for Table<'_, T, F> {
    fn render(self) -> Rendered {
        html! {
            <table>
                <caption>{self.caption}</caption>
                {for row in self.rows { <tr>{(self.cell)(row)}</tr> }}
                <tfoot>{self.footer}</tfoot>
            </table>
        }
    }
}

#[derive(Default)]
struct Badge {
    text: &'static str,
    loud: bool,
    level: u8,
}

impl Component for Badge {
    fn render(self) -> Rendered {
        html! { <b class={self.loud.then_some("loud")} data-level={self.level}>{self.text}</b> }
    }
}

#[test]
fn components_take_attributes_slots_and_children() {
    let (name, rows) = ("Pumps", ["one", "two"]);
    let page = html! {
        <Table caption="{name} of {rows.len()}" rows={&rows}>
            <slot:cell with(row)><td>{row}</td></slot:cell>
            <slot:footer><td>{rows.len()}</td></slot:footer>
        </Table>
        <Badge text="on" loud {..}/>
    };
    assert_eq!(
        page.to_html(),
        concat!(
            "<table><caption>Pumps of 2</caption><tr><td>one</td></tr><tr><td>two</td></tr>",
            "<tfoot><td>2</td></tfoot></table><b class=\"loud\" data-level=\"0\">on</b>"
        )
    );
}

#[test]
fn changes_of_a_stream_that_nobody_renders_have_a_limit() {
    let mut stream = Stream::new();
    for row in 0..super::PENDING + 5 {
        stream.insert(format!("row-{row}"), row);
    }
    assert_eq!(stream.dropped(), 5);
    let batch = stream.take();
    assert_eq!(batch.rows().count(), super::PENDING);
    assert_eq!(batch.rows().next(), Some(("row-5", &5)));
}

#[test]
fn a_client_that_joins_again_gets_everything_again() {
    let page = html! { <p>{1}</p>{if true { <b>{2}</b> }} };
    let mut differ = Differ::new();
    let first = differ.full(&page);
    assert_eq!(differ.diff(&page), None);
    assert_eq!(differ.full(&page), first);
}

#[test]
fn any_text_is_the_same_after_json() {
    let texts = [
        "",
        "\u{0}\u{1f}\u{7f}",
        "\"\\/\u{2028}\u{2029}",
        "é😀",
        "a\tb\r\nc",
    ];
    for text in texts {
        let json = full(&html! { <p>{Raw(text)}</p> });
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["0"], text);
    }
}
