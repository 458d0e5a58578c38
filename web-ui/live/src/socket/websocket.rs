//! The task of one WebSocket: it reads the client's messages and hands them on, and writes what waits for the client.

mod account;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use roost_runtime::Shutdown;
use smallvec::SmallVec;
use tokio::time::{Instant, Sleep};
use tracing::debug;

use super::connection::Connection;
use super::dispatch::Desk;
use super::inbound::{Inbound, Item};
use super::outbound::{Departure, End};
use super::stream::Stream;
use crate::endpoint::RESTART;
use crate::frame::Wire;
use account::FREE;

/// How long the other side may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(3);
/// Messages that are written with one call.
const BATCH: usize = 16;
/// Bytes after which no more messages are added to those: they count no longer as waiting.
const BATCH_BYTES: usize = 16 * 1024;
/// Status for a frame that is no message (RFC 6455 section 7.4.1: "unexpected condition").
const UNEXPECTED: u16 = 1011;
/// Status for a client that was silent for too long, as the server of Phoenix says it.
const SILENT: u16 = 1002;

/// Opcodes of control frames (RFC 6455 section 5.5).
const CLOSE: u8 = 8;
const PONG: u8 = 10;

/// What the task has to see to.
enum Step {
    Message(Bytes, bool),
    /// The client closes.
    Closing(Option<u16>),
    End(End),
    Gone,
}

/// A WebSocket at work.
struct Line {
    stream: Stream,
    inbound: Inbound,
    /// Bytes of the inbound that count against the endpoint's.
    charged: usize,
    unsent: SmallVec<[Wire; 1]>,
    /// Bytes of those if the client does not take them and they are many.
    stays: usize,
    /// Bytes of those that count against the endpoint's; what others hold too counts there already.
    owed: usize,
    flushed: bool,
    heard: Instant,
    /// Since when the client has taken nothing of what is written.
    stuck: Option<Instant>,
    /// There is room for the rest of a long message.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    connection: Arc<Connection>,
}

/// Serves a WebSocket until it ends.
pub(super) async fn serve(stream: Stream, early: Vec<u8>, connection: Arc<Connection>, shutdown: Shutdown) {
    let limits = connection.hub().limits;
    let mut line = Line {
        stream,
        inbound: Inbound::new(limits.message_bytes),
        charged: 0,
        unsent: SmallVec::new(),
        stays: 0,
        owed: 0,
        flushed: true,
        heard: Instant::now(),
        stuck: None,
        room: None,
        connection: Arc::clone(&connection),
    };
    line.inbound.extend(&early);
    drop(early);
    let end = {
        let mut desk = Desk::new(Arc::clone(&connection));
        let timer = tokio::time::sleep_until(line.heard + limits.idle);
        tokio::pin!(timer);
        loop {
            let step = poll_fn(|context| line.poll_step(&shutdown, timer.as_mut(), context)).await;
            match step {
                Step::Message(body, binary) => {
                    let taken = tokio::select! {
                        biased;
                        taken = desk.take(body, binary) => taken,
                        end = poll_fn(|context| line.poll_busy(&shutdown, timer.as_mut(), context)) => break end,
                    };
                    if let Err(error) = taken {
                        debug!(connection = connection.number(), %error, "a connection is closed");
                        connection.close(UNEXPECTED);
                    }
                }
                Step::Closing(code) => break code.map_or(End::Close(1000), End::Close),
                Step::End(end) => break end,
                Step::Gone => break End::Cut,
            }
        }
    };
    let given_up = end == End::Overflow;
    let speaks = given_up && line.charged > 0;
    if given_up {
        // Others need the room.
        line.discard();
    }
    if let Some(code) = end.code()
        && line.prepare(code, given_up)
    {
        // A client that does not take its close is cut.
        let _ = tokio::time::timeout(CLOSE_DEADLINE, line.finish(speaks)).await;
    }
    line.discard();
    line.settle();
}

impl Line {
    /// Writes what waits, then looks for something that the client has said.
    fn poll_step(
        &mut self,
        shutdown: &Shutdown,
        timer: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<Step> {
        match self.poll_write(context) {
            Ok(None) => {}
            Ok(Some(end)) => return Poll::Ready(Step::End(end)),
            Err(_) => return Poll::Ready(Step::Gone),
        }
        if shutdown.poll_requested(context).is_ready() {
            self.connection.close(RESTART);
            return self.poll_closing(context);
        }
        loop {
            match self.inbound.next() {
                Ok(None) => {}
                Ok(Some(Item::Message(body, binary))) => {
                    self.begin_anew();
                    return Poll::Ready(Step::Message(body, binary));
                }
                Ok(Some(Item::Ping(body))) => {
                    self.connection.put(Wire::control(PONG, &body));
                    continue;
                }
                Ok(Some(Item::Pong)) => continue,
                Ok(Some(Item::Close(code))) => return Poll::Ready(Step::Closing(code)),
                Err(violation) => return Poll::Ready(Step::End(End::Close(violation.code()))),
            }
            if self.charged > 0 && self.poll_room(context).is_pending() {
                break;
            }
            match self.stream.poll_read(&mut self.inbound, context) {
                Poll::Pending => break,
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Step::Gone),
                Poll::Ready(Ok(_)) => {
                    self.heard = Instant::now();
                    self.charge();
                }
            }
        }
        self.poll_idle(true, timer, context).map(Step::End)
    }

    /// After a wish to close has been put in: nothing is read any more.
    fn poll_closing(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        match self.poll_write(context) {
            Ok(None) => Poll::Pending,
            Ok(Some(end)) => Poll::Ready(Step::End(end)),
            Err(_) => Poll::Ready(Step::Gone),
        }
    }

