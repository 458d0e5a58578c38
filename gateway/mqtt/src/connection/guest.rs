//! A client that was let in, and what is done when it goes, whatever way that comes about.

use std::sync::Arc;
use std::time::Duration;

use super::{Counted, Present};
use crate::broker::Broker;
use crate::roster::Place;
use crate::session::{Close, Session};
use crate::unknown::Unknown;
use crate::will::LastWill;

/// A client that was let in. The order of the fields is the order in which they are dropped: a device has left before
/// its place is free, so that whoever takes over is the last to speak.
pub(super) struct Guest {
    pub(super) session: Session,
    /// What is published when the client vanishes, and how long after.
    pub(super) will: Option<Box<(LastWill, Duration)>>,
    /// Ticks of silence after which it is gone; 0 for never.
    pub(super) silence: u32,
    /// The client's presence and its status on the bus, if it is a device.
    pub(super) _present: Option<Present>,
    /// The same for a client that no record knows.
    pub(super) _unknown: Option<Box<Unknown>>,
    pub(super) place: Place,
    pub(super) _counted: Counted,
}

/// A guest for as long as its connection's task lives. If that fails or is ended from outside, the client is one that
/// was lost: its will is published, and its session goes on taking what it is owed.
pub(super) struct Stay(Option<Guest>);

impl Stay {
    pub(super) fn of(guest: Guest) -> Self {
        Self(Some(guest))
    }

    pub(super) fn guest(&mut self) -> Option<&mut Guest> {
        self.0.as_mut()
    }

    /// The guest, which is seen off by whoever asked.
    pub(super) fn end(mut self) -> Option<Guest> {
        self.0.take()
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if let Some(guest) = self.0.take() {
            let broker = Arc::clone(guest.session.broker());
            leave(&broker, guest, Close::Lost);
        }
    }
}

/// Gives up what a connection holds: its session is kept if it outlives it, its will is published if it is due.
pub(super) fn leave(broker: &Arc<Broker>, guest: Guest, close: Close) {
    let Guest {
        session,
        will,
        _present: present,
        _unknown: unknown,
        place,
        _counted: counted,
        ..
    } = guest;
    let will_due = !matches!(close, Close::Goodbye { with_will: false });
    let will = will.filter(|_| will_due).map(|will| *will);
    let due_now = match session.into_kept() {
        Some(kept) => {
            let due_now = broker.ledger().leave(kept, will);
            broker.look_at_sessions();
            due_now
        }
        // Section 3.1.3.2.2: a will waits no longer than its session lives.
        None => will.map(|(will, _)| will),
    };
    if let Some(will) = due_now {
        broker.publish_will(will);
    }
    drop(present);
    drop(unknown);
    drop(place);
    drop(counted);
}
