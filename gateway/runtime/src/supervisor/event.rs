//! The event stream of a supervision tree: every start, exit, restart and escalation, for pages, logs and tests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

/// What happened to a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// It was started.
    Started,
    /// It ended; the text says how.
    Exited(String),
    /// It will be started again after this wait.
    Restarting(Duration),
    /// It was stopped by its supervisor.
    Stopped,
    /// The supervisor itself gave up because of this child.
    Escalated,
}

/// One event of one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Name of the supervisor.
    pub supervisor: Arc<str>,
    /// Name of the child.
    pub child: Arc<str>,
    /// What happened.
    pub kind: EventKind,
}

/// A stream that any number of supervisors write to and any number of listeners read. A listener that falls behind by
/// more than the capacity loses the oldest events and is told how many.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Event>);

impl Events {
    /// A stream that keeps the last `capacity` events for slow listeners.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity))
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    /// Tells the listeners. Costs next to nothing while there are none, which matters when ten thousand connections
    /// come.
    pub(super) fn emit(&self, event: impl FnOnce() -> Event) {
        if self.0.receiver_count() > 0 {
            // The last listener may leave in between: then nobody misses the event.
            let _ = self.0.send(event());
        }
    }
}
