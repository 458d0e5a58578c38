//! Messages of a view as parts of its page, and how a part changes by a message.

use serde_json::{Map, Value};

use super::{Insert, List, Part, Statics, Stream};

/// The table of templates that a message carries.
pub(super) type Templates<'a> = Option<&'a Map<String, Value>>;

pub(super) fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("an object, not {value}"))
}

fn strings(value: &Value) -> Result<Statics, String> {
    let all = value
        .as_array()
        .ok_or_else(|| format!("a list of strings, not {value}"))?;
    let text = |one: &Value| {
        one.as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("a string, not {one}"))
    };
    all.iter().map(text).collect()
}

pub(super) fn statics(node: &Map<String, Value>, templates: Templates<'_>) -> Result<Statics, String> {
    match node.get("s") {
        Some(Value::Number(index)) => {
            let table = templates.ok_or("a template is named, but there is no table")?;
            strings(
                table
                    .get(&index.to_string())
                    .ok_or_else(|| format!("no template {index}"))?,
            )
        }
        Some(inline) => strings(inline),
        None => Err("a node that was never sent has no strings".to_owned()),
    }
}

/// The table for a node and what is in it.
pub(super) fn scope<'a>(node: &'a Map<String, Value>, outer: Templates<'a>) -> Result<Templates<'a>, String> {
    node.get("p").map_or(Ok(outer), |own| object(own).map(Some))
}

/// A dynamic that has not been there.
pub(super) fn whole(value: &Value, templates: Templates<'_>) -> Result<Part, String> {
    match value {
        Value::String(text) => Ok(Part::Text(text.clone())),
        Value::Number(number) => Ok(Part::Component(number.as_u64().ok_or("a component's number")?)),
        Value::Object(node) if node.contains_key("k") => whole_list(node, templates),
        Value::Object(node) => {
            let templates = scope(node, templates)?;
            let statics = statics(node, templates)?;
            let parts = dynamics(node, statics.len(), templates)?;
            Ok(Part::Template { statics, parts })
        }
        other => Err(format!("{other} is no dynamic")),
    }
}

/// All dynamics of a node that has `count` fixed strings.
pub(super) fn dynamics(
    node: &Map<String, Value>,
    count: usize,
    templates: Templates<'_>,
) -> Result<Vec<Part>, String> {
    let one = |index: usize| {
        let value = node.get(&index.to_string());
        whole(
            value.ok_or_else(|| format!("dynamic {index} is missing"))?,
            templates,
        )
    };
    let parts = (0..count.saturating_sub(1)).map(one).collect();
    match node.get(&count.saturating_sub(1).to_string()) {
        Some(surplus) => Err(format!("a dynamic too many: {surplus}")),
        None => parts,
    }
}

fn whole_list(node: &Map<String, Value>, templates: Templates<'_>) -> Result<Part, String> {
    let templates = scope(node, templates)?;
    let mut list = List {
        statics: statics(node, templates)?,
        entries: Vec::new(),
        stream: None,
    };
    merge_list(&mut list, node, templates)?;
    Ok(Part::List(list))
}

