//! Forms that browsers send, and forms that nobody should.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn form(encoded: &str) -> Value {
    Value::Object(decode(encoded).unwrap())
}

#[test]
fn brackets_in_names_are_groups_and_lists() {
    assert_eq!(form("a=1&b=x+y%20z%C3%A9"), json!({"a": "1", "b": "x y zé"}));
    assert_eq!(
        form("a[b]=1&a[c][d]=2"),
        json!({"a": {"b": "1", "c": {"d": "2"}}})
    );
    assert_eq!(form("a[]=1&a[]=2"), json!({"a": ["1", "2"]}));
    assert_eq!(form("a[][b]=1&a[][b]=2"), json!({"a": [{"b": "1"}, {"b": "2"}]}));
    assert_eq!(form("a%5Bb%5D=1"), json!({"a": {"b": "1"}}));
    assert_eq!(form(""), json!({}));
    assert_eq!(form("a&&b="), json!({"a": "", "b": ""}));
}

#[test]
fn of_two_fields_that_contradict_each_other_the_later_counts() {
    assert_eq!(form("a=1&a=2"), json!({"a": "2"}));
    assert_eq!(form("a=1&a[b]=2"), json!({"a": {"b": "2"}}));
    assert_eq!(form("a[b]=2&a=1"), json!({"a": "1"}));
    assert_eq!(form("a[b]=2&a[]=1"), json!({"a": ["1"]}));
}

#[test]
fn brackets_that_do_not_match_are_part_of_the_name() {
    for name in ["a[b", "a]b", "[b]", "a[b]c", "a[[b]]", "]["] {
        assert_eq!(form(&format!("{name}=1")), json!({ name: "1" }));
    }
}

#[test]
fn what_browsers_never_send_is_refused() {
    assert_eq!(decode("a=%"), Err(FormError::Percent));
    assert_eq!(decode("a=%2"), Err(FormError::Percent));
    assert_eq!(decode("%zz=1"), Err(FormError::Percent));
    assert_eq!(decode("a=%ff"), Err(FormError::Utf8));
    assert_eq!(decode(&"a&".repeat(FIELDS + 1)), Err(FormError::TooManyFields));
    assert!(decode(&"a&".repeat(FIELDS)).is_ok());
    assert_eq!(
        decode(&format!("a{}=1", "[b]".repeat(DEPTH))),
        Err(FormError::TooDeep)
    );
    assert!(decode(&format!("a{}=1", "[b]".repeat(DEPTH - 1))).is_ok());
    assert_eq!(decode(&"a".repeat(BYTES + 1)), Err(FormError::TooLong));
}

#[test]
fn an_event_of_a_form_names_the_field_that_has_changed() {
    let meta = json!({"_target": "user[tags][]", "by": "2"});
    let value = event("user[name]=ab&by=1", meta.as_object()).unwrap();
    let expected = json!({"user": {"name": "ab"}, "by": "2", "_target": ["user", "tags"]});
    assert_eq!(Value::Object(value), expected);
    let value = event("", json!({"_target": "undefined"}).as_object()).unwrap();
    assert_eq!(Value::Object(value), json!({"_target": ["undefined"]}));
}

#[test]
fn an_input_that_nobody_has_touched_is_not_used() {
    let form =
        decode("user[name]=ab&user[_unused_mail]=&user[mail]=&_unused_x=&x=&o[_unused_a]=&o[a]=").unwrap();
    let form = Value::Object(form);
    assert!(is_used(&form, "user[name]"));
    assert!(!is_used(&form, "user[mail]"));
    assert!(!is_used(&form, "x"));
    assert!(!is_used(&form, "absent"));
    assert!(!is_used(&form, "user[absent][more]"));
    assert!(is_used(&form, "user"));
    assert!(!is_used(&form, "o"));
}

/// Trees that a form can hold: groups and lists are never empty, a list holds texts.
fn tree() -> impl Strategy<Value = Map<String, Value>> {
    let text = ".{0,6}".prop_map(Value::String);
    let name = "[a-zé &=%+]{1,4}";
    let leaf = prop_oneof![
        3 => text.clone(),
        1 => prop::collection::vec(text, 1..4).prop_map(Value::Array),
    ];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop::collection::btree_map(name, inner, 1..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    });
    prop::collection::btree_map(name, value, 0..5).prop_map(|map| map.into_iter().collect())
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn fields(name: &str, value: &Value, fields_so_far: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (part, value) in map {
                fields(&format!("{name}[{}]", encode(part)), value, fields_so_far);
            }
        }
        Value::Array(list) => {
            for value in list {
                fields(&format!("{name}[]"), value, fields_so_far);
            }
        }
        other => fields_so_far.push(format!("{name}={}", encode(other.as_str().unwrap()))),
    }
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(tree in tree()) {
        let mut encoded = Vec::new();
        for (name, value) in &tree {
            fields(&encode(name), value, &mut encoded);
        }
        prop_assert_eq!(decode(&encoded.join("&")).unwrap(), tree);
    }

    #[test]
    fn any_text_is_decoded_or_refused(text in "[ab\\[\\]&=%+0-9é]{0,80}") {
        if let Ok(form) = decode(&text) {
            let names: Vec<String> = form.keys().cloned().collect();
            let form = Value::Object(form);
            for name in names {
                let _ = is_used(&form, &name);
            }
        }
        let _ = path(&text);
    }
}
