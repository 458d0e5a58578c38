//! What a client is sent, put together: the bytes of a whole WebSocket frame, so that a broadcast is encoded once and
//! every connection writes the same bytes.

use bytes::{Buf, Bytes};

use super::{Payload, PayloadError, REPLY, Ref, Reply, Version};

/// Longest header of a frame that a server sends (RFC 6455 section 5.2): two bytes, eight of length.
const MAX_HEADER: usize = 10;
/// First byte of a message of text in one frame.
const TEXT: u8 = 0x81;
/// First byte of a message of bytes in one frame.
const BINARY: u8 = 0x82;

/// Kinds of frames of bytes.
const PUSH_KIND: u8 = 0;
const REPLY_KIND: u8 = 1;
const BROADCAST_KIND: u8 = 2;

/// A message to a client.
#[derive(Debug, Clone, Copy)]
pub enum Outgoing<'a> {
    /// To one channel; `phx_close` and `phx_error` carry a reference too.
    Push {
        /// Reference of the join.
        join_ref: &'a Ref,
        /// Reference of the message, mostly none.
        reference: &'a Ref,
        /// Topic.
        topic: &'a str,
        /// Event.
        event: &'a str,
        /// What it says.
        payload: &'a Payload,
    },
    /// The answer to a message.
    Reply {
        /// Reference of the join.
        join_ref: &'a Ref,
        /// Reference of the message that is answered.
        reference: &'a Ref,
        /// Topic.
        topic: &'a str,
        /// The answer.
        reply: &'a Reply,
    },
    /// To everybody on a topic.
    Broadcast {
        /// Topic.
        topic: &'a str,
        /// Event.
        event: &'a str,
        /// What it says.
        payload: &'a Payload,
    },
}

/// An encoded message: a whole WebSocket frame. Cloning copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    frame: Bytes,
    header: u8,
    shared: bool,
}

impl Wire {
    /// A frame around a body that `write` appends.
    fn build(first: u8, room: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut buffer = Vec::with_capacity(MAX_HEADER + room);
        buffer.resize(MAX_HEADER, 0);
        write(&mut buffer);
        let length = buffer.len() - MAX_HEADER;
        let header = match length {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        let from = MAX_HEADER - header;
        buffer[from] = first;
        match header {
            2 => buffer[from + 1] = length as u8,
            4 => {
                buffer[from + 1] = 126;
                buffer[from + 2..MAX_HEADER].copy_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                buffer[from + 1] = 127;
                buffer[from + 2..MAX_HEADER].copy_from_slice(&(length as u64).to_be_bytes());
            }
        }
        Self {
            frame: Bytes::from(buffer).slice(from..),
            header: header as u8,
            shared: false,
        }
    }

    /// A control frame (RFC 6455 section 5.5), of at most 125 bytes.
    pub(crate) fn control(opcode: u8, body: &[u8]) -> Self {
        Self::build(0x80 | opcode, body.len(), |buffer| buffer.extend_from_slice(body))
    }

    /// The whole frame.
    #[must_use]
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// So many bytes of it are written: the frame is what is left.
    pub(crate) fn advance(&mut self, written: usize) {
        self.frame.advance(written);
    }

    /// The same for many, who hold what `count` makes of its bytes: from then on they are nobody's own.
    pub(crate) fn share(self, count: impl FnOnce(Bytes) -> Bytes) -> Self {
        Self {
            frame: count(self.frame),
            shared: true,
            ..self
        }
    }

    /// Bytes that whoever has it holds alone.
    pub(crate) fn own_bytes(&self) -> usize {
        if self.shared { 0 } else { self.frame.len() }
    }

    /// The message alone.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.frame.slice(usize::from(self.header)..)
    }

    /// Whether it is a message of bytes.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.frame.first() == Some(&BINARY)
    }
}

/// Encodes a message.
///
/// # Errors
/// [`PayloadError`].
pub fn encode(version: Version, message: Outgoing<'_>) -> Result<Wire, PayloadError> {
    if let Outgoing::Push { payload, .. } | Outgoing::Broadcast { payload, .. } = message {
        payload.check_push()?;
    }
    let payload = match message {
        Outgoing::Push { payload, .. } | Outgoing::Broadcast { payload, .. } => payload,
        Outgoing::Reply { reply, .. } => &reply.payload,
    };
    match (payload, version) {
        (Payload::Json(json), _) => Ok(text(version, message, json)),
        (Payload::Binary(bytes), Version::V2) => binary(message, bytes),
        (Payload::Binary(_), Version::V1) => Err(PayloadError::NoBinary),
    }
}

