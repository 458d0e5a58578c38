//! What a request to set a point says, whoever sends it: the API, another task, or a dashboard over MQTT.

use roost_model::{NameError, Priority, Value, check_name};
use serde::Deserialize;
use serde_json::{Map, json};
use thiserror::Error;

/// Shortest and longest time that a command may be given.
const WITHIN_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;
/// Longest key, in characters.
const MAX_KEY: usize = 255;
/// Longest JSON form of a value, in bytes. It is written down and shown with every state of the command.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// A request to set a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetRequest {
    pub(super) point: String,
    pub(super) value: Value,
    /// Time until it expires, in milliseconds.
    pub(super) within_ms: Option<u64>,
    /// Time after the acknowledgement in which a reading may verify it, in milliseconds.
    pub(super) verify_within_ms: Option<u64>,
    /// What makes a repeated request the same request.
    pub(super) key: Option<String>,
    pub(super) priority: Priority,
    /// Whether it may wait for a device that is not connected.
    pub(super) may_wait: bool,
    /// Whether it takes the place of those to the same point that were not sent yet.
    pub(super) supersede: bool,
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
    #[error("`value` has at most {MAX_VALUE_BYTES} bytes")]
    TooLong,
    #[error("`{0}` is a whole number from 100 to 86400000")]
    Time(&'static str),
    #[error("`key` is a text of 1 to {MAX_KEY} characters")]
    Key,
    #[error("`{0}` is {1}")]
    Choice(&'static str, &'static str),
    #[error(
        "`{0}` is not known: a request has value, within_ms, verify_within_ms, key, priority, queue, supersede"
    )]
    Unknown(String),
}

impl SetError {
    /// The answer to whoever asked.
    pub(super) fn answer(&self) -> serde_json::Value {
        json!({ "error": self.to_string() })
    }
}

impl SetRequest {
    fn new(point: &str, value: Value) -> Result<Self, SetError> {
        let bytes = match &value {
            Value::Text(text) => text.len(),
            Value::Json(document) => document.to_string().len(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
        };
        if bytes > MAX_VALUE_BYTES {
            return Err(SetError::TooLong);
        }
        Ok(Self {
            point: point.to_owned(),
            value,
            within_ms: None,
            verify_within_ms: None,
            key: None,
            priority: Priority::Normal,
            may_wait: true,
            supersede: false,
        })
    }

    /// Reads the body of a message on `devices/<device>/points/<point>/set`: `{"value": …, "within_ms": …}`, or just
    /// the value, which is what people type: `21.5`, `true`, `on`.
    pub(super) fn parse(point: &str, body: &[u8]) -> Result<Self, SetError> {
        check_name(point)?;
        let text = std::str::from_utf8(body).map_err(|_| SetError::NotText)?.trim();
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(request)) => Self::from_object(point, request),
            Ok(serde_json::Value::Null) => Err(SetError::NoValue),
            Ok(scalar) => Self::new(point, Value::from_json(scalar)),
            Err(_) if text.is_empty() => Err(SetError::NoValue),
            Err(_) => Self::new(point, from_text(text)),
        }
    }

    fn from_object(point: &str, mut request: Map<String, serde_json::Value>) -> Result<Self, SetError> {
        let value = match request.remove("value") {
            None | Some(serde_json::Value::Null) => return Err(SetError::NoValue),
            Some(value) => Value::from_json(value),
        };
        let mut set = Self::new(point, value)?;
        for (name, given) in request.into_iter().filter(|(_, given)| !given.is_null()) {
            match name.as_str() {
                "within_ms" => set.within_ms = Some(time("within_ms", &given)?),
                "verify_within_ms" => set.verify_within_ms = Some(time("verify_within_ms", &given)?),
                "key" => set.key = Some(key(&given)?),
                "priority" => {
                    set.priority = Priority::deserialize(given)
                        .map_err(|_| SetError::Choice("priority", "low, normal or high"))?;
                }
                "queue" => {
                    set.may_wait = match given.as_str() {
                        Some("until_deadline") => true,
                        Some("never") => false,
                        _ => return Err(SetError::Choice("queue", "until_deadline or never")),
                    };
                }
                "supersede" => {
                    let choice = given.as_bool();
                    set.supersede = choice.ok_or(SetError::Choice("supersede", "true or false"))?;
                }
                _ => return Err(SetError::Unknown(name)),
            }
        }
        Ok(set)
    }
}

fn time(name: &'static str, given: &serde_json::Value) -> Result<u64, SetError> {
    let ms = given.as_u64().filter(|ms| WITHIN_MS.contains(ms));
    ms.ok_or(SetError::Time(name))
}

fn key(given: &serde_json::Value) -> Result<String, SetError> {
    let key = given.as_str().ok_or(SetError::Key)?;
    if (1..=MAX_KEY).contains(&key.chars().count()) {
        Ok(key.to_owned())
    } else {
        Err(SetError::Key)
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
    use proptest::prelude::*;

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
    fn a_request_may_say_how_it_is_to_be_treated() {
        let body = br#"{"value":1,"within_ms":500,"verify_within_ms":600,"key":"k","priority":"high",
            "queue":"never","supersede":true}"#;
        let request = SetRequest::parse("relay", body).unwrap();
        assert_eq!(
            (request.value, request.within_ms, request.verify_within_ms),
            (Value::Int(1), Some(500), Some(600))
        );
        assert_eq!(
            (request.key.as_deref(), request.priority),
            (Some("k"), Priority::High)
        );
        assert_eq!((request.may_wait, request.supersede), (false, true));
        let short = SetRequest::parse("relay", br#"{"value":1,"key":null}"#).unwrap();
        assert_eq!((short.may_wait, short.supersede, short.key), (true, false, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_field_and_what_it_may_be() {
        for (field, part) in [
            (r#""within_ms":5"#, "`within_ms` is a whole number"),
            (r#""within_ms":"x""#, "`within_ms` is a whole number"),
            (r#""key":"""#, "`key` is a text"),
            (r#""priority":"urgent""#, "low, normal or high"),
            (r#""queue":true"#, "until_deadline or never"),
            (r#""supersede":1"#, "true or false"),
            (r#""prority":"high""#, "`prority` is not known"),
        ] {
            let error = parsed(&format!("{{\"value\":1,{field}}}"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{field}: {error}");
        }
        let long = format!("\"{}\"", "x".repeat(MAX_VALUE_BYTES + 1));
        assert_eq!(parsed(&long), Err(SetError::TooLong));
    }

    #[test]
    fn what_says_nothing_is_refused_with_a_reason() {
        for empty in ["", "null", "{}", r#"{"value":null}"#] {
            assert_eq!(parsed(empty), Err(SetError::NoValue), "{empty}");
        }
        assert_eq!(SetRequest::parse("relay", &[0xff]), Err(SetError::NotText));
        assert!(matches!(SetRequest::parse("a b", b"1"), Err(SetError::Name(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail_otherwise(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(request) = SetRequest::parse("relay", &body) {
                prop_assert_ne!(request.value.to_json(), serde_json::Value::Null);
            }
        }
    }
}
