//! Frames of the recording and of this server, made comparable: names and tokens that no two servers give alike are
//! replaced, texts stand where they are used, and attributes of the file's field, which each engine orders its own way,
//! are a set.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Where the field of the upload stands among the page's values.
const FIELD: &str = "13";
/// The value with the JS commands: [`roost_live::js`] has tests of its own for them.
const COMMANDS: &str = "3";

/// Replaces what differs from server to server; says nothing of what belongs to it.
pub(crate) fn comparable(frame: &mut Value, field: &mut BTreeMap<String, String>) {
    let response = match frame[3].as_str() {
        Some("diff") => return page(&mut frame[4], field),
        Some("phx_reply") => &mut frame[4]["response"],
        _ => return,
    };
    let Some(said) = response.as_object_mut() else {
        return;
    };
    for (key, common) in [("liveview_version", "V"), ("ref", "UPLOAD")] {
        said.entry(key).and_modify(|value| *value = common.into());
    }
    said.entry("entries")
        .and_modify(|entries| entries["0"] = "TOKEN".into());
    for to in ["redirect", "live_redirect"] {
        if let Some(to) = said.get_mut(to).and_then(Value::as_object_mut) {
            to.entry("flash").and_modify(|token| *token = "TOKEN".into());
            // The client does not read it.
            to.remove("status");
        }
    }
    if let Some(rendered) = said.get_mut("rendered") {
        page(rendered, field);
    }
    if let Some(diff) = said.get_mut("diff") {
        page(diff, field);
        if diff.as_object().is_some_and(Map::is_empty) {
            said.remove("diff");
        }
    }
}

/// Whether a frame says nothing: Phoenix sends empty differences here and there.
pub(crate) fn is_empty(frame: &Value) -> bool {
    frame[3] == "diff" && frame[4].as_object().is_some_and(Map::is_empty)
}

fn page(tree: &mut Value, field: &mut BTreeMap<String, String>) {
    resolve(tree, &Value::Null);
    without_roots(tree);
    let Some(tree) = tree.as_object_mut() else { return };
    if tree.get("e") == Some(&json!([])) {
        tree.remove("e");
    }
    tree.entry(COMMANDS)
        .and_modify(|commands| {
            assert!(
                commands
                    .as_str()
                    .is_some_and(|text| text.starts_with(" phx-click=\"[["))
            )
        })
        .and_modify(|commands| *commands = "COMMANDS".into());
    let Some(changes) = tree.remove(FIELD) else { return };
    if changes.get("s").is_some() {
        field.clear();
    }
    let before = field.clone();
    field.extend(attributes(&changes));
    let changed: Map<String, Value> = field
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    if !changed.is_empty() {
        tree.insert(FIELD.to_owned(), changed.into());
    }
}

/// The attributes that a template of one element without an end says, whether they are text or values of it.
fn attributes(template: &Value) -> BTreeMap<String, String> {
    let texts = template["s"].as_array().into_iter().flatten();
    let values = template
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "s");
    let said = texts
        .chain(values.map(|(_, value)| value))
        .filter_map(Value::as_str);
    let pairs = said
        .flat_map(|text| text.split("\" "))
        .filter_map(|pair| pair.split_once("=\""));
    pairs
        .map(|(name, value)| {
            let (name, value) = (name.trim(), value.trim_end_matches(['"', '>']));
            let common = if value.starts_with("phx-") {
                "UPLOAD"
            } else {
                value
            };
            (name.trim_start_matches("<input ").to_owned(), common.to_owned())
        })
        .collect()
}

/// Takes out which templates are one element. For components that must be said; elsewhere it spares the client work,
/// and ours says it of branches, too.
fn without_roots(tree: &mut Value) {
    let children = match tree {
        Value::Array(values) => return values.iter_mut().for_each(without_roots),
        Value::Object(object) => object,
        _ => return,
    };
    if children.contains_key("s") {
        children.remove("r");
    }
    children
        .iter_mut()
        .filter(|(name, _)| *name != "c")
        .for_each(|(_, value)| without_roots(value));
}

/// Puts shared texts where they are used, without line breaks, and the lists of streams in one order.
fn resolve(value: &mut Value, table: &Value) {
    let Value::Object(object) = value else {
        if let Value::Array(values) = value {
            values.iter_mut().for_each(|value| resolve(value, table));
        }
        return;
    };
    let own = object.remove("p");
    let table = own.as_ref().unwrap_or(table);
    for (name, value) in object.iter_mut() {
        match (name.as_str(), value) {
            ("s", texts) => {
                if let Value::Number(number) = texts {
                    *texts = table[number.to_string()].clone();
                }
                let texts = texts.as_array_mut().into_iter().flatten();
                texts.for_each(|text| *text = text.as_str().unwrap_or_default().replace('\n', "").into());
            }
            ("stream", Value::Array(stream)) => {
                for insert in stream[1].as_array_mut().into_iter().flatten() {
                    // False and null both mean no.
                    if insert[3] == false {
                        insert[3] = Value::Null;
                    }
                }
                if let Some(inserts) = stream[1].as_array_mut() {
                    inserts.sort_by_key(ToString::to_string);
                }
            }
            (_, other) => resolve(other, table),
        }
    }
}
