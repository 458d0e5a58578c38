//! A TLS connection on a socket, without a buffer of its own while nothing is under way.
//!
//! The session is rustls's unbuffered one: ciphertext, plaintext and answers lie in buffers that are given back as soon
//! as they are empty, since ten thousand connections are idle most of the time.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::name::name_of;

/// Ciphertext that may wait for the rest of its record or of a handshake message (a chain of certificates). rustls
/// sets the same limit for its buffered connections.
const MAX_INCOMING: usize = 64 << 10;
/// Plaintext that is encrypted at a time: one record (RFC 8446 section 5.1).
const RECORD_BYTES: usize = 16 << 10;
/// What encryption adds to a record, at most (RFC 8446 section 5.2: 5 bytes of header and 256 of expansion).
const RECORD_OVERHEAD: usize = 5 + 256;

/// A TLS connection on a socket.
pub(crate) struct TlsStream {
    socket: TcpStream,
    session: UnbufferedServerConnection,
    /// Ciphertext that is not a whole record yet.
    incoming: BytesMut,
    /// Plaintext that nobody has taken yet.
    plain: BytesMut,
    /// Ciphertext that the socket has not taken yet.
    unsent: BytesMut,
    /// The other side will send nothing more.
    ended: bool,
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl TlsStream {
    /// A connection whose client has said nothing yet.
    pub(super) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let session = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self {
            socket,
            session,
            incoming: BytesMut::new(),
            plain: BytesMut::new(),
            unsent: BytesMut::new(),
            ended: false,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Whether the other side will send nothing more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The name in the client's certificate, if it has shown one that was verified.
    pub(crate) fn peer_name(&self) -> Option<String> {
        self.session
            .peer_certificates()?
            .first()
            .and_then(|certificate| name_of(certificate))
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.plain.is_empty() || self.ended {
            return Poll::Ready(Ok(()));
        }
        // Reading sends what is left of an answer; without this nobody might.
        if self.has_unsent() && self.socket.poll_write_ready(context)?.is_ready() {
            return Poll::Ready(Ok(()));
        }
        self.socket.poll_read_ready(context)
    }

    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_write_ready(context))?;
        Poll::Ready(Ok(()))
    }

    /// Takes in what the socket has, and answers what the protocol wants answered. `scratch` is room to read into.
    pub(super) fn take_in(&mut self, scratch: &mut [u8]) -> io::Result<()> {
        match self.socket.try_read(scratch) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.incoming.extend_from_slice(&scratch[..count]);
                let processed = self.process(&[]);
                // An alert says to the other side what was wrong.
                self.try_flush()?;
                processed?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_flush()?;
        if self.plain.is_empty() && !self.ended {
            self.take_in(buffer)?;
        }
        if self.plain.is_empty() {
            return if self.ended {
                Ok(0)
            } else {
                Err(ErrorKind::WouldBlock.into())
            };
        }
        let count = self.plain.len().min(buffer.len());
        self.plain.copy_to_slice(&mut buffer[..count]);
        if self.plain.is_empty() {
            self.plain = BytesMut::new();
        }
        Ok(count)
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_flush()?;
        if self.has_unsent() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.process(&bytes[..bytes.len().min(RECORD_BYTES)])?;
        if count == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.try_flush()?;
        Ok(count)
    }

    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        while self.has_unsent() {
            match self.socket.try_write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.unsent.advance(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.unsent = BytesMut::new();
        Ok(())
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let status = self.session.process_tls_records(&mut []);
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state {
            encode(&mut self.unsent, RECORD_OVERHEAD, |room| {
                traffic.queue_close_notify(room).map_err(missing)
            })?;
        }
        self.try_flush()?;
        SockRef::from(&self.socket).shutdown(Shutdown::Write)
    }

    pub(crate) fn try_drain(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        self.socket.try_read(scratch)
    }

    /// Lets the session work through what has come in, and encrypt `bytes` once it may. Returns how many it took.
    fn process(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut failed = None;
        let mut taken = 0;
        loop {
            let status = self.session.process_tls_records(&mut self.incoming);
            let (mut discard, mut done) = (status.discard, false);
            match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(invalid)?;
                        discard += record.discard;
                        self.plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut self.unsent, RECORD_OVERHEAD, |room| {
                        data.encode(room).map_err(|error| match error {
                            EncodeError::InsufficientSize(size) => Room::Missing(size),
                            EncodeError::AlreadyEncoded => Room::Failed,
                        })
                    })?;
                }
                // Sent or about to be: it lies in a buffer of ours.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    if !bytes.is_empty() {
                        encode(&mut self.unsent, bytes.len() + RECORD_OVERHEAD, |room| {
                            traffic.encrypt(bytes, room).map_err(missing)
                        })?;
                        taken = bytes.len();
                    }
                    done = true;
                }
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(ConnectionState::Closed) => {
                    self.ended = true;
                    done = true;
                }
                Ok(ConnectionState::BlockedHandshake) => done = true,
                Ok(_) => return Err(invalid("early data was never offered")),
                Err(error) if failed.is_none() => failed = Some(error),
                Err(_) => done = true,
            }
            self.incoming.advance(discard);
            if failed.is_some() {
                // What is left is an alert to be said. Nothing that came must be looked at again.
                self.incoming.clear();
            }
            if done {
                break;
            }
        }
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
        }
        match failed {
            Some(error) => Err(invalid(error)),
            None if self.incoming.len() > MAX_INCOMING => Err(invalid("a handshake of more than 64 kB")),
            None => Ok(taken),
        }
    }
}

/// What can be wrong with room that was offered.
enum Room {
    Missing(InsufficientSizeError),
    Failed,
}

fn missing(error: EncryptError) -> Room {
    match error {
        EncryptError::InsufficientSize(size) => Room::Missing(size),
        EncryptError::EncryptExhausted => Room::Failed,
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// Appends to `out` what `write` puts into the room that it is given, and gives it more if it asks for more.
fn encode(
    out: &mut BytesMut,
    expected: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Room>,
) -> io::Result<()> {
    let begin = out.len();
    let mut room = expected;
    loop {
        out.resize(begin + room, 0);
        match write(&mut out[begin..]) {
            Ok(count) => {
                out.truncate(begin + count);
                return Ok(());
            }
            Err(Room::Missing(InsufficientSizeError { required_size })) if required_size > room => {
                room = required_size;
            }
            Err(_) => {
                out.truncate(begin);
                return Err(invalid("the session can't be written to"));
            }
        }
    }
}
