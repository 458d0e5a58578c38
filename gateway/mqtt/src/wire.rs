//! A transport with what was read of a packet and what was not sent yet.
//!
//! Memory is what counts here, ten thousand times over: bytes are read into a buffer that all connections of a thread
//! share, and a connection owns a buffer only while half a packet or an unsent answer lies in it.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tracing::debug;

use crate::broker::Broker;
use crate::codec::{self, CodecError, Reason};
use crate::limits::FREE_BUFFER_BYTES;
use crate::probe::Probe;
use crate::session::Close;
use crate::stats::BrokerStats;
use crate::transport::Transport;

/// Bytes read at a time.
const READ_BYTES: usize = 16 << 10;
/// Bytes that wait to be sent before no more are made; also the size of a batched write.
pub(crate) const WRITE_BYTES: usize = 64 << 10;
/// Bytes of a client that is being hung up on that are read and thrown away.
const LINGER_BYTES: usize = 1 << 20;
/// How long a last word (a refusal, a reason) may take to be sent.
const LAST_WORD: Duration = Duration::from_secs(2);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
    /// A buffer for answers that is not in use. A connection takes it to make a batch, and gives it back when all of it
    /// has been sent, which is the rule.
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// Whether the packets that follow may be handled at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// They may.
    AtOnce,
    /// They have to wait: somebody can't keep up.
    Later,
    /// This one has to wait, too, and is handled again.
    Again,
}

/// What came of a packet.
pub(crate) type Handled = Result<Next, Close>;

/// Lends the thread's room to read into. What comes is copied out of it before anybody waits again.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| work(scratch))
}

/// A transport with what was read of a packet and what was not sent yet.
pub(crate) struct Wire {
    pub(crate) stream: Transport,
    read: BytesMut,
    pub(crate) out: BytesMut,
    pub(crate) broker: Arc<Broker>,
    /// The last read filled all the room there was.
    more: bool,
    /// Bytes of this connection in the sum of all that wait in buffers.
    counted: usize,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.broker.count_buffered(self.counted, 0);
    }
}

impl Wire {
    pub(crate) fn new(broker: Arc<Broker>, stream: Transport) -> Self {
        Self {
            stream,
            read: BytesMut::new(),
            out: BytesMut::new(),
            broker,
            more: false,
            counted: 0,
        }
    }

    /// Takes a buffer for a batch of answers, if none is left of the last one.
    pub(crate) fn begin_batch(&mut self) {
        if self.out.capacity() == 0
            && let Some(spare) = SPARE.take()
        {
            self.out = spare;
        }
    }

    /// Counts what waits in the buffers among what waits in those of all connections. When all together hold more than
    /// the limit, whoever comes with more than its share has to go: a packet that is never finished, or answers that
    /// are never read, must not take the memory of others.
    pub(crate) fn count_buffers(&mut self) -> Result<(), Close> {
        let now = self.read.len() + self.out.len() + self.stream.unsent_bytes();
        if now == self.counted {
            return Ok(());
        }
        let all = self.broker.count_buffered(self.counted, now);
        let grows = now > self.counted;
        self.counted = now;
        let limit = self.broker.limits().buffer_bytes;
        if grows && all > limit && now > FREE_BUFFER_BYTES {
            let here = BrokerStats::get(&self.broker.stats().connected).max(1);
            let share = limit / usize::try_from(here).unwrap_or(usize::MAX);
            if now > share {
                return Err(Close::Because(Reason::QuotaExceeded));
            }
        }
        Ok(())
    }

    /// Reads what is there and hands every complete packet to `handle`, until `enough` answers wait or one packet ends
    /// the connection. What is left over stays here. `Ok(false)` if there was nothing to read.
    pub(crate) fn read_frames(
        &mut self,
        limit: usize,
        mut handle: impl FnMut(&[u8], &mut BytesMut) -> Handled,
    ) -> Result<bool, CloseOr<CodecError>> {
        let Self {
            stream,
            read,
            out,
            broker,
            more,
            ..
        } = self;
        SCRATCH.with_borrow_mut(|scratch| {
            let count = match stream.try_read(scratch) {
                Ok(0) => return Err(CloseOr::Close(Close::Lost)),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(CloseOr::Close(lost(broker, &error))),
            };
            BrokerStats::add(&broker.stats().bytes_in, count as u64);
            *more = count == scratch.len();
            if !read.is_empty() {
                read.extend_from_slice(&scratch[..count]);
                return Ok(true);
            }
            // Most packets come whole, and are handled where they were read.
            let used = frames(&scratch[..count], limit, out, &mut handle);
            let (used, result) = used;
            read.extend_from_slice(&scratch[used..count]);
            result.map(|()| true)
        })
    }

    /// Whether there is probably more to read than was read at a time. Asked once, it is over.
    pub(crate) fn take_more(&mut self) -> bool {
        std::mem::take(&mut self.more)
    }