    /// Ready when the client was silent for too long while it was listened to, or has taken nothing for as long of what
    /// is written: it may say what it likes meanwhile.
    fn poll_idle(
        &mut self,
        listening: bool,
        mut timer: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<End> {
        let idle = self.connection.hub().limits.idle;
        while timer.as_mut().poll(context).is_ready() {
            // Set once in a while, not for each message.
            let now = Instant::now();
            let stuck = self.stuck.map(|since| since + idle);
            let silent = if listening { self.heard + idle } else { now + idle };
            if stuck.is_some_and(|due| due <= now) {
                return Poll::Ready(End::Overflow);
            }
            if silent <= now {
                return Poll::Ready(End::Close(SILENT));
            }
            timer
                .as_mut()
                .reset(stuck.map_or(silent, |stuck| stuck.min(silent)));
        }
        Poll::Pending
    }

    /// Writes while a message waits for the room in its channel. Ready when the connection ends meanwhile.
    fn poll_busy(
        &mut self,
        shutdown: &Shutdown,
        timer: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<End> {
        match self.poll_write(context) {
            Ok(Some(end)) => return Poll::Ready(end),
            Ok(None) => {}
            Err(_) => return Poll::Ready(End::Cut),
        }
        if shutdown.poll_requested(context).is_ready() {
            return Poll::Ready(End::Close(RESTART));
        }
        self.poll_idle(false, timer, context)
    }

    /// Writes what waits. Says how the connection is to end, once everything that comes before is written.
    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<Option<End>> {
        loop {
            if self.unsent.is_empty()
                && let Some(end) = self.refill(context)
            {
                return Ok(Some(end));
            }
            if self.unsent.is_empty() {
                self.settle();
                if !self.flushed && self.stream.poll_flush(context)?.is_ready() {
                    self.flushed = true;
                }
                return Ok(None);
            }
            let written = if let [only] = &self.unsent[..] {
                self.stream.poll_write(&[IoSlice::new(only.frame())], context)?
            } else {
                let slices: SmallVec<[IoSlice<'_>; BATCH]> = self
                    .unsent
                    .iter()
                    .map(|wire| IoSlice::new(wire.frame()))
                    .collect();
                self.stream.poll_write(&slices, context)?
            };
            match written {
                // While it waits, it must hear that the client is given up.
                Poll::Pending => {
                    self.stuck.get_or_insert_with(Instant::now);
                    if !self.owe() {
                        return Ok(Some(End::Overflow));
                    }
                    return Ok(self.connection.hurry(context));
                }
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.flushed = false;
                    self.stuck = None;
                    self.forget(written);
                }
            }
        }
    }

    /// Takes what waits, up to what is written at once. Says how the connection is to end if nothing does.
    fn refill(&mut self, context: &mut Context<'_>) -> Option<End> {
        let mut bytes = 0;
        while self.unsent.len() < BATCH && bytes < BATCH_BYTES {
            match self.connection.poll_departure(self.unsent.is_empty(), context) {
                Poll::Ready(Departure::Wire(wire)) => {
                    bytes += wire.frame().len();
                    self.unsent.push(wire);
                }
                Poll::Ready(Departure::End(end)) => return self.unsent.is_empty().then_some(end),
                Poll::Pending => break,
            }
        }
        None
    }

    /// So many bytes are written.
    fn forget(&mut self, mut written: usize) {
        let mut whole = 0;
        for wire in &mut self.unsent {
            let part = written.min(wire.frame().len());
            wire.advance(part);
            written -= part;
            if !wire.frame().is_empty() {
                break;
            }
            whole += 1;
        }
        if whole == self.unsent.len() {
            self.unsent = SmallVec::new();
        } else {
            self.unsent.drain(..whole);
        }
    }

    /// Puts together the good-bye: the half-written message and a close. Whether there is to be one: the rest of a long
    /// message is not kept for a client that is given up.
    fn prepare(&mut self, code: u16, given_up: bool) -> bool {
        let whole = self.unsent.len().min(1);
        self.unsent.truncate(whole);
        if whole == 0 {
            self.unsent.extend(self.connection.rest());
        }
        let rest: usize = self.unsent.iter().map(|wire| wire.frame().len()).sum();
        if given_up && rest > BATCH_BYTES {
            return false;
        }
        self.unsent.push(Wire::control(CLOSE, &code.to_be_bytes()));
        true
    }

    /// Says good-bye, and then nothing until the other side closes too. `speaks` says that the client is in the middle
    /// of a message that is given up: a close can't be told from what is left of it.
    async fn finish(&mut self, speaks: bool) {
        poll_fn(|context| {
            loop {
                match self.poll_unsent(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
                match self.inbound.next() {
                    _ if speaks => self.inbound.clear(),
                    Ok(Some(Item::Close(_))) | Err(_) => return Poll::Ready(()),
                    Ok(Some(_)) => continue,
                    // What is long, nobody is going to take: a close can't be told from it, and it is cut in time.
                    Ok(None) if self.inbound.bytes() > FREE => self.inbound.clear(),
                    Ok(None) => {}
                }
                match self.stream.poll_read(&mut self.inbound, context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => {}
                }
            }
        })
        .await;
    }

    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(first) = self.unsent.first() {
            let slice = [IoSlice::new(first.frame())];
            match self.stream.poll_write(&slice, context)? {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => self.forget(written),
            }
        }
        self.stream.poll_flush(context)
    }
}