/// Appends a string as JSON.
fn quote(buffer: &mut Vec<u8>, text: &str) {
    let plain = text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        buffer.push(b'"');
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'"');
    } else {
        buffer.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

fn response(buffer: &mut Vec<u8>, status: &str, json: &[u8]) {
    buffer.extend_from_slice(b"{\"status\":");
    quote(buffer, status);
    buffer.extend_from_slice(b",\"response\":");
    buffer.extend_from_slice(json);
    buffer.push(b'}');
}

/// The parts that all messages have: join reference, reference, topic, event, status of a reply.
type Parts<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>);

fn parts(message: Outgoing<'_>) -> Parts<'_> {
    match message {
        Outgoing::Push {
            join_ref,
            reference,
            topic,
            event,
            ..
        } => (join_ref.json(), reference.json(), topic, event, None),
        Outgoing::Reply {
            join_ref,
            reference,
            topic,
            reply,
        } => (
            join_ref.json(),
            reference.json(),
            topic,
            REPLY,
            Some(&*reply.status),
        ),
        Outgoing::Broadcast { topic, event, .. } => ("null", "null", topic, event, None),
    }
}

/// What stands before reference, topic, event and payload, and at the end.
const AROUND_V1: [&str; 5] = ["{\"ref\":", ",\"topic\":", ",\"event\":", ",\"payload\":", "}"];
/// The same after the reference of the join, which version 1 does not have.
const AROUND_V2: [&str; 5] = [",", ",", ",", ",", "]"];

fn text(version: Version, message: Outgoing<'_>, json: &[u8]) -> Wire {
    let (join_ref, reference, topic, event, status) = parts(message);
    let [first, second, third, fourth, last] = match version {
        Version::V1 => AROUND_V1,
        Version::V2 => AROUND_V2,
    };
    Wire::build(TEXT, json.len() + topic.len() + event.len() + 96, |buffer| {
        if version == Version::V2 {
            buffer.push(b'[');
            buffer.extend_from_slice(join_ref.as_bytes());
        }
        buffer.extend_from_slice(first.as_bytes());
        buffer.extend_from_slice(reference.as_bytes());
        buffer.extend_from_slice(second.as_bytes());
        quote(buffer, topic);
        buffer.extend_from_slice(third.as_bytes());
        quote(buffer, event);
        buffer.extend_from_slice(fourth.as_bytes());
        match status {
            Some(status) => response(buffer, status, json),
            None => buffer.extend_from_slice(json),
        }
        buffer.extend_from_slice(last.as_bytes());
    })
}

fn binary(message: Outgoing<'_>, bytes: &[u8]) -> Result<Wire, PayloadError> {
    let (kind, fields) = match message {
        Outgoing::Push {
            join_ref,
            topic,
            event,
            ..
        } => (
            PUSH_KIND,
            vec![
                ("the join reference", join_ref.plain()),
                ("the topic", topic.to_owned()),
                ("the event", event.to_owned()),
            ],
        ),
        Outgoing::Reply {
            join_ref,
            reference,
            topic,
            reply,
        } => (
            REPLY_KIND,
            vec![
                ("the join reference", join_ref.plain()),
                ("the reference", reference.plain()),
                ("the topic", topic.to_owned()),
                ("the status", reply.status.to_string()),
            ],
        ),
        Outgoing::Broadcast { topic, event, .. } => (
            BROADCAST_KIND,
            vec![("the topic", topic.to_owned()), ("the event", event.to_owned())],
        ),
    };
    let mut lengths = Vec::with_capacity(fields.len());
    for (field, text) in &fields {
        lengths.push(u8::try_from(text.len()).map_err(|_| PayloadError::TooLong { field })?);
    }
    Ok(Wire::build(BINARY, bytes.len() + 64, |buffer| {
        buffer.push(kind);
        buffer.extend_from_slice(&lengths);
        for (_, text) in &fields {
            buffer.extend_from_slice(text.as_bytes());
        }
        buffer.extend_from_slice(bytes);
    }))
}
