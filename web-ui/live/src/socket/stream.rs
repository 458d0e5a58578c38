//! The bytes below a WebSocket: the TCP stream itself where that can be had, so that nothing of HTTP is left in memory,
//! or else whatever was upgraded.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::inbound::Inbound;

/// Bytes read at once, into memory of the stack.
const READ: usize = 16 * 1024;

/// The bytes below a WebSocket.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(OwnedReadHalf),
    Other(Box<TokioIo<Upgraded>>),
}

impl Stream {
    /// The stream below an upgraded connection; what others may write to, if that is possible; and a copy of what was
    /// read already: the original, however empty, keeps alive the 8 KiB that hyper read it into.
    pub(super) fn new(upgraded: Upgraded) -> (Self, Option<OwnedWriteHalf>, Vec<u8>) {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let (reading, writing) = parts.io.into_inner().into_split();
                (Self::Tcp(reading), Some(writing), parts.read_buf.to_vec())
            }
            Err(upgraded) => (Self::Other(Box::new(TokioIo::new(upgraded))), None, Vec::new()),
        }
    }

    /// Reads what there is. Returns how much it was; 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        into: &mut Inbound,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        ready!(match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(context, &mut buffer),
        })?;
        into.extend(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes what it takes of these. Returns how many bytes that was.
    pub(super) fn poll_write(
        &mut self,
        from: &[IoSlice<'_>],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                let stream: &TcpStream = (*stream).as_ref();
                ready!(stream.poll_write_ready(context))?;
                match stream.try_write_vectored(from) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return Poll::Ready(done),
                }
            },
            Self::Other(stream) => Pin::new(stream).poll_write_vectored(context, from),
        }
    }

    /// Sees to it that what was written goes out.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            // A TCP stream holds nothing back.
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Other(stream) => Pin::new(stream).poll_flush(context),
        }
    }
}
