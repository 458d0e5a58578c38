//! What is sent to one client. Everybody who has something for it puts it here. Mostly nothing waits and the stream
//! takes it at once; otherwise it is left to a lane, or to the connection's task, which alone waits until the stream
//! takes more.
//!
//! A client that takes less than it is sent is hung up on (1013, "try again later") when its queue is full: its
//! channels join again and get the state anew, which costs less than a stale screen and an unbounded queue.

#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use rustix::net::SendFlags;
use tokio::net::tcp::OwnedWriteHalf;

use super::queue::Queue;
use super::stretch::Stretch;
use crate::endpoint::{Budget, Limits};
use crate::frame::Wire;
use crate::lock;

/// What a message takes in memory besides its bytes, in bytes.
pub(crate) const OVERHEAD: usize = 64;
/// A queue of up to this many bytes may grow although the endpoint as a whole holds too much.
pub(super) const FAIR_BYTES: usize = 16 * 1024;
/// Status for a client that does not keep up (RFC 6455 registry: "try again later").
const TRY_AGAIN_LATER: u16 = 1013;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a close frame, after everything that waits.
    Close(u16),
    /// With a close frame and without what waits.
    Overflow,
    /// Cut, without a word.
    Cut,
}

impl End {
    /// The code that the client is told.
    pub(super) fn code(self) -> Option<u16> {
        match self {
            Self::Close(code) => Some(code),
            Self::Overflow => Some(TRY_AGAIN_LATER),
            Self::Cut => None,
        }
    }
}

/// Who writes to the stream. There is one at a time, or frames would be mixed up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Whoever has something: nothing waits, and nothing is half written.
    Anybody,
    /// A lane, which has the connection on its list, or the connection's task if that comes first.
    Lane,
    /// The connection's task. It is at it, or is told.
    #[default]
    Task,
}

#[derive(Debug, Default)]
struct State {
    writer: Writer,
    /// On the list of the lanes, whoever writes meanwhile.
    listed: bool,
    /// Where everybody may write; `None` where only the connection's task can.
    stream: Option<OwnedWriteHalf>,
    queue: Queue,
    /// The first of the queue is half written.
    begun: bool,
    bytes: usize,
    end: Option<End>,
    gone: bool,
    connection: Option<Waker>,
    /// Channels that wait for room, if any do.
    #[expect(
        clippy::box_collection,
        reason = "whoever sends to thousands waits for the memory of each state"
    )]
    waiting: Option<Box<Vec<Waker>>>,
}

/// What is sent to one client.
#[derive(Debug)]
pub(super) struct Outbound {
    state: Mutex<State>,
    /// Bytes that wait and are not a lane's to write.
    waits: Stretch,
}

/// What a connection finds.
pub(super) enum Departure {
    /// To be sent.
    Wire(Wire),
    /// The connection is to end.
    End(End),
}

/// What a message counts against the limits of one connection, in bytes.
fn cost(wire: &Wire) -> usize {
    wire.frame().len() + OVERHEAD
}

/// What it counts against those of the endpoint, in bytes: what many hold is counted there once for all of them.
fn charge(wire: &Wire) -> usize {
    wire.own_bytes() + OVERHEAD
}

impl State {
    /// Adds a message to those that wait; over the limits, the connection ends instead.
    fn push(&mut self, wire: Wire, limits: &Limits, budget: &Budget) {
        if self.is_full(&wire, limits, budget) {
            self.end_now(End::Overflow, budget);
        } else {
            budget.take(charge(&wire));
            self.bytes += cost(&wire);
            self.queue.push(wire);
        }
    }

    /// Whether the message would be over the limits of what waits. One that is alone may be larger.
    fn is_full(&self, wire: &Wire, limits: &Limits, budget: &Budget) -> bool {
        let bytes = self.bytes + cost(wire);
        let full = self.queue.len() >= limits.outbound_messages
            || bytes > limits.outbound_bytes
            || (bytes > FAIR_BYTES && !budget.has(charge(wire)));
        full && !self.queue.is_empty()
    }

    /// Takes the next message from those that wait.
    fn pop(&mut self, budget: &Budget) -> Option<Wire> {
        let wire = self.queue.pop()?;
        self.begun = false;
        self.bytes = self.bytes.saturating_sub(cost(&wire));
        budget.give(charge(&wire));
        Some(wire)
    }

