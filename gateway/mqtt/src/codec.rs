//! Bytes to packets and back: the packets as this broker sees them, and where one ends and the next begins.
//!
//! Frames are cut here and handed over one by one, so that "not enough bytes" inside a packet is an error and not a
//! reason to wait for ever. All of it runs inside the connection's own task, so that a panic ends one connection.

mod bytes;
mod connect;
mod properties;
mod read;
mod reason;
mod write;

pub use read::decode;
pub use reason::Reason;
pub use write::{
    Granted, Head, Welcome, put_ack, put_connect, put_disconnect, put_head, put_pong, put_publish,
    put_refusal, put_suback, put_subscribe, put_unsuback, put_welcome,
};

use ::bytes::Bytes;
use roost_runtime::QoS;
use thiserror::Error;

/// Protocol version of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1 (protocol level 4).
    V4,
    /// MQTT 5.0.
    V5,
}

/// Why bytes are not a packet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// Longer than the limit.
    #[error("a packet of {size} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes after the fixed header.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Neither 3.1.1 nor 5.
    #[error("protocol {0}, this gateway speaks MQTT 3.1.1 and 5")]
    Protocol(String),
    /// Against the specification.
    #[error("malformed packet: {0}")]
    Malformed(String),
}

/// A client's CONNECT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connect {
    /// The client's name for itself; empty if the server is to choose.
    pub client_id: String,
    /// Whether it asks for a new session.
    pub clean: bool,
    /// Seconds after which silence means that it is gone; 0 for never.
    pub keep_alive: u16,
    /// User name and password, if given.
    pub login: Option<(String, String)>,
    /// What is published when it vanishes.
    pub will: Option<Will>,
    /// Seconds that its session outlives its connection; `u32::MAX` for ever, which is what 3.1.1 asks for without the
    /// clean session flag.
    pub session_expiry_s: u32,
    /// Version 5: how many messages of QoS 1 and 2 it takes at a time.
    pub receive_maximum: Option<u16>,
    /// Version 5: bytes of the largest packet it takes.
    pub maximum_packet: Option<u32>,
    /// Version 5: highest topic alias it takes; 0 for none.
    pub topic_alias_maximum: u16,
    /// Version 5: whether it wants to know where answers to its requests may go.
    pub wants_response_information: bool,
    /// Version 5: whether it wants no reason in words but in CONNACK and DISCONNECT.
    pub wants_no_words: bool,
    /// Version 5: whether it names a method of authentication; this server knows none.
    pub wants_authentication: bool,
}

/// A client's last will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where.
    pub topic: String,
    /// What.
    pub body: Bytes,
    /// How surely.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Version 5: properties that pass through, encoded.
    pub properties: Box<[u8]>,
    /// Version 5: seconds after which it is not delivered any more.
    pub expiry_s: Option<u32>,
    /// Version 5: seconds from the loss to its publication.
    pub delay_s: u32,
}

/// A client's PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Where; not validated yet beyond being text, and empty if an alias stands for it.
    pub topic: &'a str,
    /// What.
    pub body: &'a [u8],
    /// How surely.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Packet identifier, 0 for QoS 0.
    pub id: u16,
    /// Version 5: number that stands for the topic, or is to stand for it from now on.
    pub alias: Option<u16>,
    /// Version 5: seconds after which it is not delivered any more.
    pub expiry_s: Option<u32>,
    /// Version 5: properties that pass through, encoded.
    pub properties: Box<[u8]>,
}

/// One filter of a SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The filter; not validated yet.
    pub filter: &'a str,
    /// The highest QoS it wants.
    pub qos: QoS,
    /// Version 5: when retained messages are sent (section 3.8.3.1).
    pub retained: RetainHandling,
    /// Version 5: whether it wants nothing of what it publishes itself.
    pub no_local: bool,
    /// Version 5: whether messages keep the retain flag that they were published with.
    pub retain_as_published: bool,
}

/// When a subscriber wants the retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetainHandling {
    /// At every SUBSCRIBE, which is all that 3.1.1 knows.
    Always,
    /// If it did not have this filter before.
    IfNew,
    /// Never.
    Never,
}

