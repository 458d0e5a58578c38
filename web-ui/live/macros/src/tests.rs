//! What `html!` accepts and refuses, and where it points.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use crate::expand::expand;

/// What is wrong with a piece of markup: line and column, from 1, of each mistake, and what is said of it.
fn refused(markup: &str) -> Vec<(usize, usize, String)> {
    let problems = match expand(markup.parse().unwrap()) {
        Ok(code) => panic!("{markup} was accepted: {code}"),
        Err(problems) => problems,
    };
    let each = problems.into_iter().map(|problem| {
        let start = problem.span().start();
        (start.line, start.column + 1, problem.to_string())
    });
    each.collect()
}

fn assert_refused(markup: &str, column: usize, message: &str) {
    let problems = refused(markup);
    let found = problems
        .iter()
        .any(|(line, at, said)| (*line, *at) == (1, column) && said.contains(message));
    assert!(found, "{markup}: {problems:?}");
}

/// The texts of the outermost template.
fn texts(markup: &str) -> Vec<String> {
    let code = expand(markup.parse().unwrap()).unwrap();
    let texts = first_list(code).expect("a template has texts").into_iter();
    let texts = texts.filter(|token| matches!(token, TokenTree::Literal(_)));
    texts
        .map(|text| syn::parse2::<LitStr>(text.into()).unwrap().value())
        .collect()
}

/// What stands in the first brackets of the code.
fn first_list(code: TokenStream) -> Option<TokenStream> {
    code.into_iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.stream()),
        TokenTree::Group(group) => first_list(group.stream()),
        _ => None,
    })
}

#[test]
fn tags_that_do_not_match_are_refused() {
    assert!(!refused("<p><b></p>").is_empty());
    assert!(!refused("<p>").is_empty());
    assert!(!refused("</p>").is_empty());
    assert!(!refused("<br></br>").is_empty());
    assert!(!refused("<p></b>").is_empty());
    assert!(!refused("{if on { <p> }}").is_empty());
}

#[test]
fn an_attribute_that_the_client_does_not_know_is_refused_with_the_nearest_one() {
    assert_refused("<p phx-clik=\"x\"></p>", 4, "did you mean `phx-click`?");
    assert_refused("<p phx-value-=\"x\"></p>", 4, "the client knows no attribute");
    assert_refused(
        "<p data-phx-ref-src=\"x\"></p>",
        4,
        "the client knows no attribute",
    );
    for known in [
        "phx-click",
        "phx-value-anything",
        "data-phx-link",
        "data-anything",
        "aria-label",
    ] {
        assert!(
            expand(format!("<p {known}=\"x\"></p>").parse().unwrap()).is_ok(),
            "{known}"
        );
    }
}

#[test]
fn an_attribute_that_stands_twice_is_refused() {
    assert_refused("<p id=\"a\" class={b} id={c}></p>", 21, "`id` stands here twice");
}

#[test]
fn an_element_that_the_client_must_find_again_needs_an_id() {
    assert_refused("<p phx-hook=\"Chart\"></p>", 2, "needs an `id`");
    assert_refused("<p phx-update=\"stream\"></p>", 2, "needs an `id`");
    assert_refused("<ol phx-viewport-top=\"up\"></ol>", 2, "needs an `id`");
    assert_refused("<ol phx-viewport-bottom=\"down\"></ol>", 2, "needs an `id`");
    assert_refused(
        "<template data-phx-portal=\"body\"></template>",
        2,
        "needs an `id`",
    );
    assert!(expand("<p id=\"a\" phx-hook=\"Chart\"></p>".parse().unwrap()).is_ok());
}

#[test]
fn scripts_and_styles_hold_no_values() {
    assert_refused("<script>{code}</script>", 9, "no values");
    assert_refused("<style>\"a{}\" {b}</style>", 8, "no values");
    assert_refused("<script>\"</SCRIPT>\"</script>", 9, "would end <script>");
    assert_eq!(
        texts("<script>\"a < b && '{}'\"</script>"),
        ["<script>a < b && '{}'</script>"]
    );
}

#[test]
fn a_value_of_an_attribute_stands_in_braces() {
    assert_refused("<p id=name></p>", 7, "stands in braces");
    assert_refused("<p id={}></p>", 4, "`id` has no value");
    assert_refused("<p {name}></p>", 4, "an attribute has a name");
    assert_refused("<p id=\"a{b\"></p>", 7, "a brace is not closed");
    assert_refused("<p id=\"a}b\"></p>", 7, "a brace closes that none has opened");
    assert_refused("<p id=\"a{1 +}\"></p>", 7, "expected");
}

#[test]
fn branches_and_lists_say_what_they_miss() {
    assert_refused("{match on { true => <p></p> }}", 21, "stands in braces");
    assert_refused("{if on { <p></p> } <b></b>}", 20, "nothing may follow here");
    assert_refused("{for a in b; id = a { }}", 14, "expected `key`");
    assert_refused(
        "{stream (id, row) in rows; key = row { <p id={id}></p> }}",
        34,
        "known by their `id`",
    );
}

