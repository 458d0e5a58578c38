//! The port of a channel: where everything that concerns it arrives. Small while idle, since there are thousands.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use roost_runtime::Shutdown;
use thiserror::Error;

use super::{Ending, Event};
use crate::frame::{Payload, Ref};
use crate::lock;
use crate::socket::{Connection, Held};

/// Messages that wait in the inbox of one channel. Beyond it the client's own are held back and the application's
/// refused; one more broadcast that is intercepted ends the client's connection.
pub const INBOX_MESSAGES: usize = 256;
/// Bytes of the client's messages that wait in the inbox of one channel, unless it is empty.
pub const INBOX_BYTES: usize = 256 * 1024;
/// What a message of the client takes in memory besides its name and its payload.
const OVERHEAD: usize = 512;

/// The inbox is full, or the channel has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the channel has ended, or has more to do than its inbox holds")]
pub struct Full;

/// What arrives.
pub(crate) enum Message<I> {
    /// An event of the client, counted until it was handled.
    In(Event, Held),
    /// The client leaves.
    Leave(Ref),
    /// An intercepted broadcast, counted until it was handled.
    Out(Arc<str>, Payload, Held),
    /// Something of the application.
    Info(I),
}

/// What a channel's task finds.
pub(crate) enum Arrival<I> {
    Message(Message<I>),
    Stop(Ending),
}

struct State<I> {
    queue: VecDeque<Message<I>>,
    bytes: usize,
    stop: Option<Ending>,
    closed: bool,
    /// The client has said that it leaves; it need not say so twice.
    leaving: bool,
    /// It has not begun: the channel whose place it takes has not ended yet.
    queues: bool,
    /// The channel's task.
    task: Option<Waker>,
    /// The connection, which waits for room, or a successor, which waits for the end.
    waiting: Option<Waker>,
}

/// A channel as its connection, its topic and its own task see it.
pub(crate) struct Port<I> {
    pub(crate) topic: Arc<str>,
    pub(crate) connection: Arc<Connection>,
    /// Reference that its client must use; null where the join had none.
    pub(crate) join_ref: Ref,
    /// Reference of the message by which it joined.
    pub(crate) reference: Ref,
    pub(crate) intercept: &'static [&'static str],
    /// Its place among the subscribers of its topic.
    pub(crate) seat: AtomicUsize,
    state: Mutex<State<I>>,
}

/// A port whatever its channel's own messages are.
pub(crate) trait AnyPort: Send + Sync + std::fmt::Debug {
    fn topic(&self) -> &Arc<str>;
    fn connection(&self) -> &Arc<Connection>;
    fn join_ref(&self) -> &Ref;
    /// The reference that messages to the client carry.
    fn own_ref(&self) -> &Ref;
    fn seat(&self) -> &AtomicUsize;
    fn intercept(&self) -> &'static [&'static str];
    /// Takes an event of the client; gives it back while there is no room.
    fn take_event(&self, event: Event) -> Result<(), Event>;
    fn leave(&self, reference: Ref);
    /// Takes an intercepted broadcast; a channel that is behind its inbox loses its client's connection. `counted` are
    /// the bytes of the payload, which count as waiting once for all who take it.
    fn intercepted(&self, event: &Arc<str>, payload: &Payload, counted: &Bytes);
    fn stop(&self, why: Ending);
    fn is_closed(&self) -> bool;
    /// Whether it waits for the end of the channel whose place it takes.
    fn queues(&self) -> bool;
    /// Ready when there is room for an event, or the channel has ended.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()>;
    /// Ready when the channel has ended.
    fn poll_closed(&self, context: &mut Context<'_>) -> Poll<()>;
}

impl<I> Port<I> {
    pub(crate) fn new(
        topic: Arc<str>,
        connection: Arc<Connection>,
        join_ref: Ref,
        reference: Ref,
        intercept: &'static [&'static str],
    ) -> Arc<Self> {
        Arc::new(Self {
            topic,
            connection,
            join_ref,
            reference,
            intercept,
            seat: AtomicUsize::new(0),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                bytes: 0,
                stop: None,
                closed: false,
                leaving: false,
                queues: false,
                task: None,
                waiting: None,
            }),
        })
    }

    /// Says whether it waits for the end of the channel whose place it takes.
    pub(crate) fn set_queues(&self, queues: bool) {
        lock(&self.state).queues = queues;
    }

    fn put(&self, message: Message<I>, bytes: usize) {
        let mut state = lock(&self.state);
        state.queue.push_back(message);
        state.bytes += bytes;
        let task = state.task.take();
        drop(state);
        task.into_iter().for_each(Waker::wake);
    }

    /// The next message, or the request to end, which goes before all messages.
    pub(crate) fn poll_arrival(&self, shutdown: &Shutdown, context: &mut Context<'_>) -> Poll<Arrival<I>> {
        let mut state = lock(&self.state);
        if let Some(why) = state.stop {
            return Poll::Ready(Arrival::Stop(why));
        }
        if let Some(message) = state.queue.pop_front() {
            if let Message::In(_, held) = &message {
                state.bytes = state.bytes.saturating_sub(held.bytes());
            }
            if state.queue.is_empty() {
                // Memory of a rush is not kept by those who wait for the next.
                state.queue = VecDeque::new();
            }
            let waiting = state.waiting.take();
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
            return Poll::Ready(Arrival::Message(message));
        }
        register(&mut state.task, context);
        drop(state);
        shutdown
            .poll_requested(context)
            .map(|()| Arrival::Stop(Ending::Shutdown))
    }

    /// Ready with the reason when it was asked to end.
    pub(crate) fn poll_stop(&self, shutdown: &Shutdown, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.stop.is_some() {
            return Poll::Ready(());
        }
        register(&mut state.task, context);
        drop(state);
        shutdown.poll_requested(context)
    }

    /// Nothing is taken any more. What waited is dropped.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let queue = std::mem::take(&mut state.queue);
        let (task, waiting) = (state.task.take(), state.waiting.take());
        drop(state);
        drop((queue, task));
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn stop_asked(&self) -> Option<Ending> {
        lock(&self.state).stop
    }
}