    /// Writes what waits, as much as the stream takes at once; the rest is left to the connection's task. Returns how
    /// much less is held, in bytes of the budget.
    fn write_waiting(&mut self) -> usize {
        self.writer = Writer::Anybody;
        let mut spared = 0;
        while let Some(mut wire) = self.queue.pop() {
            self.bytes = self.bytes.saturating_sub(cost(&wire));
            spared += charge(&wire);
            let whole = wire.frame().len();
            if self.try_write(&mut wire) {
                continue;
            }
            self.begun = wire.frame().len() < whole;
            self.writer = Writer::Task;
            self.bytes += cost(&wire);
            spared -= charge(&wire);
            self.queue.push_front(wire);
            break;
        }
        spared
    }

    /// Those who wait for room, if there is some.
    fn content(&mut self) -> Vec<Waker> {
        if self.waiting.is_some() && has_room(self) {
            self.waiting.take().map(|waiting| *waiting).unwrap_or_default()
        } else {
            Vec::new()
        }
    }

    /// Ends without what waits, but for a message that is half written.
    fn end_now(&mut self, end: End, budget: &Budget) {
        self.end = Some(end);
        let mut waits = std::mem::take(&mut self.queue);
        let half = self.begun.then(|| waits.pop()).flatten();
        while let Some(wire) = waits.pop() {
            budget.give(charge(&wire));
        }
        self.bytes = half.as_ref().map_or(0, cost);
        half.into_iter().for_each(|wire| self.queue.push(wire));
        let waiting = self.waiting.take().map(|waiting| *waiting).unwrap_or_default();
        waiting.into_iter().for_each(Waker::wake);
    }

    fn is_open(&self) -> bool {
        !self.gone && self.end.is_none()
    }

    /// Writes what the stream takes of a message at once. Whether that was all.
    fn try_write(&self, wire: &mut Wire) -> bool {
        // Not through the runtime's own idea of whether the stream takes anything: to look at that takes memory that is
        // in no cache. A stream that is full or broken is left to the connection's task, which hears it too.
        let written = self.stream.as_ref().map(|stream| {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            rustix::net::send(stream.as_ref(), wire.frame(), flags)
        });
        wire.advance(written.and_then(Result::ok).unwrap_or_default());
        wire.frame().is_empty()
    }
}

impl Outbound {
    /// Everybody may write to `stream`, once the connection's task has begun.
    pub(super) fn new(stream: Option<OwnedWriteHalf>) -> Self {
        let state = State {
            stream,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            waits: Stretch::default(),
        }
    }

    /// How much waits, and since when.
    pub(super) fn waits(&self) -> &Stretch {
        &self.waits
    }

    /// Whether it is to end without what waits, or has.
    pub(super) fn is_given_up(&self) -> bool {
        let state = lock(&self.state);
        state.gone || matches!(state.end, Some(End::Overflow | End::Cut))
    }