    /// Hands every complete packet of what was left over to `handle`.
    pub(crate) fn kept_frames(
        &mut self,
        limit: usize,
        mut handle: impl FnMut(&[u8], &mut BytesMut) -> Handled,
    ) -> Result<(), CloseOr<CodecError>> {
        if self.read.is_empty() {
            return Ok(());
        }
        let (used, result) = frames(&self.read, limit, &mut self.out, &mut handle);
        self.read.advance(used);
        if self.read.is_empty() {
            self.read = BytesMut::new();
        }
        result
    }

    /// Reads what is there. `Ok(false)` if there was nothing after all.
    pub(crate) fn try_read(&mut self) -> Result<bool, Close> {
        let Self {
            stream, read, broker, ..
        } = self;
        with_scratch(|scratch| match stream.try_read(scratch) {
            Ok(0) => Err(Close::Lost),
            Ok(count) => {
                read.extend_from_slice(&scratch[..count]);
                BrokerStats::add(&broker.stats().bytes_in, count as u64);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(lost(broker, &error)),
        })
    }

    /// Has the kernel watch the client this closely. A kernel that can't leaves it to the other ways of finding out.
    pub(crate) fn probe(&self, probe: Probe) {
        if let Err(error) = probe.apply(self.stream.socket()) {
            debug!(%error, ?probe, "a connection can't be probed");
        }
    }

    /// The next complete packet of what was read, as bytes.
    pub(crate) fn next_frame(&mut self, limit: usize) -> Result<Option<BytesMut>, CodecError> {
        match codec::frame(&self.read, limit)? {
            None => Ok(None),
            Some(length) if length == self.read.len() => Ok(Some(std::mem::take(&mut self.read))),
            Some(length) => Ok(Some(self.read.split_to(length))),
        }
    }

    /// Whether a complete packet, or something that is none, waits to be handled.
    pub(crate) fn has_frame(&self) -> bool {
        !matches!(
            codec::frame(&self.read, self.broker.limits().packet_bytes),
            Ok(None)
        )
    }

    /// Sends as much as the transport takes now.
    pub(crate) fn try_write(&mut self) -> Result<(), Close> {
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(0) => return Err(Close::Lost),
                Ok(count) => {
                    BrokerStats::add(&self.broker.stats().bytes_out, count as u64);
                    if count == self.out.len() {
                        self.out.clear();
                    } else {
                        self.out.advance(count);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(lost(&self.broker, &error)),
            }
        }
        // Gives the memory back: most connections have nothing to say most of the time.
        let spare = std::mem::take(&mut self.out);
        if (1..=2 * WRITE_BYTES).contains(&spare.capacity()) {
            SPARE.set(Some(spare));
        }
        Ok(())
    }

    /// Sends what is left, and waits for it, though not for long.
    pub(crate) async fn last_word(&mut self) {
        let sending = async {
            while self.try_write().is_ok() && (!self.out.is_empty() || self.stream.has_unsent()) {
                if self.stream.writable().await.is_err() || self.stream.try_flush().is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORD, sending).await;
    }

    /// Closes so that the last word is read: a socket that is closed while unread bytes lie in it resets the
    /// connection, and the client throws away what it had received.
    pub(crate) async fn linger(mut self) {
        if self.stream.finish().is_err() {
            return;
        }
        let draining = async {
            let mut left = LINGER_BYTES;
            while left > 0 && self.stream.readable().await.is_ok() {
                let read = with_scratch(|scratch| self.stream.try_drain(scratch));
                match read {
                    Ok(0) => return,
                    Ok(count) => left = left.saturating_sub(count),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORD, draining).await;
    }
}

/// The end of a connection whose socket has failed.
fn lost(broker: &Broker, error: &io::Error) -> Close {
    // A neighbour that does not even answer to its address is "unreachable" in the end.
    if matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable
    ) {
        BrokerStats::count(&broker.stats().vanished);
    }
    Close::Lost
}

/// Either the end of a connection, or what leads to it.
#[derive(Debug)]
pub(crate) enum CloseOr<E> {
    Close(Close),
    Error(E),
}

/// Hands the complete packets at the beginning of `bytes` to `handle`. Returns how many bytes that were.
pub(crate) fn frames(
    bytes: &[u8],
    limit: usize,
    out: &mut BytesMut,
    handle: &mut impl FnMut(&[u8], &mut BytesMut) -> Handled,
) -> (usize, Result<(), CloseOr<CodecError>>) {
    let mut used = 0;
    while out.len() < WRITE_BYTES {
        match codec::frame(&bytes[used..], limit) {
            Ok(None) => break,
            Ok(Some(length)) => {
                let end = used + length;
                match handle(&bytes[used..end], out) {
                    Ok(Next::AtOnce) => used = end,
                    Ok(Next::Later) => return (end, Ok(())),
                    Ok(Next::Again) => break,
                    Err(close) => return (end, Err(CloseOr::Close(close))),
                }
            }
            Err(error) => return (used, Err(CloseOr::Error(error))),
        }
    }
    (used, Ok(()))
}
