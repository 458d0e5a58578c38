//! The roster: which client holds which session, and how one connection makes another give way.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::Notify;

use crate::codec::Reason;

/// Identity and client id: a client can take over its own sessions only, whatever name it gives itself.
type Key = Arc<(Arc<str>, Box<str>)>;

/// One place in the roster, seen from outside.
#[derive(Debug, Default)]
struct Seat {
    evicted: AtomicU8,
    evict: Notify,
    left: Notify,
}

/// All connected clients.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    seats: Mutex<HashMap<Key, Arc<Seat>>>,
}

/// A connection's hold on its session; dropping it gives the session up.
#[derive(Debug)]
pub(crate) struct Place {
    roster: Arc<Roster>,
    key: Key,
    seat: Arc<Seat>,
}

impl Roster {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session, and waits (at most `patience`) until the connection that had it before is gone, so that its
    /// will comes before anything of the new one.
    pub(crate) async fn take(
        self: &Arc<Self>,
        identity: &Arc<str>,
        client_id: &str,
        patience: Duration,
    ) -> Place {
        let key: Key = Arc::new((Arc::clone(identity), client_id.into()));
        let seat = Arc::new(Seat::default());
        let before = self.lock().insert(Arc::clone(&key), Arc::clone(&seat));
        let place = Place {
            roster: Arc::clone(self),
            key,
            seat,
        };
        if let Some(before) = before {
            before.evict(Reason::SessionTakenOver);
            // A task that hangs must not keep its client out for ever.
            let _ = tokio::time::timeout(patience, before.left.notified()).await;
        }
        place
    }

    /// Ends all connections of one identity. Returns how many.
    pub(crate) fn evict(&self, identity: &str) -> usize {
        let seats = self.lock();
        let theirs = seats.iter().filter(|(key, _)| *key.0 == *identity);
        theirs
            .map(|(_, seat)| seat.evict(Reason::AdministrativeAction))
            .count()
    }
}

impl Seat {
    fn evict(&self, reason: Reason) {
        self.evicted.store(reason as u8, Ordering::Release);
        self.evict.notify_one();
    }
}

impl Place {
    /// Waits until this connection has to give way. Safe to cancel.
    pub(crate) async fn evicted(&self) -> Reason {
        loop {
            self.seat.evict.notified().await;
            match self.seat.evicted.load(Ordering::Acquire) {
                0 => {}
                reason if reason == Reason::SessionTakenOver as u8 => return Reason::SessionTakenOver,
                _ => return Reason::AdministrativeAction,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.roster.lock();
        if seats
            .get(&self.key)
            .is_some_and(|seat| Arc::ptr_eq(seat, &self.seat))
        {
            seats.remove(&self.key);
        }
        drop(seats);
        // One waiter at most: whoever took this seat's key.
        self.seat.left.notify_one();
    }
}
