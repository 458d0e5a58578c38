//! What waits to be sent to one client. Everybody who has something for it puts it here; its connection takes it out.
//!
//! A client that takes less than it is sent is hung up on (1013, "try again later") when its queue is full: its
//! channels join again and get the state anew, which costs less than a stale screen and an unbounded queue.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use crate::endpoint::{Budget, Limits};
use crate::frame::Wire;
use crate::lock;

/// What a message takes in memory besides its bytes.
const OVERHEAD: usize = 64;
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

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Wire>,
    bytes: usize,
    end: Option<End>,
    gone: bool,
    connection: Option<Waker>,
    /// Channels that wait for room.
    waiting: Vec<Waker>,
}

/// What waits to be sent to one client.
#[derive(Debug, Default)]
pub(super) struct Outbound(Mutex<State>);

/// What a connection finds.
pub(super) enum Departure {
    /// To be sent.
    Wire(Wire),
    /// The connection is to end.
    End(End),
}

fn cost(wire: &Wire) -> usize {
    wire.frame().len() + OVERHEAD
}

impl Outbound {
    /// Adds a message; over the limits, the connection ends instead.
    pub(super) fn put(&self, wire: Wire, limits: &Limits, budget: &Budget) {
        let mut state = lock(&self.0);
        if state.gone || state.end.is_some() {
            return;
        }
        let cost = cost(&wire);
        let bytes = state.bytes + cost;
        let full = state.queue.len() >= limits.outbound_messages
            || bytes > limits.outbound_bytes
            || (bytes > FAIR_BYTES && !budget.has(cost));
        if full && !state.queue.is_empty() {
            Self::end_now(&mut state, End::Overflow, budget);
        } else {
            budget.take(cost);
            state.bytes = bytes;
            state.queue.push_back(wire);
        }
        let connection = state.connection.take();
        drop(state);
        connection.into_iter().for_each(Waker::wake);
    }

    fn end_now(state: &mut State, end: End, budget: &Budget) {
        state.end = Some(end);
        state.queue = VecDeque::new();
        budget.give(std::mem::take(&mut state.bytes));
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Asks the connection to end. The first to ask is heard, and whoever wants to cut it.
    pub(super) fn end(&self, end: End, budget: &Budget) {
        let mut state = lock(&self.0);
        if state.end.is_none() || end == End::Cut {
            match end {
                End::Close(_) => state.end = Some(end),
                End::Overflow | End::Cut => Self::end_now(&mut state, end, budget),
            }
        }
        let connection = state.connection.take();
        drop(state);
        connection.into_iter().for_each(Waker::wake);
    }

    /// The connection is gone; nothing is kept for it any more.
    pub(super) fn gone(&self, budget: &Budget) {
        let mut state = lock(&self.0);
        state.gone = true;
        Self::end_now(&mut state, End::Cut, budget);
    }

    /// What is next. A queue comes before the wish to end with a word.
    pub(super) fn poll_departure(&self, budget: &Budget, context: &mut Context<'_>) -> Poll<Departure> {
        let mut state = lock(&self.0);
        if let Some(wire) = state.queue.pop_front() {
            let cost = cost(&wire);
            state.bytes = state.bytes.saturating_sub(cost);
            budget.give(cost);
            if state.queue.is_empty() {
                // Memory of a rush is not kept by those who wait for the next.
                state.queue = VecDeque::new();
            }
            if !state.waiting.is_empty() && has_room(&state) {
                let waiting = std::mem::take(&mut state.waiting);
                drop(state);
                waiting.into_iter().for_each(Waker::wake);
            }
            return Poll::Ready(Departure::Wire(wire));
        }
        if let Some(end) = state.end {
            return Poll::Ready(Departure::End(end));
        }
        register(&mut state.connection, context);
        Poll::Pending
    }

    /// The wish to end without what waits. Without it, the connection is woken by the next change.
    pub(super) fn hurry(&self, context: &mut Context<'_>) -> Option<End> {
        let mut state = lock(&self.0);
        if let Some(end @ (End::Overflow | End::Cut)) = state.end {
            return Some(end);
        }
        register(&mut state.connection, context);
        None
    }

    pub(super) fn has_room(&self) -> bool {
        has_room(&lock(&self.0))
    }

    /// Ready when little waits, or the connection is gone.
    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.gone || has_room(&state) {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            state.waiting.push(context.waker().clone());
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
