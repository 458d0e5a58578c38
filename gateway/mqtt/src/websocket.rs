//! MQTT over WebSocket (OASIS MQTT 5.0 section 6): binary frames are a stream of bytes, whatever their borders.
//!
//! The upgrade is somebody else's: whoever listens for HTTP hands over the socket once the client speaks frames.

mod door;
mod frame;

use std::io::{self, ErrorKind};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::TcpStream;

pub use door::WebSocketDoor;
use frame::{Decoder, Opcode, put_frame};

use crate::transport::Transport;

/// Answers to pings that may wait to be sent before nothing more is read.
const MAX_ANSWERS: usize = 1 << 10;
/// Bytes of a message: what the largest packet of MQTT has (OASIS MQTT 5.0 section 2.1.4). Nothing is kept of a message
/// but the packet that is under way, and one that is too large for the gateway is refused by name, as everywhere.
const MAX_MESSAGE: u64 = 268_435_460;
/// Status 1000, "normal closure" (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

/// A WebSocket on another transport.
#[derive(Debug)]
pub(crate) struct WebSocket {
    inner: Transport,
    decoder: Decoder,
    /// What came together with the request for the upgrade.
    early: Bytes,
    /// Frames that the transport has not taken yet.
    unsent: BytesMut,
    /// The other side will send nothing more, or nothing more of it is looked at.
    ended: bool,
}

impl WebSocket {
    /// Takes over after the upgrade. `early` is what was read of it beyond the request's head.
    pub(crate) fn new(inner: Transport, early: Bytes) -> Self {
        Self {
            inner,
            decoder: Decoder::new(MAX_MESSAGE),
            early: without_buffer(early),
            unsent: BytesMut::new(),
            ended: false,
        }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.inner.socket()
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended || !self.early.is_empty() {
            return Poll::Ready(Ok(()));
        }
        // Reading sends what is left of an answer; without this nobody might.
        if !self.unsent.is_empty() && self.inner.poll_writable(context)?.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if self.unsent.len() > MAX_ANSWERS {
            return Poll::Pending;
        }
        self.inner.poll_readable(context)
    }

    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_writable(context)
    }

    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_flush()?;
        if self.ended {
            return Ok(0);
        }
        if self.unsent.len() > MAX_ANSWERS {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = if self.early.is_empty() {
            self.inner.try_read(buffer)?
        } else {
            let count = self.early.len().min(buffer.len());
            self.early.copy_to_slice(&mut buffer[..count]);
            self.early = without_buffer(std::mem::take(&mut self.early));
            count
        };
        if count == 0 {
            self.ended = true;
            return Ok(0);
        }
        match self.decoder.decode(&mut buffer[..count], &mut self.unsent) {
            Ok(decoded) => {
                self.ended = decoded.closed;
                self.try_flush()?;
                match decoded.bytes {
                    0 if !self.ended => Err(ErrorKind::WouldBlock.into()),
                    bytes => Ok(bytes),
                }
            }
            Err(violation) => {
                put_frame(&mut self.unsent, Opcode::Close, &violation.status().to_be_bytes());
                self.ended = true;
                self.try_flush()?;
                Err(io::Error::new(ErrorKind::InvalidData, violation))
            }
        }
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_flush()?;
        if !self.unsent.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        put_frame(&mut self.unsent, Opcode::Binary, bytes);
        self.try_flush()?;
        Ok(bytes.len())
    }

    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.inner.try_write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.unsent.advance(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.unsent = BytesMut::new();
        self.inner.try_flush()
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || self.inner.has_unsent()
    }

    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent.len()
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if !self.ended {
            put_frame(&mut self.unsent, Opcode::Close, &NORMAL.to_be_bytes());
            self.try_flush()?;
        }
        self.inner.finish()
    }

    pub(crate) fn try_drain(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        self.inner.try_drain(scratch)
    }

    pub(crate) fn peer_name(&self) -> Option<String> {
        self.inner.peer_name()
    }
}

/// Bytes that are none must not keep the buffer that they were part of.
fn without_buffer(bytes: Bytes) -> Bytes {
    if bytes.is_empty() { Bytes::new() } else { bytes }
}