impl<I> fmt::Debug for Port<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// What an event takes in memory while it waits.
pub(crate) fn cost(event: &Event) -> usize {
    event.name.len() + event.payload.len() + OVERHEAD
}

/// What a join takes in memory until it is answered.
pub(crate) fn join_cost(params: &Payload) -> usize {
    params.len() + OVERHEAD
}

fn register(place: &mut Option<Waker>, context: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(context.waker()),
        None => *place = Some(context.waker().clone()),
    }
}

impl<I> State<I> {
    fn has_room(&self) -> bool {
        self.queue.is_empty() || (self.queue.len() < INBOX_MESSAGES && self.bytes < INBOX_BYTES)
    }
}

impl<I: Send> AnyPort for Port<I> {
    fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    fn join_ref(&self) -> &Ref {
        &self.join_ref
    }

    fn own_ref(&self) -> &Ref {
        self.join_ref.or(&self.reference)
    }

    fn seat(&self) -> &AtomicUsize {
        &self.seat
    }

    fn intercept(&self) -> &'static [&'static str] {
        self.intercept
    }

    fn take_event(&self, event: Event) -> Result<(), Event> {
        let bytes = cost(&event);
        {
            let state = lock(&self.state);
            if state.closed {
                return Ok(());
            }
            if !state.has_room() {
                return Err(event);
            }
        }
        // Nobody else puts in events of this client.
        let held = self.connection.hold(bytes);
        self.put(Message::In(event, held), bytes);
        Ok(())
    }

    fn leave(&self, reference: Ref) {
        if !std::mem::replace(&mut lock(&self.state).leaving, true) {
            self.put(Message::Leave(reference), 0);
        }
    }

    fn intercepted(&self, event: &Arc<str>, payload: &Payload, counted: &Bytes) {
        {
            let state = lock(&self.state);
            if state.closed || state.stop.is_some() {
                return;
            }
            if state.queue.len() >= INBOX_MESSAGES {
                drop(state);
                return self.connection.overflow();
            }
        }
        let mut held = self.connection.hold(OVERHEAD);
        if held.share(counted) {
            self.put(Message::Out(Arc::clone(event), payload.clone(), held), 0);
        }
    }

    fn stop(&self, why: Ending) {
        let mut state = lock(&self.state);
        if state.stop.is_none() {
            state.stop = Some(why);
        }
        // Nobody comes to it any more, and the channel may take its time to end.
        let queue = std::mem::take(&mut state.queue);
        state.bytes = 0;
        let task = state.task.take();
        drop(state);
        drop(queue);
        task.into_iter().for_each(Waker::wake);
    }

    fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    fn queues(&self) -> bool {
        lock(&self.state).queues
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.closed || state.has_room() {
            return Poll::Ready(());
        }
        register(&mut state.waiting, context);
        Poll::Pending
    }

    fn poll_closed(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.closed {
            return Poll::Ready(());
        }
        register(&mut state.waiting, context);
        Poll::Pending
    }
}

/// Sends to a channel from anywhere in the program. Cloning copies a pointer.
pub struct Sender<I>(pub(crate) Arc<Port<I>>);

impl<I> fmt::Debug for Sender<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.0).finish()
    }
}

impl<I> Clone for Sender<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I> Sender<I> {
    /// Puts a message into the channel's inbox.
    ///
    /// # Errors
    /// [`Full`].
    pub fn send(&self, info: I) -> Result<(), Full> {
        {
            let state = lock(&self.0.state);
            if state.closed || state.queue.len() >= INBOX_MESSAGES {
                return Err(Full);
            }
        }
        self.0.put(Message::Info(info), 0);
        Ok(())
    }
}

/// Where a subscriber sits.
pub(crate) fn seat_of(port: &dyn AnyPort) -> usize {
    port.seat().load(Ordering::Relaxed)
}
