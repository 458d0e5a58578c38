//! Addresses that come from data: what a browser would run instead of going there is not written.

use std::fmt;
use std::sync::Once;

use super::attribute::{Attribute, Name};

/// What stands where an address was refused: an empty page, and a word for whoever looks for the reason.
pub const REFUSED: &str = "about:blank#refused";

/// Attributes whose value is an address that a browser goes to, or loads. `html!` has the same list.
pub(crate) const ATTRIBUTES: [&str; 7] = [
    "href",
    "xlink:href",
    "src",
    "action",
    "formaction",
    "poster",
    "data",
];

/// Attributes by which SVG's `animate` and `set` say what they put into another attribute later; `values` says several.
/// `html!` has the same list.
const ANIMATED: [&str; 3] = ["from", "to", LIST];
const LIST: &str = "values";

/// Attributes of these that are pictures as a rule: a picture may stand in them as a whole.
const PICTURES: [&str; 2] = ["src", "poster"];

/// An address that is written as it is, whatever its scheme: `href={RawUrl(text)}`. The only way past the check:
/// whoever writes it vouches for the address. It is still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawUrl<T>(pub T);

impl<T: fmt::Display> Attribute for RawUrl<T> {
    fn put(&self, name: Name<'_>) {
        name.unchecked(&self.0);
    }
}

/// The address, or [`REFUSED`] if it is nothing that this attribute may have.
pub(crate) fn checked<'a>(attribute: &str, address: &'a str) -> &'a str {
    let is_picture = PICTURES.iter().any(|name| name.eq_ignore_ascii_case(attribute));
    let is_refused = if LIST.eq_ignore_ascii_case(attribute) {
        address.split(';').any(|address| is_code(address, is_picture))
    } else {
        is_code(address, is_picture)
    };
    if !is_refused {
        return address;
    }
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            attribute,
            "an address from data has a scheme that browsers run or show as a page of their own, and is not \
             written (said once); `RawUrl` writes it all the same"
        );
    });
    REFUSED
}

/// The same if the attribute is one that has an address; any other value is nobody's business.
pub(crate) fn checked_value<'a>(attribute: &str, value: &'a str) -> &'a str {
    let mut names = ATTRIBUTES.iter().chain(&ANIMATED);
    if names.any(|name| name.eq_ignore_ascii_case(attribute)) {
        checked(attribute, value)
    } else {
        value
    }
}

/// Whether a browser would run an address, or make a page of what it holds.
fn is_code(address: &str, may_be_picture: bool) -> bool {
    // As browsers read it: controls and blanks before it are nothing, line breaks and tabs are nothing anywhere
    // (URL Standard, section 4.4).
    let start = address.trim_start_matches(|c: char| c <= ' ');
    let mut rest = start.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r'));
    // No scheme that matters is longer.
    let mut scheme = [0_u8; 10];
    let mut length = 0;
    loop {
        match rest.next() {
            Some(':') => break,
            Some(c) if c.is_ascii_alphabetic() && length < scheme.len() => {
                scheme[length] = c.to_ascii_lowercase() as u8;
                length += 1;
            }
            _ => return false,
        }
    }
    match &scheme[..length] {
        b"javascript" | b"vbscript" => true,
        b"data" => !(may_be_picture && is_picture(rest)),
        _ => false,
    }
}

