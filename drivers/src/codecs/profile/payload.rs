//! From a payload, or a part of one, to a value: by the kind that a rule asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use roost_model::{Access, ClockQuality, NoData, Timestamp, Unit, Value, ValueKind};
use serde_json::Value as Json;

/// What was found in the place of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) value: Result<Value, NoData>,
    /// The rest is what only a value object says: `{"value": 21.5, "unit": "°C", …}`.
    pub(super) unit: Option<Unit>,
    pub(super) at: Option<Timestamp>,
    pub(super) cadence: Option<Duration>,
    pub(super) access: Option<Access>,
}

impl From<Value> for Found {
    fn from(value: Value) -> Self {
        Self::from(Ok(value))
    }
}

impl From<Result<Value, NoData>> for Found {
    fn from(value: Result<Value, NoData>) -> Self {
        Self {
            value,
            unit: None,
            at: None,
            cadence: None,
            access: None,
        }
    }
}

/// The value in a whole payload. The error is what was expected.
pub(super) fn from_text(kind: ValueKind, text: &str) -> Result<Found, &'static str> {
    match kind {
        ValueKind::Auto => match serde_json::from_str(text) {
            Ok(json) => from_json(kind, &json),
            // It set out to be JSON and isn't: cut off or broken, and no text that anybody meant.
            Err(_) if text.trim_start().starts_with(['{', '[', '"']) => Err("JSON or text"),
            Err(_) if text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite()) => {
                Err("a finite number or text")
            }
            Err(_) => Ok(Value::Text(text.to_owned()).into()),
        },
        ValueKind::Number => number_in(text).map(Found::from).ok_or("a finite number"),
        ValueKind::Bool => bool_in(text).map(Found::from).ok_or("on or off"),
        ValueKind::Text => Ok(Value::Text(text.to_owned()).into()),
    }
}

/// The value in a JSON document or a part of one. The error is what was expected. `null` is what devices say
/// when they could not measure.
pub(super) fn from_json(kind: ValueKind, json: &Json) -> Result<Found, &'static str> {
    match (kind, json) {
        (_, Json::Null) => Ok(Err(NoData::DeviceError).into()),
        (ValueKind::Auto, Json::Object(object)) if object.contains_key("value") => value_object(object),
        (ValueKind::Auto, json) => Ok(Value::from_json(json.clone()).into()),
        (ValueKind::Number, Json::Number(_)) => Ok(Value::from_json(json.clone()).into()),
        (ValueKind::Number, Json::String(text)) => number_in(text).map(Found::from).ok_or("a finite number"),
        (ValueKind::Number, _) => Err("a finite number"),
        (ValueKind::Bool, Json::Bool(value)) => Ok(Value::Bool(*value).into()),
        (ValueKind::Bool, Json::String(text)) => bool_in(text).map(Found::from).ok_or("on or off"),
        (ValueKind::Bool, Json::Number(number)) => {
            bool_in(&number.to_string()).map(Found::from).ok_or("on or off")
        }
        (ValueKind::Bool, _) => Err("on or off"),
        (ValueKind::Text, Json::String(text)) => Ok(Value::Text(text.clone()).into()),
        (ValueKind::Text, json) => Ok(Value::Text(json.to_string()).into()),
    }
}

/// What a word means by a rule's map.
pub(super) fn mapped(map: &BTreeMap<String, Json>, word: &str) -> Result<Found, &'static str> {
    match map.get(word) {
        Some(json) => Ok(Value::from_json(json.clone()).into()),
        None => Err("a word of its map"),
    }
}

