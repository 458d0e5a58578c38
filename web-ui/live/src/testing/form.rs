//! Forms as a browser sends them: the fields that stand in the page, changed as the test says.

use super::document::{Document, Index, Tag};
use super::failure::Failure;

/// A field and its value.
pub(super) type Field = (String, String);

/// The fields of a form, in the order of the page, with `changes` put in.
///
/// # Errors
/// A change to a field that the form does not have: nobody could make it.
pub(super) fn fields(
    document: &Document,
    form: Index,
    changes: &[(&str, &str)],
) -> Result<Vec<Field>, Failure> {
    let controls = controls(document, form);
    for (name, _) in changes {
        if !controls
            .iter()
            .any(|control| tag_name(document, *control) == Some(*name))
        {
            let names: Vec<_> = controls
                .iter()
                .filter_map(|control| tag_name(document, *control))
                .collect();
            return Err(Failure::new(format!(
                "the form has no field {name}; it has {names:?}"
            )));
        }
    }
    let mut fields = Vec::new();
    for control in controls {
        let Some(name) = tag_name(document, control) else {
            continue;
        };
        let change = changes.iter().rev().find(|(changed, _)| *changed == name);
        fields.extend(
            sent(document, control, change.map(|(_, value)| *value)).map(|value| (name.to_owned(), value)),
        );
    }
    Ok(fields)
}

/// The name and value of the button that submits a form, if it has one.
pub(super) fn submitter(document: &Document, form: Index) -> Option<Field> {
    let buttons = below(document, form)
        .into_iter()
        .filter_map(|index| document.tag(index));
    let button = buttons
        .filter(|tag| {
            tag.name == "button" || (tag.name == "input" && tag.attribute("type") == Some("submit"))
        })
        .find(|tag| tag.attribute("type").is_none_or(|kind| kind == "submit"))?;
    let value = button.attribute("value").unwrap_or_default();
    Some((button.attribute("name")?.to_owned(), value.to_owned()))
}

fn below(document: &Document, index: Index) -> Vec<Index> {
    let mut found = Vec::new();
    for child in document
        .tag(index)
        .map(|tag| tag.children.as_slice())
        .unwrap_or_default()
    {
        if document.tag(*child).is_some() {
            found.push(*child);
            found.extend(below(document, *child));
        }
    }
    found
}

fn controls(document: &Document, form: Index) -> Vec<Index> {
    let is_control = |tag: &Tag| {
        let kind = tag.attribute("type").unwrap_or("text");
        let sends = tag.name != "input" || !["submit", "button", "file", "reset", "image"].contains(&kind);
        ["input", "textarea", "select"].contains(&tag.name.as_str())
            && sends
            && tag.attribute("disabled").is_none()
    };
    let all = below(document, form).into_iter();
    all.filter(|index| document.tag(*index).is_some_and(is_control))
        .collect()
}

fn tag_name(document: &Document, index: Index) -> Option<&str> {
    document.tag(index)?.attribute("name")
}

/// What a control sends: nothing if it is a box or a choice that is not chosen.
fn sent(document: &Document, control: Index, change: Option<&str>) -> Option<String> {
    let tag = document.tag(control)?;
    let value = tag.attribute("value");
    match (tag.name.as_str(), tag.attribute("type")) {
        ("textarea", _) => Some(change.map_or_else(|| document.text(control), str::to_owned)),
        ("select", _) => Some(change.map_or_else(|| chosen(document, control), str::to_owned)),
        (_, Some("checkbox" | "radio")) => {
            let own = value.unwrap_or("on");
            let is_on = change.map_or_else(|| tag.attribute("checked").is_some(), |change| change == own);
            is_on.then(|| own.to_owned())
        }
        _ => Some(change.or(value).unwrap_or_default().to_owned()),
    }
}

fn chosen(document: &Document, select: Index) -> String {
    let options: Vec<_> = below(document, select)
        .into_iter()
        .filter(|index| document.tag(*index).is_some_and(|tag| tag.name == "option"))
        .collect();
    let selected = |index: &&Index| {
        document
            .tag(**index)
            .is_some_and(|tag| tag.attribute("selected").is_some())
    };
    let option = options.iter().find(selected).or(options.first());
    option.map_or_else(String::new, |index| {
        let value = document.tag(*index).and_then(|tag| tag.attribute("value"));
        value.map_or_else(|| document.text(*index), str::to_owned)
    })
}

/// Fields as the body of a form (application/x-www-form-urlencoded of the URL standard).
pub(super) fn encoded(fields: &[Field]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::{Document, encoded, fields, submitter};

    const FORM: &str = "<form><input name=\"user[name]\" value=\"Jo\">\
        <input type=\"checkbox\" name=\"on\" checked=\"\">\
        <input type=\"radio\" name=\"r\" value=\"1\"><input type=\"radio\" name=\"r\" value=\"2\" checked=\"\">\
        <select name=\"s\"><option>a</option><option value=\"B\" selected=\"\">b</option></select>\
        <textarea name=\"t\">long</textarea><input type=\"file\" name=\"f\"><input name=\"off\" disabled=\"\">\
        <button name=\"act\" value=\"go\">Go</button></form>";

    #[test]
    fn a_form_sends_what_stands_in_it_and_what_was_changed() {
        let document = Document::parse(FORM).unwrap();
        let form = document.roots[0];
        let as_is = encoded(&fields(&document, form, &[]).unwrap());
        assert_eq!(as_is, "user%5Bname%5D=Jo&on=on&r=2&s=B&t=long");
        let changes = [("user[name]", "é &"), ("r", "1"), ("on", ""), ("t", "")];
        let changed = encoded(&fields(&document, form, &changes).unwrap());
        assert_eq!(changed, "user%5Bname%5D=%C3%A9+%26&r=1&s=B&t=");
        assert_eq!(
            submitter(&document, form).unwrap(),
            ("act".to_owned(), "go".to_owned())
        );
        assert!(fields(&document, form, &[("nobody", "")]).is_err());
    }
}