/// Whether what follows `data:` is an image that can't hold scripts, as SVG can.
fn is_picture(rest: impl Iterator<Item = char>) -> bool {
    let kind = rest.take_while(|c| !matches!(c, ';' | ','));
    let kind: String = kind.take(64).map(|c| c.to_ascii_lowercase()).collect();
    let Some(format) = kind.trim_matches(' ').strip_prefix("image/") else {
        return false;
    };
    let is_word = format
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+'));
    is_word && !format.is_empty() && !format.contains("svg") && !format.contains("xml")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Js, html};

    /// What a browser makes of an attribute as it stands in HTML: its scheme, and what follows, in small letters.
    fn as_browsers_read_it(html: &str) -> (String, String) {
        let mut text = html.to_owned();
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")] {
            text = text.replace(entity, character);
        }
        let text = text.replace("&amp;", "&").replace(['\t', '\n', '\r'], "");
        let text = text
            .trim_start_matches(|c: char| u32::from(c) <= 0x20)
            .to_lowercase();
        let (scheme, rest) = text.split_once(':').unwrap_or(("", &text));
        (scheme.to_owned(), rest.to_owned())
    }

    fn assert_harmless(attribute: &str, html: &str) {
        let (_, value) = html.split_once(&format!(" {attribute}=\"")).unwrap();
        let (value, _) = value.split_once('"').unwrap();
        let (scheme, rest) = as_browsers_read_it(value);
        assert!(!["javascript", "vbscript"].contains(&scheme.as_str()), "{html}");
        let may = ["src", "poster"].contains(&attribute)
            && rest.trim_start().starts_with("image/")
            && !rest.trim_start().starts_with("image/svg");
        assert!(scheme != "data" || may, "{html}");
    }

    /// Every attribute of the list, by `html!` itself: with a value as a whole, and with one at its beginning.
    fn assert_all_harmless(value: &str, (before, after): (&str, &str)) {
        let mut seen = Vec::new();
        macro_rules! written {
            ($($name:tt)*) => {$(
                let name = stringify!($name).replace(' ', "");
                assert_harmless(&name, &html! { <a $name={value}></a> }.to_html());
                assert_harmless(&name, &html! { <a $name="{before}{after}?"></a> }.to_html());
                seen.push(name);
            )*};
        }
        written!(href src action formaction poster data);
        assert_harmless("xlink:href", &html! { <a xlink:href={value}></a> }.to_html());
        assert_harmless(
            "xlink:href",
            &html! { <a xlink:href="{before}{after}?"></a> }.to_html(),
        );
        seen.push("xlink:href".to_owned());
        seen.sort_unstable();
        let mut listed = ATTRIBUTES.to_vec();
        listed.sort_unstable();
        assert_eq!(seen, listed);
    }

    fn hostile() -> impl Strategy<Value = String> {
        let noise = "[\\x00-\\x20]{0,3}";
        let scheme = prop_oneof![
            Just("javascript:"),
            Just("JaVaScript:"),
            Just("vbscript:"),
            Just("data:"),
            Just("data: image/svg+xml;base64,"),
            Just("data:image/png;base64,"),
            Just("DATA:text/html,"),
            Just("https://"),
            Just("/"),
            Just(""),
        ];
        // Breaks and tabs anywhere, as browsers forgive them.
        let broken = (scheme, prop::collection::vec((0..40_usize, "[\\t\\n\\r]"), 0..4)).prop_map(
            |(scheme, breaks)| {
                let mut text = scheme.to_owned();
                for (at, character) in breaks {
                    text.insert_str(at.min(text.len()), &character);
                }
                text
            },
        );
        (noise, broken, "\\PC{0,12}").prop_map(|(noise, scheme, rest)| format!("{noise}{scheme}{rest}"))
    }

    proptest! {
        #[test]
        fn no_address_from_data_is_run_by_a_browser_whatever_it_holds(text in hostile(), cut in 0..30_usize) {
            let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            assert_all_harmless(&text, text.split_at(cut));
        }
    }

    #[test]
    fn addresses_that_go_somewhere_are_written_as_they_are() {
        for address in [
            "",
            "/devices/a b?x=1&y=2#z",
            "//example.org",
            "https://example.org/javascript:",
            "mailto:a@b",
            "tel:+49",
            "javascript",
            "java script:no scheme",
            "javascript/x:y",
            "datasheet:1",
            "#javascript:x",
            "é:x",
        ] {
            assert_eq!(checked("href", address), address);
        }
    }

    #[test]
    fn what_a_browser_would_run_is_replaced() {
        for address in [
            "javascript:alert(1)",
            " \u{1}jAvA\tscr\nipt\r:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:image/png;base64,AA",
        ] {
            assert_eq!(checked("href", address), REFUSED, "{address}");
        }
        let page = |to: &str| html! { <a href={to}>"x"</a> }.to_html();
        assert_eq!(
            page("javascript:alert(1)"),
            "<a href=\"about:blank#refused\">x</a>"
        );
        assert_eq!(page("/a&b"), "<a href=\"/a&amp;b\">x</a>");
        assert_eq!(html! { <a href={None::<&str>}></a> }.to_html(), "<a></a>");
    }

    #[test]
    fn a_picture_may_stand_in_a_src_if_it_can_hold_no_script() {
        for (address, stays) in [
            ("data:image/png;base64,AA", true),
            ("DATA: image/WebP,AA", true),
            ("data:image/svg+xml,<svg>", false),
            ("data:\timage/sv\ng+xml,<svg>", false),
            ("data:image/,x", false),
            ("data:text/html,x", false),
            ("data:", false),
        ] {
            assert_eq!(checked("src", address) == address, stays, "{address}");
        }
    }

    #[test]
    fn an_address_that_begins_with_text_of_the_template_keeps_its_values_apart() {
        let page = |id: &str| html! { <a href="/devices/{id}/javascript:{id}">"x"</a> };
        assert_eq!(page("a").to_html(), "<a href=\"/devices/a/javascript:a\">x</a>");
        let mut differ = crate::Differ::new();
        differ.full(&page("a"));
        let diff = differ.diff(&page("b")).map(crate::Diff::into_json);
        assert_eq!(diff.as_deref(), Some(r#"{"0":"b","1":"b"}"#));
        let picture = "AA";
        assert_eq!(
            html! { <img src="data:image/png;base64,{picture}"> }.to_html(),
            "<img src=\"data:image/png;base64,AA\">"
        );
    }

    #[test]
    fn what_an_animation_puts_into_an_address_later_is_checked_like_it() {
        let hostile = "\tJavaScript:x";
        let name = "xlink:href";
        for html in [
            html! { <animate attributeName="href" to={hostile}/> },
            html! { <animate attributeName="xlink:href" from={hostile}/> },
            html! { <animate attributename=" HREF " values={hostile}/> },
            html! { <animate attributeName="href" values="#a;{hostile}"/> },
            html! { <animate attributeName="href" values="{hostile};#a"/> },
            html! { <set attributeName={name} to={hostile}/> },
            html! { <set attributeName="{name}" to="{hostile}"/> },
            html! { <set to={hostile}/> },
        ] {
            let html = html.to_html();
            assert!(html.contains(REFUSED) && !html.contains(hostile), "{html}");
        }
        let page = html! {
            <animate attributeName="r" values="{1};{2}" to={hostile}/>
            <set attributeName="href" to="#{name}"/>
            <animate attributeName="href" values={"/a; /b&c;https://example.org"}/>
        };
        let written = "<animate attributeName=\"r\" values=\"1;2\" to=\"\tJavaScript:x\"></animate>\
            <set attributeName=\"href\" to=\"#xlink:href\"></set>\
            <animate attributeName=\"href\" values=\"/a; /b&amp;c;https://example.org\"></animate>";
        assert_eq!(page.to_html(), written);
    }

    #[test]
    fn who_vouches_for_an_address_can_write_it() {
        assert_eq!(
            html! { <a href={RawUrl("javascript:print(\"x\")")}></a> }.to_html(),
            "<a href=\"javascript:print(&quot;x&quot;)\"></a>"
        );
    }

    #[test]
    fn commands_for_the_browser_go_nowhere_else_either() {
        let commands = Js::new()
            .navigate("javascript:x")
            .patch("data:x")
            .set_attr("HREF", "vbscript:x")
            .toggle_attr("src", "javascript:x")
            .toggle_attr_between("action", "/a", "javascript:x")
            .set_attr("to", "javascript:x")
            .set_attr("values", "#a; javascript:x")
            .set_attr("title", "javascript:x");
        let said = commands.to_string();
        assert_eq!(
            (said.matches(REFUSED).count(), said.matches("script:").count()),
            (7, 1),
            "{said}"
        );
    }
}