/// A value with what the device knows about it. Members that are not known are left alone, so that a newer
/// device can speak to an older gateway.
fn value_object(object: &serde_json::Map<String, Json>) -> Result<Found, &'static str> {
    let mut found: Found = match object.get("value") {
        None | Some(Json::Null) => Err(NoData::DeviceError).into(),
        Some(value) => Value::from_json(value.clone()).into(),
    };
    if let Some(unit) = object.get("unit") {
        found.unit = Some(Unit::new(unit.as_str().ok_or("a unit that is text")?));
    }
    if let Some(at_ms) = object.get("at_ms") {
        // Nothing is known of a device's clock, so the time is taken with that reservation.
        let at_ms = at_ms.as_i64().ok_or("at_ms in whole milliseconds")?;
        found.at = Some(Timestamp::from_unix_ms(at_ms, ClockQuality::Unknown));
    }
    if let Some(cadence_ms) = object.get("cadence_ms") {
        let cadence_ms = cadence_ms.as_u64().ok_or("cadence_ms in whole milliseconds")?;
        found.cadence = (cadence_ms > 0).then(|| Duration::from_millis(cadence_ms));
    }
    if let Some(access) = object.get("access") {
        found.access = match access.as_str() {
            Some("read") => Some(Access::Read),
            Some("read_write") => Some(Access::ReadWrite),
            _ => return Err("an access of read or read_write"),
        };
    }
    Ok(found)
}

fn number_in(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(int) = text.parse() {
        return Some(Value::Int(int));
    }
    // `parse` also takes "NaN" and "inf", and turns 1e999 into infinity.
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .map(Value::Float)
}

fn bool_in(text: &str) -> Option<Value> {
    let is = |words: [&str; 4]| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    if is(["true", "on", "1", "online"]) {
        Some(Value::Bool(true))
    } else if is(["false", "off", "0", "offline"]) {
        Some(Value::Bool(false))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(kind: ValueKind, text: &str) -> Result<Result<Value, NoData>, &'static str> {
        from_text(kind, text).map(|found| found.value)
    }

    #[test]
    fn a_payload_becomes_what_its_rule_asks_for() {
        assert_eq!(value(ValueKind::Auto, "21.5"), Ok(Ok(Value::Float(21.5))));
        assert_eq!(value(ValueKind::Auto, "true"), Ok(Ok(Value::Bool(true))));
        assert_eq!(value(ValueKind::Auto, "auto"), Ok(Ok(Value::Text("auto".into()))));
        assert_eq!(value(ValueKind::Auto, "null"), Ok(Err(NoData::DeviceError)));
        assert_eq!(
            value(ValueKind::Auto, "[1,2]"),
            Ok(Ok(Value::Json(json!([1, 2]))))
        );
        assert_eq!(value(ValueKind::Number, " 7 "), Ok(Ok(Value::Int(7))));
        assert_eq!(value(ValueKind::Bool, "ON"), Ok(Ok(Value::Bool(true))));
        assert_eq!(value(ValueKind::Bool, "Offline"), Ok(Ok(Value::Bool(false))));
        assert_eq!(value(ValueKind::Text, "21.5"), Ok(Ok(Value::Text("21.5".into()))));
        assert_eq!(value(ValueKind::Bool, "maybe"), Err("on or off"));
    }

    #[test]
    fn what_is_not_a_finite_number_is_refused_in_every_spelling() {
        for text in ["NaN", "nan", "inf", "-inf", "Infinity", "1e999", "-1e999"] {
            assert!(value(ValueKind::Number, text).is_err(), "{text}");
            assert!(value(ValueKind::Auto, text).is_err(), "{text}");
        }
    }

    #[test]
    fn json_that_was_cut_off_is_refused_and_not_taken_for_text() {
        for text in [r#"{"value":2"#, "[1,", r#""on"#] {
            assert!(value(ValueKind::Auto, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_object_says_more_about_its_value() {
        let found = from_json(
            ValueKind::Auto,
            &json!({"value": 21.5, "unit": "°C", "at_ms": 1000, "cadence_ms": 500,
                "access": "read_write", "new": 1}),
        )
        .unwrap();
        assert_eq!(
            found,
            Found {
                value: Ok(Value::Float(21.5)),
                unit: Some(Unit::new("°C")),
                at: Some(Timestamp::from_unix_ms(1000, ClockQuality::Unknown)),
                cadence: Some(Duration::from_millis(500)),
                access: Some(Access::ReadWrite),
            }
        );
        for wrong in [
            json!({"value": 1, "at_ms": "now"}),
            json!({"value": 1, "access": "all"}),
        ] {
            assert!(from_json(ValueKind::Auto, &wrong).is_err(), "{wrong}");
        }
    }
}
