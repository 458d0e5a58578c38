//! The names that HTML and the client know: elements without content, `phx-` attributes.

use std::collections::HashSet;

/// Elements that have no content and no end tag.
/// <https://html.spec.whatwg.org/multipage/syntax.html#void-elements>
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];

/// Elements of whose content a browser leaves out a line break at the beginning.
/// <https://html.spec.whatwg.org/multipage/syntax.html#element-restrictions>
pub(crate) const VERBATIM: [&str; 3] = ["listing", "pre", "textarea"];

/// Elements whose content is text of another language.
pub(crate) const RAW: [&str; 2] = ["script", "style"];

/// What the client of phoenix_live_view 1.2.12 looks for (`assets/js/phoenix_live_view/constants.ts`,
/// `live_socket.ts`).
/// `phx-value-` goes with any name.
const PHX: [&str; 33] = [
    "phx-auto-recover",
    "phx-blur",
    "phx-change",
    "phx-click",
    "phx-click-away",
    "phx-connected",
    "phx-debounce",
    "phx-disable-with",
    "phx-disconnected",
    "phx-drop-target",
    "phx-focus",
    "phx-hook",
    "phx-key",
    "phx-keydown",
    "phx-keyup",
    "phx-mounted",
    "phx-no-unused-field",
    "phx-patch-focused",
    "phx-progress",
    "phx-remove",
    "phx-submit",
    "phx-target",
    "phx-throttle",
    "phx-track-static",
    "phx-trigger-action",
    "phx-update",
    "phx-viewport-bottom",
    "phx-viewport-overrun-target",
    "phx-viewport-top",
    "phx-window-blur",
    "phx-window-focus",
    "phx-window-keydown",
    "phx-window-keyup",
];

/// Attributes whose value is an address that a browser goes to, or loads: a value of Rust in them is checked for
/// schemes that browsers run. `roost_live::render::url` has the same list, and a test that compares them.
const URLS: [&str; 7] = [
    "href",
    "xlink:href",
    "src",
    "action",
    "formaction",
    "poster",
    "data",
];

/// Elements of SVG that put what they say into an attribute of another element later, and by which attributes they say
/// it. <https://svgwg.org/specs/animations/#AnimationElements>
const ANIMATIONS: [&str; 2] = ["animate", "set"];
const ANIMATED: [&str; 3] = ["from", "to", LIST];
/// The one that holds several, with semicolons between them.
const LIST: &str = "values";

/// What a page may say to the client in `data-phx-`; the rest of them is the client's own.
const DATA_PHX: [&str; 17] = [
    "data-phx-active-refs",
    "data-phx-auto-upload",
    "data-phx-done-refs",
    "data-phx-entry-ref",
    "data-phx-error-refs",
    "data-phx-hook",
    "data-phx-link",
    "data-phx-link-state",
    "data-phx-main",
    "data-phx-parent-id",
    "data-phx-portal",
    "data-phx-preflighted-refs",
    "data-phx-runtime-hook",
    "data-phx-session",
    "data-phx-static",
    "data-phx-sticky",
    "data-phx-upload-ref",
];

pub(crate) fn is_url(name: &str) -> bool {
    URLS.iter().any(|url| url.eq_ignore_ascii_case(name))
}

pub(crate) fn is_animation(element: &str) -> bool {
    ANIMATIONS.iter().any(|name| name.eq_ignore_ascii_case(element))
}

pub(crate) fn is_animated(name: &str) -> bool {
    ANIMATED
        .iter()
        .any(|animated| animated.eq_ignore_ascii_case(name))
}

pub(crate) fn is_list(name: &str) -> bool {
    LIST.eq_ignore_ascii_case(name)
}

pub(crate) fn void() -> HashSet<&'static str> {
    VOID.into()
}

pub(crate) fn is_void(name: &str) -> bool {
    VOID.contains(&name)
}

/// Nothing if the client knows the attribute, or it is none of its own; else what is wrong.
pub(crate) fn unknown_phx(name: &str) -> Option<String> {
    let list: &[&str] = if name.starts_with("phx-") {
        &PHX
    } else if name.starts_with("data-phx-") {
        &DATA_PHX
    } else {
        return None;
    };
    if list.contains(&name)
        || name
            .strip_prefix("phx-value-")
            .is_some_and(|value| !value.is_empty())
    {
        return None;
    }
    let nearest = list.iter().min_by_key(|known| distance(known, name));
    Some(format!(
        "the client knows no attribute `{name}`; did you mean `{}`?",
        nearest.unwrap_or(&"phx-click")
    ))
}

/// How many characters one has to change, add or drop to turn one name into the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.bytes().enumerate() {
        let mut corner = above;
        row[0] = above + 1;
        for (at, b) in other.bytes().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}
