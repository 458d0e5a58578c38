//! Messages of the server as a client reads them, text and bytes.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::failure::Failure;

/// A message from the server: `[join_ref, ref, topic, event, payload]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The channel it belongs to; null for broadcasts.
    pub join_ref: Value,
    /// Of replies: the reference of the message that it answers.
    pub reference: Value,
    /// Topic.
    pub topic: String,
    /// Event; `phx_reply` for replies.
    pub event: String,
    /// Payload; of replies `{"status", "response"}`. Where the server sends bytes, null stands here or as `response`.
    pub payload: Value,
    /// The bytes, if the server sends bytes.
    pub bytes: Option<Vec<u8>>,
}

impl Frame {
    /// A message of text.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::new(format!("no frame: {text}"));
        let parts: [Value; 5] = serde_json::from_str(text).map_err(|_| wrong())?;
        let [
            join_ref,
            reference,
            Value::String(topic),
            Value::String(event),
            payload,
        ] = parts
        else {
            return Err(wrong());
        };
        if !payload.is_object() {
            return Err(Failure::new(format!("a payload is an object: {text}")));
        }
        Ok(Self {
            join_ref,
            reference,
            topic,
            event,
            payload,
            bytes: None,
        })
    }

    /// A message of bytes: its kind, the lengths of its names, the names, and the rest is what it says.
    pub(super) fn read_bytes(frame: &[u8]) -> Result<Self, Failure> {
        let wrong = || Failure::new(format!("no frame of bytes: {frame:?}"));
        let (kind, rest) = frame.split_first().ok_or_else(wrong)?;
        let count = match kind {
            0 => 3,
            1 => 4,
            2 => 2,
            _ => return Err(wrong()),
        };
        let (lengths, mut rest) = rest.split_at_checked(count).ok_or_else(wrong)?;
        let mut names = Vec::new();
        for length in lengths {
            let (name, after) = rest.split_at_checked(usize::from(*length)).ok_or_else(wrong)?;
            names.push(String::from_utf8(name.to_vec()).map_err(|_| wrong())?);
            rest = after;
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (join_ref, reference, topic, event, payload) = match *names.as_slice() {
            [join, topic, event] => (json!(join), Value::Null, topic, event, Value::Null),
            [join, reference, topic, status] => {
                let payload = json!({"status": status, "response": null});
                (json!(join), json!(reference), topic, "phx_reply", payload)
            }
            [topic, event] => (Value::Null, Value::Null, topic, event, Value::Null),
            _ => return Err(wrong()),
        };
        Ok(Self {
            join_ref,
            reference,
            topic: topic.to_owned(),
            event: event.to_owned(),
            payload,
            bytes: Some(rest.to_vec()),
        })
    }
}

/// A push of bytes.
///
/// # Errors
/// A name is longer than 255 bytes.
pub(super) fn push_of_bytes(names: [&str; 4], payload: &[u8]) -> Result<Bytes, Failure> {
    let mut frame = vec![0_u8];
    for name in names {
        let length = u8::try_from(name.len()).map_err(|_| Failure::new(format!("{name} is too long")))?;
        frame.push(length);
    }
    for name in names {
        frame.extend_from_slice(name.as_bytes());
    }
    frame.extend_from_slice(payload);
    Ok(frame.into())
}
