//! What a request to set a point says, whoever sends it: the API, another task, or a dashboard over MQTT.

use std::time::Duration;

use roost_model::{NameError, Value, check_name};
use serde_json::{Map, json};
use thiserror::Error;

/// Shortest and longest time that a command may be given.
const WITHIN_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;

/// A request to set a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetRequest {
    pub(super) point: String,
    pub(super) value: Value,
    pub(super) within: Option<Duration>,
}

/// Why a request to set a point is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum SetError {
    #[error("the name of a point {0}")]
    Name(#[from] NameError),
    #[error("the body is neither JSON nor text")]
    NotText,
    #[error("`value` is missing")]
    NoValue,
    #[error("`deadline_ms` is a whole number from 100 to 86400000")]
    Deadline,
}

impl SetError {
    /// The answer to whoever asked.
    pub(super) fn answer(&self) -> String {
        json!({ "error": self.to_string() }).to_string()
    }
}

impl SetRequest {
    /// Reads the body of a message on `devices/<device>/points/<point>/set`: `{"value": …, "deadline_ms": …}`, or just
    /// the value, which is what people type: `21.5`, `true`, `on`.
    pub(super) fn parse(point: &str, body: &[u8]) -> Result<Self, SetError> {
        check_name(point)?;
        let text = std::str::from_utf8(body).map_err(|_| SetError::NotText)?.trim();
        let point = point.to_owned();
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(request)) => {
                let within = within(&request)?;
                Ok(Self {
                    point,
                    value: value(request)?,
                    within,
                })
            }
            Ok(serde_json::Value::Null) => Err(SetError::NoValue),
            Ok(scalar) => Ok(Self {
                point,
                value: Value::from_json(scalar),
                within: None,
            }),
            Err(_) if text.is_empty() => Err(SetError::NoValue),
            Err(_) => Ok(Self {
                point,
                value: from_text(text),
                within: None,
            }),
        }
    }
}

fn value(mut request: Map<String, serde_json::Value>) -> Result<Value, SetError> {
    match request.remove("value") {
        None | Some(serde_json::Value::Null) => Err(SetError::NoValue),
        Some(value) => Ok(Value::from_json(value)),
    }
}

fn within(request: &Map<String, serde_json::Value>) -> Result<Option<Duration>, SetError> {
    match request.get("deadline_ms") {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(given) => match given.as_u64().filter(|ms| WITHIN_MS.contains(ms)) {
            Some(ms) => Ok(Some(Duration::from_millis(ms))),
            None => Err(SetError::Deadline),
        },
    }
}

fn from_text(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "on" => Value::Bool(true),
        "off" => Value::Bool(false),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<Value, SetError> {
        SetRequest::parse("relay", body.as_bytes()).map(|request| request.value)
    }

    #[test]
    fn a_value_alone_is_a_request() {
        assert_eq!(parsed("true"), Ok(Value::Bool(true)));
        assert_eq!(parsed(" ON "), Ok(Value::Bool(true)));
        assert_eq!(parsed("21.5"), Ok(Value::Float(21.5)));
        assert_eq!(parsed("auto"), Ok(Value::Text("auto".into())));
    }

    #[test]
    fn a_request_may_have_a_deadline() {
        let request = SetRequest::parse("relay", br#"{"value":1,"deadline_ms":500}"#).unwrap();
        assert_eq!(
            (request.value, request.within),
            (Value::Int(1), Some(Duration::from_millis(500)))
        );
        assert_eq!(parsed(r#"{"value":1,"deadline_ms":5}"#), Err(SetError::Deadline));
        assert_eq!(
            parsed(r#"{"value":1,"deadline_ms":"x"}"#),
            Err(SetError::Deadline)
        );
    }

    #[test]
    fn what_says_nothing_is_refused_with_a_reason() {
        for empty in ["", "null", "{}", r#"{"value":null}"#] {
            assert_eq!(parsed(empty), Err(SetError::NoValue), "{empty}");
        }
        assert_eq!(SetRequest::parse("relay", &[0xff]), Err(SetError::NotText));
        assert!(matches!(SetRequest::parse("a b", b"1"), Err(SetError::Name(_))));
    }
}