    /// Sends a message, at once if possible; over the limits of what may wait, the connection ends instead.
    pub(super) fn put(&self, mut wire: Wire, limits: &Limits, budget: &Budget) {
        let mut state = lock(&self.state);
        if !state.is_open() {
            return;
        }
        let mut woken = Vec::new();
        if state.writer == Writer::Lane && state.is_full(&wire, limits, budget) {
            // It is the lanes that are behind, which is nothing to hang up on the client for.
            budget.give(state.write_waiting());
            woken = state.content();
        }
        if state.writer == Writer::Anybody {
            let whole = wire.frame().len();
            if state.try_write(&mut wire) {
                drop(state);
                woken.into_iter().for_each(Waker::wake);
                return;
            }
            state.begun = wire.frame().len() < whole;
            state.writer = Writer::Task;
        }
        state.push(wire, limits, budget);
        if state.writer != Writer::Lane {
            self.waits.set(state.bytes, budget);
            woken.extend(state.connection.take());
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Like [`Outbound::put`], but leaves the writing to a lane: whether the connection is to be put on its list. If
    /// so, what is charged for it is on the account of the caller.
    pub(super) fn post(&self, wire: Wire, limits: &Limits, budget: &Budget) -> bool {
        let mut state = lock(&self.state);
        if state.writer != Writer::Anybody || !state.is_open() {
            drop(state);
            self.put(wire, limits, budget);
            return false;
        }
        let charge = charge(&wire);
        state.bytes = cost(&wire);
        state.queue.push(wire);
        state.writer = Writer::Lane;
        let listed = std::mem::replace(&mut state.listed, true);
        if listed {
            budget.take(charge);
        }
        !listed
    }

    /// Writes what waits, if that is a lane's. What the stream does not take at once is left to the connection's task.
    /// Returns how much less waits: the caller gives it back to the budget.
    pub(super) fn write_posted(&self, budget: &Budget) -> usize {
        let mut state = lock(&self.state);
        state.listed = false;
        if state.writer != Writer::Lane {
            return 0;
        }
        let spared = state.write_waiting();
        let mut woken = state.content();
        if state.writer == Writer::Task {
            self.waits.set(state.bytes, budget);
            woken.extend(state.connection.take());
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        spared
    }

    /// Asks the connection to end. The first to ask is heard, and whoever wants it to end sooner.
    pub(super) fn end(&self, end: End, budget: &Budget) {
        let mut state = lock(&self.state);
        match (state.end, end) {
            (None, End::Close(_)) => state.end = Some(end),
            (None | Some(End::Close(_)), End::Overflow) | (_, End::Cut) => {
                state.end_now(end, budget);
                self.waits.set(state.bytes, budget);
            }
            (Some(_), End::Close(_) | End::Overflow) => {}
        }
        let connection = state.connection.take();
        drop(state);
        connection.into_iter().for_each(Waker::wake);
    }

    /// The connection is gone; nothing is kept for it any more.
    pub(super) fn gone(&self, budget: &Budget) {
        let mut state = lock(&self.state);
        state.gone = true;
        let half = std::mem::take(&mut state.begun)
            .then(|| state.pop(budget))
            .flatten();
        state.end_now(End::Cut, budget);
        self.waits.set(0, budget);
        half.into_iter().for_each(|wire| state.queue.push(wire));
        // The task holds the other half, and still has to say good-bye.
        state.stream.take().into_iter().for_each(OwnedWriteHalf::forget);
    }

    /// What is next for the connection's task to write. A queue comes before the wish to end with a word. `spent` says
    /// that the task is writing nothing else.
    pub(super) fn poll_departure(
        &self,
        spent: bool,
        budget: &Budget,
        context: &mut Context<'_>,
    ) -> Poll<Departure> {
        let mut state = lock(&self.state);
        if let Some(wire) = state.pop(budget) {
            state.writer = Writer::Task;
            self.waits.set(state.bytes, budget);
            let waiting = state.content();
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
            return Poll::Ready(Departure::Wire(wire));
        }
        if let Some(end) = state.end {
            return Poll::Ready(Departure::End(end));
        }
        if spent && state.stream.is_some() {
            state.writer = Writer::Anybody;
        }
        register(&mut state.connection, context);
        Poll::Pending
    }

    /// The rest of a message that was half written when the connection was gone.
    pub(super) fn rest(&self) -> Option<Wire> {
        lock(&self.state).queue.pop()
    }

    /// The wish to end without what waits. Without it, the connection is woken by the next change.
    pub(super) fn hurry(&self, context: &mut Context<'_>) -> Option<End> {
        let mut state = lock(&self.state);
        if let Some(end @ (End::Overflow | End::Cut)) = state.end {
            return Some(end);
        }
        register(&mut state.connection, context);
        None
    }

    pub(super) fn has_room(&self) -> bool {
        has_room(&lock(&self.state))
    }

    /// Ready when little waits, or the connection is gone.
    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.gone || has_room(&state) {
            return Poll::Ready(());
        }
        let waiting = state.waiting.get_or_insert_default();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

fn register(place: &mut Option<Waker>, context: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(context.waker()),
        None => *place = Some(context.waker().clone()),
    }
}

/// Few messages and few bytes wait.
fn has_room(state: &State) -> bool {
    const FEW: usize = 8;
    state.queue.len() < FEW && state.bytes < 4 * FAIR_BYTES
}
