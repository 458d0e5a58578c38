//! What a client may send, taken apart.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{Payload, Ref, Version};

/// Deepest nesting of arrays and objects in a message: the depth to which `serde_json` follows.
pub const MAX_DEPTH: usize = 128;
/// Most bytes of an event's name, as in frames of bytes, whose lengths are one byte.
pub const EVENT_BYTES: usize = 255;
/// What a frame may have besides its payload without the payload being copied out of it: otherwise an empty payload
/// that waits would keep whatever else the frame holds.
const ENVELOPE_BYTES: usize = 512;
/// Kind of a push in a frame of bytes.
const PUSH: u8 = 0;

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Reference of the join that opened the channel.
    pub join_ref: Ref,
    /// Reference of this message.
    pub reference: Ref,
    /// Topic.
    pub topic: String,
    /// Event.
    pub event: String,
    /// What it says.
    pub payload: Payload,
}

/// Why a frame is no message. The connection it came on is closed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not JSON, or not of the shape that a message has.
    #[error("not a message of the Channels protocol: {0}")]
    Shape(String),
    /// Nested too deeply.
    #[error("JSON nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// The name of an event is too long.
    #[error("the name of an event has more than {EVENT_BYTES} bytes")]
    Event,
    /// A frame of bytes that is not a push, or too short for what it announces.
    #[error("not a push of the Channels protocol")]
    Binary,
}

/// Takes apart a frame of text.
///
/// # Errors
/// [`Malformed`].
pub fn decode_text(version: Version, frame: &Bytes) -> Result<Incoming, Malformed> {
    let text = std::str::from_utf8(frame).map_err(|error| Malformed::Shape(error.to_string()))?;
    if depth(frame) > MAX_DEPTH {
        return Err(Malformed::TooDeep);
    }
    let Parts {
        join_ref,
        reference,
        topic,
        event,
        payload,
    } = match version {
        Version::V2 => {
            serde_json::from_str::<Array<'_>>(text)
                .map_err(|error| shape(&error))?
                .0
        }
        Version::V1 => {
            serde_json::from_str::<Object<'_>>(text)
                .map_err(|error| shape(&error))?
                .0
        }
    };
    if event.len() > EVENT_BYTES {
        return Err(Malformed::Event);
    }
    let payload = payload.get().as_bytes();
    let payload = if frame.len() > payload.len() + ENVELOPE_BYTES {
        Bytes::copy_from_slice(payload)
    } else {
        frame.slice_ref(payload)
    };
    Ok(Incoming {
        join_ref,
        reference,
        topic,
        event,
        payload: Payload::Json(payload),
    })
}

/// What is wrong, without a word of what was said: this ends in the log.
fn shape(error: &serde_json::Error) -> Malformed {
    let wrong = match error.classify() {
        Category::Io | Category::Syntax => "no JSON",
        Category::Eof => "cut off",
        Category::Data => "of another shape",
    };
    Malformed::Shape(format!("{wrong} at column {}", error.column()))
}

/// Takes apart a frame of bytes: kind, four lengths, join reference, reference, topic, event, payload.
///
/// # Errors
/// [`Malformed::Binary`].
pub fn decode_binary(version: Version, frame: &Bytes) -> Result<Incoming, Malformed> {
    let (Version::V2, [PUSH, a, b, c, d, ..]) = (version, &frame[..]) else {
        return Err(Malformed::Binary);
    };
    let mut at = 5;
    let mut part = |length: &u8| {
        let end = at + usize::from(*length);
        let text = frame.get(at..end).and_then(|part| std::str::from_utf8(part).ok());
        at = end;
        text.ok_or(Malformed::Binary)
    };
    let (join_ref, reference) = (Ref::text(part(a)?), Ref::text(part(b)?));
    let (topic, event) = (part(c)?.to_owned(), part(d)?.to_owned());
    Ok(Incoming {
        join_ref,
        reference,
        topic,
        event,
        payload: Payload::Binary(frame.slice(at..)),
    })
}

/// How deep arrays and objects are nested, brackets in strings left out.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

struct Parts<'a> {
    join_ref: Ref,
    reference: Ref,
    topic: String,
    event: String,
    payload: &'a RawValue,
}

fn reference<E: serde::de::Error>(value: &Value) -> Result<Ref, E> {
    Ref::from_value(value)
        .ok_or_else(|| E::custom("a reference is a string of at most 255 bytes, a number or null"))
}

/// `[join_ref, ref, topic, event, payload]`; what follows is ignored.
struct Array<'a>(Parts<'a>);

impl<'de> Deserialize<'de> for Array<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ArrayVisitor).map(Self)
    }
}

struct ArrayVisitor;

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[join_ref, ref, topic, event, payload]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parts<'de>, A::Error> {
        let missing = |at| A::Error::invalid_length(at, &"five elements");
        let join_ref: Value = seq.next_element()?.ok_or_else(|| missing(0))?;
        let own: Value = seq.next_element()?.ok_or_else(|| missing(1))?;
        let parts = Parts {
            join_ref: reference(&join_ref)?,
            reference: reference(&own)?,
            topic: seq.next_element()?.ok_or_else(|| missing(2))?,
            event: seq.next_element()?.ok_or_else(|| missing(3))?,
            payload: seq.next_element()?.ok_or_else(|| missing(4))?,
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(parts)
    }
}

/// `{"topic", "event", "payload", "ref"}`, and `join_ref` where a client says it.
struct Object<'a>(Parts<'a>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Self)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with topic, event, payload and ref")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
        let (mut join_ref, mut own, mut topic, mut event, mut payload) = (Ref::NULL, None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "join_ref" => join_ref = reference(&map.next_value()?)?,
                "ref" => own = Some(reference(&map.next_value()?)?),
                "topic" => topic = Some(map.next_value()?),
                "event" => event = Some(map.next_value()?),
                "payload" => payload = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Parts {
            join_ref,
            reference: own.ok_or_else(|| A::Error::missing_field("ref"))?,
            topic: topic.ok_or_else(|| A::Error::missing_field("topic"))?,
            event: event.ok_or_else(|| A::Error::missing_field("event"))?,
            payload: payload.ok_or_else(|| A::Error::missing_field("payload"))?,
        })
    }
}