#[test]
fn a_stream_stands_where_the_client_keeps_its_rows() {
    let row = "{stream (id, row) in rows { <tr id={id}></tr> }}";
    assert!(
        expand(
            format!("<tbody id=\"rows\" phx-update=\"stream\">{row}</tbody>")
                .parse()
                .unwrap()
        )
        .is_ok()
    );
    assert_refused(&format!("<tbody>{row}</tbody>"), 8, "phx-update=\"stream\"");
    assert_refused(
        "{stream (id, row) in rows { <tr></tr> }}",
        9,
        "one element with an `id`",
    );
    assert_refused(
        "{stream (id, row) in rows { {row} }}",
        9,
        "one element with an `id`",
    );
}

#[test]
fn code_in_attributes_takes_no_values() {
    assert_refused("<p onclick={code}></p>", 4, "`onclick` is code");
    assert_refused("<p ONCLICK={code}></p>", 4, "`ONCLICK` is code");
    assert_refused("<p onclick=\"go({code})\"></p>", 4, "`onclick` is code");
    assert_refused("<iframe srcdoc={code}></iframe>", 9, "`srcdoc` is code");
    assert!(expand("<p on-x={a} onclick=\"go()\"></p>".parse().unwrap()).is_ok());
}

#[test]
fn names_that_are_neither_elements_nor_components_are_refused() {
    assert_refused("<ui::card></ui::card>", 2, "no element of HTML");
    assert_refused(
        "<p><slot:footer></slot:footer></p>",
        5,
        "directly inside a component",
    );
    assert_refused("<Card data-x={1}/>", 7, "no field's name");
    assert_refused("<Card {x}/>", 7, "a field has a name");
    assert_refused(
        "<Card><slot:a title=\"x\"></slot:a></Card>",
        8,
        "a slot has parameters only",
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let problems = refused("<p phx-clik=\"x\"></p>\n<script>{code}</script>");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!((problems[1].0, problems[1].1), (2, 9));
}

#[test]
fn space_on_a_line_is_a_blank_and_a_line_break_is_nothing() {
    assert_eq!(
        texts("<p>\n  <b>{x}</b> and more,\n  on two lines: <i>{y}</i>\n  <u/>\n</p>"),
        ["<p><b>", "</b> and more, on two lines: <i>", "</i><u></u></p>"]
    );
    assert_eq!(texts("<p> {x} {y} </p>"), ["<p> ", " ", " </p>"]);
    assert_eq!(texts("<p>{x}{y}</p>"), ["<p>", "", "</p>"]);
    assert_eq!(texts("<p>a-b (c), d&nbsp;e</p>"), ["<p>a-b (c), d&nbsp;e</p>"]);
}

#[test]
fn text_in_quotes_is_escaped_and_void_elements_have_no_end() {
    assert_eq!(
        texts("<p title=\"<&>\">\"<&>\"</p>"),
        ["<p title=\"&lt;&amp;&gt;\">&lt;&amp;&gt;</p>"]
    );
    assert_eq!(
        texts("<br><input disabled><img src=\"x\"/>"),
        ["<br><input disabled><img src=\"x\">"]
    );
    assert_eq!(
        texts("<p a=\"{{}}\" b=5 c=true d=false></p>"),
        ["<p a=\"{}\" b=\"5\" c></p>"]
    );
    assert_eq!(
        texts("<!DOCTYPE html><html></html>"),
        ["<!DOCTYPE html><html></html>"]
    );
    assert_eq!(texts("<p><!-- \"nothing\" --></p>"), ["<p></p>"]);
}

#[test]
fn a_line_break_that_a_browser_leaves_out_stands_before_a_value_that_may_begin_with_one() {
    assert_eq!(texts("<textarea>{x}</textarea>"), ["<textarea>\n", "</textarea>"]);
    assert_eq!(texts("<pre>{if on { {x} }} b</pre>"), ["<pre>\n", " b</pre>"]);
    assert_eq!(texts("<pre>\"\\n\"</pre>"), ["<pre>\n\n</pre>"]);
    assert_eq!(
        texts("<pre><code>{x}</code></pre>"),
        ["<pre><code>", "</code></pre>"]
    );
    assert_eq!(texts("<pre>a {x}</pre>"), ["<pre>a ", "</pre>"]);
    assert_eq!(texts("<textarea></textarea>"), ["<textarea></textarea>"]);
    assert_eq!(texts("<p>{x}</p>"), ["<p>", "</p>"]);
}

#[test]
fn a_template_of_one_element_is_a_root() {
    let root = |markup: &str| {
        let code = expand(markup.parse().unwrap()).unwrap().to_string();
        code.contains("u64 , true)")
    };
    assert!(root("<p>{x}</p>"));
    assert!(root("<!-- \"x\" --><input id={x}>"));
    assert!(!root("<p></p><p></p>"));
    assert!(!root("<p></p>{x}"));
    assert!(!root("{x}"));
    assert!(!root("\"x\"<p></p>"));
    assert!(!root("<Card/>"));
    assert!(!root("<!DOCTYPE html><html></html>"));
}
