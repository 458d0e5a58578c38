//! What a client sends on a WebSocket (RFC 6455 section 5), put together to messages.
//!
//! Nothing is held while nothing is under way, and of a message that is, no more than has come: the header says how
//! long it will be, but anybody can say anything.

#[cfg(test)]
mod tests;

use std::io::Cursor;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Most bytes of a ping, a pong or a close (section 5.5).
const MAX_CONTROL: u64 = 125;

/// Messages of up to so many bytes get memory of their own when they came together with others: a short one that
/// waits must not keep a whole read, or what was said before it.
const COPIED: usize = 64 * 1024;

/// Why a client is hung up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("a frame against RFC 6455")]
    Malformed,
    #[error("text that is not UTF-8")]
    Utf8,
    #[error("a message larger than allowed")]
    TooLarge,
}

impl Violation {
    /// What the client is told (section 7.4.1).
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Malformed => 1002,
            Self::Utf8 => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// What a client has said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Message(Bytes, bool),
    Ping(Bytes),
    Pong,
    Close(Option<u16>),
}

/// What has come and is not a message yet.
#[derive(Debug)]
pub(super) struct Inbound {
    limit: usize,
    held: BytesMut,
    /// Whether frames were taken out of the memory that holds these bytes.
    shared: bool,
    /// The frames of a message so far, and whether it is bytes.
    fragments: Option<Box<(BytesMut, bool)>>,
}

impl Inbound {
    /// A message has at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: BytesMut::new(),
            shared: false,
            fragments: None,
        }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Forgets what has come.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.held.len() + self.fragments.as_ref().map_or(0, |fragments| fragments.0.len())
    }

    /// The next thing, if all of it has come.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Violation> {
        loop {
            let Some((header, mut body)) = self.frame()? else {
                return Ok(None);
            };
            let mask = header.mask.ok_or(Violation::Malformed)?;
            unmask(&mut body, mask);
            if let Some(item) = self.item(&header, body)? {
                return Ok(Some(item));
            }
        }
    }

    /// The next frame, still masked.
    fn frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, Violation> {
        let mut cursor = Cursor::new(&self.held[..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Malformed)?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        let start = cursor.position() as usize;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Malformed);
        }
        if matches!(header.opcode, OpCode::Control(_)) && (length > MAX_CONTROL || !header.is_final) {
            return Err(Violation::Malformed);
        }
        let so_far = self.fragments.as_ref().map_or(0, |fragments| fragments.0.len());
        if length > (self.limit - so_far.min(self.limit)) as u64 {
            return Err(Violation::TooLarge);
        }
        let length = length as usize;
        if self.held.len() < start + length {
            return Ok(None);
        }
        let mut body = self.held.split_to(start + length).split_off(start);
        let is_alone = self.held.is_empty() && !self.shared;
        if !is_alone && length <= COPIED {
            body = BytesMut::from(&body[..]);
            self.shared = true;
        } else {
            // The message takes its memory along; what came after it gets some of its own.
            self.held = BytesMut::from(&self.held[..]);
            self.shared = false;
        }
        if self.held.is_empty() {
            self.held = BytesMut::new();
            self.shared = false;
        }
        Ok(Some((header, body)))
    }

    fn item(&mut self, header: &FrameHeader, body: BytesMut) -> Result<Option<Item>, Violation> {
        match header.opcode {
            OpCode::Control(Control::Ping) => Ok(Some(Item::Ping(body.freeze()))),
            OpCode::Control(Control::Pong) => Ok(Some(Item::Pong)),
            OpCode::Control(Control::Close) => Ok(Some(Item::Close(close_code(&body)?))),
            OpCode::Data(Data::Text | Data::Binary) if self.fragments.is_none() => {
                let binary = header.opcode == OpCode::Data(Data::Binary);
                if header.is_final {
                    return message(body, binary).map(Some);
                }
                self.fragments = Some(Box::new((body, binary)));
                Ok(None)
            }
            OpCode::Data(Data::Continue) => {
                let fragments = self.fragments.as_mut().ok_or(Violation::Malformed)?;
                fragments.0.extend_from_slice(&body);
                if !header.is_final {
                    return Ok(None);
                }
                let whole = self.fragments.take().ok_or(Violation::Malformed)?;
                message(whole.0, whole.1).map(Some)
            }
            OpCode::Data(_) | OpCode::Control(_) => Err(Violation::Malformed),
        }
    }
}

fn message(body: BytesMut, binary: bool) -> Result<Item, Violation> {
    if !binary && std::str::from_utf8(&body).is_err() {
        return Err(Violation::Utf8);
    }
    Ok(Item::Message(body.freeze(), binary))
}

/// The status of a close, if it has one that may be sent (section 7.4).
fn close_code(body: &[u8]) -> Result<Option<u16>, Violation> {
    match body {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if may_be_sent && std::str::from_utf8(reason).is_ok() {
                Ok(Some(code))
            } else {
                Err(Violation::Malformed)
            }
        }
        [_] => Err(Violation::Malformed),
    }
}

/// Takes the mask off (section 5.3).
fn unmask(body: &mut [u8], mask: [u8; 4]) {
    let mut chunks = body.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}
