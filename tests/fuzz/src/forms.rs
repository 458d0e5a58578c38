//! Any text as a form: decoding never panics, what it makes has a size, and the same form sent again is the same.

use std::fmt::Write as _;

use roost_live::form::{self, BYTES, DEPTH, FIELDS};
use serde_json::{Map, Value};

/// Takes `data` for what a browser sends of a form, and for the name of the field that has changed.
pub fn live_form(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = form::path(text) {
        assert!((1..=DEPTH).contains(&path.len()));
    }
    let Ok(decoded) = form::decode(text) else { return };
    let mut fields = Vec::new();
    let whole = Value::Object(decoded.clone());
    for (name, value) in &decoded {
        let _ = form::is_used(&whole, name);
        take_apart(&encoded(name), value, 1, &mut fields);
    }
    assert!(fields.len() <= FIELDS);
    let again = fields.join("&");
    if again.len() <= BYTES {
        assert_eq!(form::decode(&again).as_ref(), Ok(&decoded), "{again}");
    }
    let mut meta = Map::new();
    meta.insert("_target".to_owned(), text.into());
    if let Ok(event) = form::event(text, Some(&meta)) {
        assert!(event["_target"].is_array());
    }
}

fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        write!(encoded, "%{byte:02x}").expect("a text takes everything");
    }
    encoded
}

fn take_apart(name: &str, value: &Value, depth: usize, fields: &mut Vec<String>) {
    assert!(depth <= DEPTH);
    match value {
        Value::String(text) => fields.push(format!("{name}={}", encoded(text))),
        Value::Object(group) => {
            assert!(!group.is_empty());
            for (part, value) in group {
                take_apart(&format!("{name}[{}]", encoded(part)), value, depth + 1, fields);
            }
        }
        Value::Array(list) => {
            assert!(!list.is_empty());
            for value in list {
                take_apart(&format!("{name}[]"), value, depth + 1, fields);
            }
        }
        other => panic!("a form holds no {other}"),
    }
}
