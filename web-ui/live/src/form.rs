//! Forms as they arrive: a URL-encoded text becomes a tree of texts.
//!
//! | field | value |
//! | --- | --- |
//! | `a=1` | `{"a": "1"}` |
//! | `a[b]=1&a[c]=2` | `{"a": {"b": "1", "c": "2"}}` |
//! | `a[]=1&a[]=2` | `{"a": ["1", "2"]}` |
//! | `a[][b]=1` | `{"a": [{"b": "1"}]}` |
//!
//! Where two fields contradict each other, the later one counts. The text comes from outside, so its size is limited:
//! at most [`FIELDS`] fields with [`DEPTH`] names each can grow to a few megabytes, whatever they hold.

use serde_json::map::Entry;
use serde_json::{Map, Value};

mod percent;
#[cfg(test)]
mod tests;

use percent::decoded;

/// Bytes of a form, encoded.
pub const BYTES: usize = 1 << 20;
/// Fields of a form.
pub const FIELDS: usize = 1_000;
/// Names in a field's name: `a[b][c]` has 3.
pub const DEPTH: usize = 8;
/// What the client puts before the last name of an input that nobody has touched.
const UNUSED: &str = "_unused_";

/// Why a form was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More than [`BYTES`].
    #[error("a form has at most {BYTES} bytes")]
    TooLong,
    /// More than [`FIELDS`].
    #[error("a form has at most {FIELDS} fields")]
    TooManyFields,
    /// More than [`DEPTH`].
    #[error("a field's name has at most {DEPTH} parts")]
    TooDeep,
    /// `%` without two hexadecimal digits behind it.
    #[error("a percent sign is followed by two hexadecimal digits")]
    Percent,
    /// Bytes that are no UTF-8.
    #[error("a form is UTF-8")]
    Utf8,
}

impl FormError {
    /// Whether a browser may send such a form. None sends the others.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::TooLong | Self::TooManyFields | Self::TooDeep)
    }
}

/// The fields of a URL-encoded text, also that of a query.
///
/// # Errors
/// A text or a name beyond the limits of this module, a broken `%`, bytes that are no UTF-8.
pub fn decode(encoded: &str) -> Result<Map<String, Value>, FormError> {
    if encoded.len() > BYTES {
        return Err(FormError::TooLong);
    }
    let mut form = Map::new();
    let fields = encoded.split('&').filter(|field| !field.is_empty());
    for (number, field) in fields.enumerate() {
        if number >= FIELDS {
            return Err(FormError::TooManyFields);
        }
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        put(&mut form, &Name::parse(&name)?, value.into_owned());
    }
    Ok(form)
}

/// The value of a form's event: its fields, over them what the client says besides (`meta` of the event), and
/// `_target`, the field that has changed, as the list of its names.
///
/// # Errors
/// As [`decode`].
pub fn event(encoded: &str, meta: Option<&Map<String, Value>>) -> Result<Map<String, Value>, FormError> {
    let mut form = decode(encoded)?;
    for (name, value) in meta.into_iter().flatten() {
        let value = match value {
            Value::String(target) if name == "_target" => path(target)?.into(),
            other => other.clone(),
        };
        form.insert(name.clone(), value);
    }
    Ok(form)
}

/// The names in a field's name: `user[tags][]` is `user`, `tags`.
///
/// # Errors
/// [`FormError::TooDeep`].
pub fn path(name: &str) -> Result<Vec<String>, FormError> {
    let name = Name::parse(name)?;
    let rest = name.rest.iter().filter(|part| !part.is_empty());
    Ok(std::iter::once(name.first)
        .chain(rest.copied())
        .map(str::to_owned)
        .collect())
}

/// Whether somebody has used an input: its field is there, and its client did not say that nobody has touched it.
/// Errors of the others are better held back. A name that stands for several fields is used if one of them is. `form`
/// is what `handle_event` is given.
pub fn is_used(form: &Value, name: &str) -> bool {
    let Value::Object(form) = form else { return false };
    let Ok(path) = path(name) else { return false };
    let Some((last, groups)) = path.split_last() else {
        return false;
    };
    let mut fields = form;
    for group in groups {
        match fields.get(group) {
            Some(Value::Object(inner)) => fields = inner,
            _ => return false,
        }
    }
    used(fields, last)
}

fn used(fields: &Map<String, Value>, name: &str) -> bool {
    if fields.contains_key(&format!("{UNUSED}{name}")) {
        return false;
    }
    match fields.get(name) {
        Some(Value::Object(inner)) => inner
            .keys()
            .any(|name| !name.starts_with(UNUSED) && used(inner, name)),
        Some(_) => true,
        None => false,
    }
}

/// A field's name, taken apart: `a[b][]` is `a`, then `b` and an empty one.
struct Name<'a> {
    first: &'a str,
    rest: Vec<&'a str>,
}

impl<'a> Name<'a> {
    /// A name whose brackets do not match is one name with brackets in it.
    fn parse(name: &'a str) -> Result<Self, FormError> {
        let whole = Self {
            first: name,
            rest: Vec::new(),
        };
        let Some((first, brackets)) = name.split_once('[') else {
            return Ok(whole);
        };
        let Some(inside) = brackets.strip_suffix(']').filter(|_| !first.is_empty()) else {
            return Ok(whole);
        };
        let mut rest = Vec::new();
        for part in inside.split("][") {
            if part.contains(['[', ']']) {
                return Ok(whole);
            }
            if rest.len() + 2 > DEPTH {
                return Err(FormError::TooDeep);
            }
            rest.push(part);
        }
        Ok(Self { first, rest })
    }
}

fn put(form: &mut Map<String, Value>, name: &Name<'_>, value: String) {
    let mut place = slot(form, name.first);
    for part in &name.rest {
        place = if part.is_empty() {
            element(place)
        } else {
            slot(as_map(place), part)
        };
    }
    *place = Value::String(value);
}

/// The place of a name, made if it is not there.
fn slot<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Value {
    match map.entry(name) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(Value::Null),
    }
}

fn as_map(place: &mut Value) -> &mut Map<String, Value> {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(map) => map,
        _ => unreachable!("it was made one"),
    }
}

/// A new element at the end of a list.
fn element(place: &mut Value) -> &mut Value {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    match place {
        Value::Array(list) => list.push_mut(Value::Null),
        _ => unreachable!("it was made one"),
    }
}
