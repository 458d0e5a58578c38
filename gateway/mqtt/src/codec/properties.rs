//! Properties of MQTT 5 (OASIS MQTT 5.0 section 2.2.2): read one by one, each at most once, each where it belongs.

use super::bytes::Reader;
use super::{CodecError, malformed};

pub(super) const PAYLOAD_FORMAT: u8 = 0x01;
pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(super) const SUBSCRIPTION_ID: u8 = 0x0b;
pub(super) const SESSION_EXPIRY: u8 = 0x11;
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
pub(super) const AUTHENTICATION_METHOD: u8 = 0x15;
pub(super) const AUTHENTICATION_DATA: u8 = 0x16;
pub(super) const REQUEST_PROBLEM: u8 = 0x17;
pub(super) const WILL_DELAY: u8 = 0x18;
pub(super) const REQUEST_RESPONSE: u8 = 0x19;
pub(super) const RESPONSE_INFORMATION: u8 = 0x1a;
pub(super) const REASON_STRING: u8 = 0x1f;
pub(super) const RECEIVE_MAXIMUM: u8 = 0x21;
pub(super) const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const USER_PROPERTY: u8 = 0x26;
pub(super) const MAXIMUM_PACKET: u8 = 0x27;

/// The value of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Byte(u8),
    Short(u16),
    Int(u32),
    Text(&'a str),
    Other,
}

impl Value<'_> {
    pub(super) fn int(self) -> u32 {
        match self {
            Self::Byte(value) => u32::from(value),
            Self::Short(value) => u32::from(value),
            Self::Int(value) => value,
            Self::Text(_) | Self::Other => 0,
        }
    }

    pub(super) fn short(self) -> u16 {
        u16::try_from(self.int()).unwrap_or(u16::MAX)
    }

    /// A byte that can only be 0 or 1.
    pub(super) fn flag(self) -> Result<bool, CodecError> {
        match self.int() {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed("a property that is neither 0 nor 1")),
        }
    }
}

fn value<'a>(id: u8, reader: &mut Reader<'a>) -> Result<Value<'a>, CodecError> {
    Ok(match id {
        PAYLOAD_FORMAT | REQUEST_PROBLEM | REQUEST_RESPONSE => Value::Byte(reader.byte()?),
        RECEIVE_MAXIMUM | TOPIC_ALIAS_MAXIMUM | TOPIC_ALIAS => Value::Short(reader.u16()?),
        MESSAGE_EXPIRY | SESSION_EXPIRY | WILL_DELAY | MAXIMUM_PACKET => Value::Int(reader.u32()?),
        SUBSCRIPTION_ID => Value::Int(reader.varint()?),
        CONTENT_TYPE | RESPONSE_TOPIC | AUTHENTICATION_METHOD | REASON_STRING => Value::Text(reader.text()?),
        CORRELATION_DATA | AUTHENTICATION_DATA => {
            reader.binary()?;
            Value::Other
        }
        USER_PROPERTY => {
            reader.text()?;
            reader.text()?;
            Value::Other
        }
        _ => return Err(malformed("a property that is none, or that only servers send")),
    })
}

/// Goes through a block of properties and hands each to `each` with its bytes. Which belong there is `allowed`; only
/// user properties may come more than once.
pub(super) fn each<'a>(
    mut block: Reader<'a>,
    allowed: &[u8],
    mut each: impl FnMut(u8, Value<'a>, &'a [u8]) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let mut seen = 0_u64;
    while !block.is_empty() {
        let start = block.0;
        let id = block.byte()?;
        if !allowed.contains(&id) {
            return Err(malformed("a property that does not belong to its packet"));
        }
        if id != USER_PROPERTY && seen & (1 << id) != 0 {
            return Err(malformed("a property that comes twice"));
        }
        seen |= 1 << id;
        let value = value(id, &mut block)?;
        each(id, value, &start[..start.len() - block.0.len()])?;
    }
    Ok(())
}

/// The properties of an application message: those that pass through, as bytes, and those that concern the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OfMessage {
    pub(super) passed: Vec<u8>,
    pub(super) expiry_s: Option<u32>,
    pub(super) alias: Option<u16>,
    pub(super) delay_s: u32,
}

const OF_PUBLISH: &[u8] = &[
    PAYLOAD_FORMAT,
    MESSAGE_EXPIRY,
    CONTENT_TYPE,
    RESPONSE_TOPIC,
    CORRELATION_DATA,
    TOPIC_ALIAS,
    USER_PROPERTY,
];
const OF_WILL: &[u8] = &[
    PAYLOAD_FORMAT,
    MESSAGE_EXPIRY,
    CONTENT_TYPE,
    RESPONSE_TOPIC,
    CORRELATION_DATA,
    WILL_DELAY,
    USER_PROPERTY,
];

fn of_message(block: Reader<'_>, allowed: &[u8]) -> Result<OfMessage, CodecError> {
    let mut found = OfMessage::default();
    each(block, allowed, |id, value, bytes| {
        match id {
            MESSAGE_EXPIRY => found.expiry_s = Some(value.int()),
            TOPIC_ALIAS => found.alias = Some(value.short()),
            WILL_DELAY => found.delay_s = value.int(),
            RESPONSE_TOPIC if matches!(value, Value::Text(topic) if topic.is_empty() || topic.contains(['+', '#'])) =>
            {
                return Err(malformed("a response topic that is a filter"));
            }
            PAYLOAD_FORMAT => {
                value.flag()?;
                found.passed.extend_from_slice(bytes);
            }
            _ => found.passed.extend_from_slice(bytes),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Those of a PUBLISH.
pub(super) fn of_publish(block: Reader<'_>) -> Result<OfMessage, CodecError> {
    if block.is_empty() {
        return Ok(OfMessage::default());
    }
    of_message(block, OF_PUBLISH)
}

/// Those of a will.
pub(super) fn of_will(block: Reader<'_>) -> Result<OfMessage, CodecError> {
    of_message(block, OF_WILL)
}
