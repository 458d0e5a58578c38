//! Lanes: what is broadcast to many is written by a few tasks, one connection after the other. To wake each
//! connection's own task for one message would cost a third of what the kernel takes to send it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use roost_runtime::{BoxError, Context};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::endpoint::Budget;
use crate::frame::{Payload, Wire};
use crate::lock;
use crate::socket::{Connection, OVERHEAD};

/// Connections that a lane writes to before it looks at the clock: a millisecond.
const CHUNK: usize = 128;
/// How long a lane keeps its worker of the runtime while there are others. To let others have it wakes another worker,
/// mostly for nothing: those work on meanwhile, and take what waits for this one, but for the task that the lane woke
/// last, which may wait for so long: that of a client whose socket is full.
const SLICE: Duration = Duration::from_millis(20);

/// Connections with something to be written. Each is here once at most, so there are no more than are open, and those
/// that have closed before a lane came to them.
#[derive(Debug)]
pub(crate) struct Lanes {
    budget: Arc<Budget>,
    posted: Mutex<VecDeque<Vec<Arc<Connection>>>>,
    some: Notify,
}

impl Lanes {
    /// The bytes of a payload, which count as waiting, and once, until the last copy of what is returned is dropped.
    pub(super) fn count(&self, payload: &Payload) -> Bytes {
        self.budget.share(payload.body().clone())
    }

    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            posted: Mutex::default(),
            some: Notify::new(),
        }
    }

    /// A message for many. Its bytes count against the endpoint's once, as long as somebody holds them.
    pub(super) fn share(&self, wire: Wire) -> Wire {
        wire.share(|bytes| self.budget.share(bytes))
    }

    fn post(&self, chunk: Vec<Arc<Connection>>) {
        lock(&self.posted).push_back(chunk);
        self.some.notify_one();
    }

    /// The next to be written to, and whether there are more.
    fn take(&self) -> (Option<Vec<Arc<Connection>>>, bool) {
        let mut posted = lock(&self.posted);
        (posted.pop_front(), !posted.is_empty())
    }

    /// Is one lane, which keeps its worker to itself as long as it may if there are others.
    pub(crate) async fn work(&self, context: Context) -> Result<(), BoxError> {
        let is_alone = Handle::current().metrics().num_workers() < 2;
        let slice = if is_alone { Duration::ZERO } else { SLICE };
        let mut since = Instant::now();
        while !context.shutdown.is_requested() {
            let (chunk, more) = self.take();
            let Some(chunk) = chunk else {
                tokio::select! {
                    () = self.some.notified() => {}
                    () = context.shutdown.requested() => {}
                }
                since = Instant::now();
                continue;
            };
            if more {
                self.some.notify_one();
            }
            self.budget
                .give(chunk.iter().map(|connection| connection.write_posted()).sum());
            if since.elapsed() >= slice {
                tokio::task::yield_now().await;
                since = Instant::now();
            }
        }
        // Whoever is open still writes it itself before it closes.
        lock(&self.posted).clear();
        Ok(())
    }
}

/// The connections of one broadcast, on their way to the lanes. What each of them holds of it besides its bytes is
/// counted by the chunk: one by one, all processors would be at the same counter.
pub(super) struct Posting<'a> {
    lanes: &'a Lanes,
    /// Connections that have been paid for and are not there yet.
    room: usize,
    chunk: Vec<Arc<Connection>>,
}

impl<'a> Posting<'a> {
    pub(super) fn new(lanes: &'a Lanes) -> Self {
        Self {
            lanes,
            room: 0,
            chunk: Vec::new(),
        }
    }

    /// Sends a shared message through a lane, or at once if something is under way.
    pub(super) fn send(&mut self, connection: &Arc<Connection>, wire: Wire) {
        if self.room == 0 {
            self.room = CHUNK;
            self.lanes.budget.take(CHUNK * OVERHEAD);
            self.chunk.reserve_exact(CHUNK);
        }
        if !connection.post(wire) {
            return;
        }
        self.room -= 1;
        self.chunk.push(Arc::clone(connection));
        if self.room == 0 {
            self.lanes.post(std::mem::take(&mut self.chunk));
        }
    }
}

impl Drop for Posting<'_> {
    fn drop(&mut self) {
        self.lanes.budget.give(self.room * OVERHEAD);
        if !self.chunk.is_empty() {
            self.lanes.post(std::mem::take(&mut self.chunk));
        }
    }
}