/// Which step of QoS 1 or 2 a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AckKind {
    /// The receiver has a message of QoS 1.
    PubAck = 0x40,
    /// The receiver has a message of QoS 2.
    PubRec = 0x50,
    /// The sender knows that, and will not send it again.
    PubRel = 0x62,
    /// The receiver knows that.
    PubComp = 0x70,
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Which of them.
    pub kind: AckKind,
    /// Packet identifier.
    pub id: u16,
    /// Version 5: whether its reason code is one of a failure.
    pub failed: bool,
}

/// A packet from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// CONNECT.
    Connect(Box<Connect>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack(Ack),
    /// SUBSCRIBE.
    Subscribe {
        /// Packet identifier.
        id: u16,
        /// What is wanted.
        filters: Vec<Wanted<'a>>,
        /// Version 5: a number that comes with every message of these filters.
        identifier: Option<u32>,
    },
    /// UNSUBSCRIBE.
    Unsubscribe {
        /// Packet identifier.
        id: u16,
        /// Filters to remove.
        filters: Vec<&'a str>,
    },
    /// PINGREQ.
    Ping,
    /// DISCONNECT.
    Disconnect {
        /// Whether the will is to be published all the same (version 5, any reason but 0).
        with_will: bool,
        /// Version 5: seconds that the session is to outlive the connection, if that changes.
        session_expiry_s: Option<u32>,
    },
    /// A packet that a client must not send now, or ever.
    Unexpected(&'static str),
}

fn qos(number: u8) -> Result<QoS, CodecError> {
    match number {
        0 => Ok(QoS::AtMostOnce),
        1 => Ok(QoS::AtLeastOnce),
        2 => Ok(QoS::ExactlyOnce),
        _ => Err(malformed("QoS 3")),
    }
}

/// Length of the first packet in `buffer`, `None` while it is not complete.
///
/// # Errors
/// [`CodecError::TooLarge`] as soon as the length is known, [`CodecError::Malformed`] for a length that is none, a
/// reserved packet type or reserved flags (OASIS MQTT 5.0 section 2.1.3).
pub fn frame(buffer: &[u8], limit: usize) -> Result<Option<usize>, CodecError> {
    let Some((&first, rest)) = buffer.split_first() else {
        return Ok(None);
    };
    let (kind, flags) = (first >> 4, first & 0x0f);
    let flags_hold = match kind {
        0 => return Err(malformed("packet type 0 is reserved")),
        3 => flags & 0b0110 != 0b0110,
        6 | 8 | 10 => flags == 0b0010,
        _ => flags == 0,
    };
    if !flags_hold {
        return Err(malformed("reserved flags"));
    }
    let mut size = 0_usize;
    for (index, byte) in rest.iter().take(4).enumerate() {
        size |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if size > limit {
                return Err(CodecError::TooLarge { size, limit });
            }
            let length = 2 + index + size;
            return Ok((buffer.len() >= length).then_some(length));
        }
    }
    if rest.len() >= 4 {
        Err(malformed("a length of more than four bytes"))
    } else {
        Ok(None)
    }
}

fn malformed(what: impl ToString) -> CodecError {
    CodecError::Malformed(what.to_string())
}

/// Protocol version of a complete CONNECT frame, which is what decides how it is read.
///
/// # Errors
/// [`CodecError::Malformed`] if it is no CONNECT, [`CodecError::Protocol`] for any other version.
pub fn version_of(connect: &[u8]) -> Result<Version, CodecError> {
    if connect.first().is_none_or(|first| first >> 4 != 1) {
        return Err(malformed("the first packet is not CONNECT"));
    }
    let lengths = connect[1..].iter().take_while(|byte| *byte & 0x80 != 0).count();
    let header = connect.get(2 + lengths..).unwrap_or_default();
    match header {
        [0, 4, b'M', b'Q', b'T', b'T', 4, ..] => Ok(Version::V4),
        [0, 4, b'M', b'Q', b'T', b'T', 5, ..] => Ok(Version::V5),
        [0, 4, b'M', b'Q', b'T', b'T', level, ..] => Err(CodecError::Protocol(format!("MQTT level {level}"))),
        [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', level, ..] => {
            Err(CodecError::Protocol(format!("MQIsdp level {level}")))
        }
        _ => Err(malformed("not MQTT")),
    }
}

#[cfg(test)]
mod tests;
