//! Frames (RFC 6455 section 5): what a client may send, taken apart as it comes, and what it is sent.
//!
//! MQTT does not care where a frame ends, so nothing is put together here: the decoder removes headers and masks in
//! place and keeps no more than a header's worth of bytes between two reads.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// Longest header: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;
/// Most bytes of a ping, a pong or a close (section 5.5).
const MAX_CONTROL: u64 = 125;

/// Kind of a frame (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// Why a client is hung up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("MQTT is sent in binary frames, not in text")]
    Text,
    #[error("a client's frames are masked")]
    Unmasked,
    #[error("a frame against RFC 6455")]
    Malformed,
    #[error("a message larger than the largest packet")]
    TooLarge,
}

impl Violation {
    /// What the client is told (section 7.4.1).
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Unmasked | Self::Malformed => 1002,
            Self::Text => 1003,
            Self::TooLarge => 1009,
        }
    }
}

/// What was found in the bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// How many bytes of MQTT now stand at the beginning of the buffer.
    pub(super) bytes: usize,
    /// Whether the client has closed.
    pub(super) closed: bool,
}

/// A header that is complete.
#[derive(Debug, Clone, Copy)]
struct Header {
    last: bool,
    opcode: Opcode,
    length: u64,
    mask: [u8; 4],
}

/// Takes frames apart. Between two reads it holds the part of a header or of a control frame that has come.
#[derive(Debug)]
pub(super) struct Decoder {
    limit: u64,
    /// The beginning of a header, or the payload of a ping.
    held: Vec<u8>,
    /// The frame that is under way, with what is left of it.
    frame: Option<(Header, u64)>,
    /// Bytes of the message that is under way; `None` between messages.
    message: Option<u64>,
}

impl Decoder {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            held: Vec::new(),
            frame: None,
            message: None,
        }
    }

    /// Takes apart what has come, in place; answers to pings and to a close go to `answers`.
    pub(super) fn decode(&mut self, buffer: &mut [u8], answers: &mut BytesMut) -> Result<Decoded, Violation> {
        let (mut from, mut to) = (0, 0);
        loop {
            let (header, left) = match self.frame {
                Some(frame) => frame,
                None => match self.header(buffer, &mut from)? {
                    None => {
                        return Ok(Decoded {
                            bytes: to,
                            closed: false,
                        });
                    }
                    Some(header) => {
                        self.begin(header)?;
                        (header, header.length)
                    }
                },
            };
            let count = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(buffer.len() - from);
            let taken = &mut buffer[from..from + count];
            unmask(taken, header.mask, header.length - left);
            let left = left - count as u64;
            if header.opcode as u8 >= Opcode::Close as u8 {
                self.held.extend_from_slice(taken);
            } else {
                buffer.copy_within(from..from + count, to);
                to += count;
            }
            from += count;
            if left > 0 {
                self.frame = Some((header, left));
                return Ok(Decoded {
                    bytes: to,
                    closed: false,
                });
            }
            self.frame = None;
            if self.end(header, answers)? {
                return Ok(Decoded {
                    bytes: to,
                    closed: true,
                });
            }
        }
    }

    /// The next header, once all of it has come.
    fn header(&mut self, buffer: &[u8], from: &mut usize) -> Result<Option<Header>, Violation> {
        loop {
            if let Some(header) = parse(&self.held)? {
                self.held = Vec::new();
                return Ok(Some(header));
            }
            let Some(byte) = buffer.get(*from) else {
                return Ok(None);
            };
            debug_assert!(self.held.len() < MAX_HEADER);
            self.held.push(*byte);
            *from += 1;
        }
    }

    /// Whether such a frame may come now.
    fn begin(&mut self, header: Header) -> Result<(), Violation> {
        let so_far = match (header.opcode, self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Binary, None) => 0,
            (Opcode::Continuation, Some(bytes)) => bytes,
            (Opcode::Binary | Opcode::Continuation, _) => return Err(Violation::Malformed),
        };
        let bytes = so_far.saturating_add(header.length);
        if bytes > self.limit {
            return Err(Violation::TooLarge);
        }
        self.message = Some(bytes);
        Ok(())
    }

    /// A frame is complete. Says whether it was the close.
    fn end(&mut self, header: Header, answers: &mut BytesMut) -> Result<bool, Violation> {
        match header.opcode {
            Opcode::Binary | Opcode::Continuation if header.last => self.message = None,
            Opcode::Binary | Opcode::Continuation => {}
            Opcode::Ping => put_frame(answers, Opcode::Pong, &self.held),
            Opcode::Pong => {}
            Opcode::Close if self.held.len() == 1 => return Err(Violation::Malformed),
            // The status comes back (section 5.5.1).
            Opcode::Close => put_frame(answers, Opcode::Close, &self.held[..self.held.len().min(2)]),
        }
        self.held = Vec::new();
        Ok(header.opcode == Opcode::Close)
    }
}

/// A header, if all of it is here. Every rule is checked as soon as its byte has come.
fn parse(bytes: &[u8]) -> Result<Option<Header>, Violation> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    let (last, reserved) = (first & 0x80 != 0, first & 0x70);
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => return Err(Violation::Text),
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(Violation::Malformed),
    };
    if reserved != 0 {
        return Err(Violation::Malformed);
    }
    let Some(second) = bytes.get(1) else {
        return Ok(None);
    };
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    let (digits, smallest) = match second & 0x7f {
        126 => (2, 126),
        127 => (8, 1 << 16),
        _ => (0, 0),
    };
    let is_control = opcode as u8 >= Opcode::Close as u8;
    if is_control && (!last || digits > 0) {
        return Err(Violation::Malformed);
    }
    let Some(extended) = bytes.get(2..2 + digits) else {
        return Ok(None);
    };
    let length = match digits {
        0 => u64::from(second & 0x7f),
        _ => extended
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    // The shortest form that holds the length, of at most 63 bits.
    if length < smallest || length >> 63 != 0 {
        return Err(Violation::Malformed);
    }
    debug_assert!(!is_control || length <= MAX_CONTROL);
    let Some(mask) = bytes.get(2 + digits..2 + digits + 4) else {
        return Ok(None);
    };
    let mask = [mask[0], mask[1], mask[2], mask[3]];
    Ok(Some(Header {
        last,
        opcode,
        length,
        mask,
    }))
}

/// Undoes the mask of bytes that stand `done` bytes into their payload (section 5.3).
fn unmask(bytes: &mut [u8], mask: [u8; 4], done: u64) {
    let begin = (done % 4) as usize;
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= mask[(begin + index) % 4];
    }
}

/// Writes a frame of the server's: complete, not masked.
pub(super) fn put_frame(out: &mut BytesMut, opcode: Opcode, payload: &[u8]) {
    out.reserve(payload.len() + MAX_HEADER);
    out.put_u8(0x80 | opcode as u8);
    match payload.len() {
        length @ 0..=125 => out.put_u8(length as u8),
        length @ 126..=0xffff => {
            out.put_u8(126);
            out.put_u16(length as u16);
        }
        length => {
            out.put_u8(127);
            out.put_u64(length as u64);
        }
    }
    out.put_slice(payload);
}

#[cfg(test)]
mod tests;