fn merge_list(list: &mut List, node: &Map<String, Value>, templates: Templates<'_>) -> Result<(), String> {
    let templates = scope(node, templates)?;
    let keyed = object(node.get("k").ok_or("a list without k")?)?;
    let count = keyed
        .get("kc")
        .and_then(Value::as_u64)
        .ok_or("a list without kc")?;
    let count = usize::try_from(count).map_err(|error| error.to_string())?;
    let moves = keyed.get("km") == Some(&Value::Bool(true));
    let old = list.entries.clone();
    let width = list.statics.len();
    let mut entries = Vec::with_capacity(count);
    for index in 0..count {
        let before = |from: usize| {
            old.get(from)
                .cloned()
                .ok_or_else(|| format!("there was no row {from}"))
        };
        let entry = match keyed.get(&index.to_string()) {
            None => before(index)?,
            Some(Value::Object(diff)) if index < old.len() => {
                let mut entry = before(index)?;
                merge_parts(&mut entry, diff, templates)?;
                entry
            }
            Some(Value::Object(full)) => dynamics(full, width, templates)?,
            Some(_) if !moves => return Err("rows move, but km is missing".to_owned()),
            Some(Value::Number(from)) => before(place(from)?)?,
            Some(Value::Array(pair)) => {
                let [Value::Number(from), Value::Object(diff)] = pair.as_slice() else {
                    return Err(format!("{pair:?} is no moved row"));
                };
                let mut entry = before(place(from)?)?;
                merge_parts(&mut entry, diff, templates)?;
                entry
            }
            Some(other) => return Err(format!("{other} is no row")),
        };
        entries.push(entry);
    }
    let known =
        |key: &String| matches!(key.as_str(), "kc" | "km") || key.parse::<usize>().is_ok_and(|at| at < count);
    if let Some(key) = keyed.keys().find(|key| !known(key)) {
        return Err(format!("row {key} of {count}"));
    }
    list.entries = entries;
    if let Some(stream) = node.get("stream") {
        list.stream = Some(read_stream(stream)?);
    }
    Ok(())
}

fn place(number: &serde_json::Number) -> Result<usize, String> {
    let index = number.as_u64().and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| format!("{number} is no place"))
}

fn read_stream(value: &Value) -> Result<Stream, String> {
    let parts = value.as_array().filter(|parts| (3..=4).contains(&parts.len()));
    let parts = parts.ok_or_else(|| format!("{value} is no stream"))?;
    let list = |index: usize| {
        parts[index]
            .as_array()
            .ok_or_else(|| format!("{value} is no stream"))
    };
    if !parts[0].is_string() {
        return Err(format!("a stream's name is a string: {value}"));
    }
    let insert = |one: &Value| {
        Some(Insert {
            id: one.get(0)?.as_str()?.to_owned(),
            at: one.get(1)?.as_i64()?,
            limit: one.get(2)?.as_i64(),
            update_only: one.get(3)?.as_bool().unwrap_or(false),
        })
    };
    let inserts: Option<Vec<Insert>> = list(1)?.iter().map(insert).collect();
    let deletes: Option<Vec<String>> = list(2)?.iter().map(|id| id.as_str().map(str::to_owned)).collect();
    Ok(Stream {
        inserts: inserts.ok_or_else(|| format!("inserts of {value}"))?,
        deletes: deletes.ok_or_else(|| format!("deletes of {value}"))?,
        reset: parts.get(3) == Some(&Value::Bool(true)),
    })
}

/// Puts a diff into the dynamics of a node.
pub(super) fn merge_parts(
    parts: &mut [Part],
    diff: &Map<String, Value>,
    templates: Templates<'_>,
) -> Result<(), String> {
    for (key, value) in diff {
        let Ok(index) = key.parse::<usize>() else {
            if ["p", "r", "newRender"].contains(&key.as_str()) {
                continue;
            }
            return Err(format!("{key} in a diff"));
        };
        let part = parts
            .get_mut(index)
            .ok_or_else(|| format!("there is no dynamic {index}"))?;
        merge(part, value, templates)?;
    }
    Ok(())
}

pub(super) fn merge(part: &mut Part, value: &Value, templates: Templates<'_>) -> Result<(), String> {
    let Value::Object(node) = value else {
        *part = whole(value, templates)?;
        return Ok(());
    };
    if node.contains_key("s") {
        *part = whole(value, templates)?;
        return Ok(());
    }
    match part {
        Part::Template { parts, .. } => merge_parts(parts, node, scope(node, templates)?),
        Part::List(list) => merge_list(list, node, templates),
        Part::Text(_) | Part::Component(_) => Err(format!("{value} changes what is no node")),
    }
}
