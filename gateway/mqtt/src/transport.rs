//! What carries a connection's bytes: a plain socket, or something on top of one.
//!
//! Nothing here waits but [`Transport::readable`] and [`Transport::writable`], which both may be dropped at any time;
//! the others do what can be done now, as a non-blocking socket does.

use std::future::poll_fn;
use std::io::{self, Read};
use std::net::Shutdown;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::tls::TlsStream;
use crate::websocket::WebSocket;

/// What carries a connection's bytes.
///
/// The plain socket lies in place and costs a match that the processor predicts; whatever needs room of its own is
/// boxed, so that ten thousand plain connections do not pay for it.
#[derive(Debug)]
pub(crate) enum Transport {
    /// A plain TCP connection.
    Tcp(TcpStream),
    /// TLS, its handshake done.
    Tls(Box<TlsStream>),
    /// WebSocket, its upgrade done.
    WebSocket(Box<WebSocket>),
}

impl Transport {
    /// Waits until reading may give something. May be wrong: reading then says [`io::ErrorKind::WouldBlock`].
    ///
    /// A connection has one task, so the one waker that the socket keeps for each direction is enough; the future then
    /// is one pointer where the socket's own has a place in a list of wakers.
    pub(crate) fn readable(&self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|context| self.poll_readable(context))
    }

    /// Waits until writing may take something.
    pub(crate) fn writable(&self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|context| self.poll_writable(context))
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Tls(stream) => stream.poll_readable(context),
            Self::WebSocket(stream) => stream.poll_readable(context),
        }
    }

    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(context),
            Self::Tls(stream) => stream.poll_writable(context),
            Self::WebSocket(stream) => stream.poll_writable(context),
        }
    }

    /// Reads what is there; 0 bytes are the end.
    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => read_all(stream, buffer),
            Self::Tls(stream) => stream.try_read(buffer),
            Self::WebSocket(stream) => stream.try_read(buffer),
        }
    }

    /// Takes what can be taken now. What was taken may still have to leave: [`Self::has_unsent`].
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Tls(stream) => stream.try_write(bytes),
            Self::WebSocket(stream) => stream.try_write(bytes),
        }
    }

    /// Sends what was taken and did not leave yet. Reading does so too, so that only a last word has to call it.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Tls(stream) => stream.try_flush(),
            Self::WebSocket(stream) => stream.try_flush(),
        }
    }

    /// Whether bytes that were taken have not left yet.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(stream) => stream.has_unsent(),
            Self::WebSocket(stream) => stream.has_unsent(),
        }
    }

    /// Bytes of answers that a WebSocket has taken and that have not left yet. What TLS keeps is not among them: it is
    /// bounded by its own buffers.
    pub(crate) fn unsent_bytes(&self) -> usize {
        match self {
            Self::Tcp(_) | Self::Tls(_) => 0,
            Self::WebSocket(stream) => stream.unsent_bytes(),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => SockRef::from(&*stream).shutdown(Shutdown::Write),
            Self::Tls(stream) => stream.finish(),
            Self::WebSocket(stream) => stream.finish(),
        }
    }

    /// The TCP connection underneath.
    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.socket(),
            Self::WebSocket(stream) => stream.socket(),
        }
    }

    /// The name that the client has proven by a certificate.
    pub(crate) fn peer_name(&self) -> Option<String> {
        match self {
            Self::Tcp(_) => None,
            Self::Tls(stream) => stream.peer_name(),
            Self::WebSocket(stream) => stream.peer_name(),
        }
    }

    /// Reads and throws away what still comes after [`Self::finish`]; 0 bytes are the end.
    pub(crate) fn try_drain(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(scratch),
            Self::Tls(stream) => stream.try_drain(scratch),
            Self::WebSocket(stream) => stream.try_drain(scratch),
        }
    }
}

/// Reads what is there. If that is less than there is room for, nothing more is there, and the runtime is told at once:
/// else everybody who waits for more would read a second time in vain.
fn read_all(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    let outcome = stream.try_io(Interest::READABLE, || {
        count = (&*SockRef::from(stream)).read(buffer)?;
        if (1..buffer.len()).contains(&count) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    });
    match outcome {
        Err(error) if count == 0 => Err(error),
        _ => Ok(count),
    }
}

impl From<TcpStream> for Transport {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}
