//! The roster: which client holds which session, and how one connection makes another give way.

use std::future::poll_fn;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap};
use tokio::sync::Notify;

use crate::codec::Reason;

/// Identity and client id: a client can take over its own sessions only, whatever name it gives itself.
type Key = Arc<(Arc<str>, Box<str>)>;

/// One place in the roster, seen from outside.
#[derive(Debug, Default)]
struct Seat {
    evicted: AtomicU8,
    /// When the client was last heard, in ticks of the broker's clock.
    heard: AtomicU32,
    /// Ticks of silence after which it is gone; 0 for never.
    silence: AtomicU32,
    waiting: Mutex<Option<Waker>>,
    left: Notify,
}

/// All connected clients.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    seats: Mutex<Seats>,
    hash: DefaultHashBuilder,
}

#[derive(Debug, Default)]
struct Seats {
    by_key: HashMap<Key, Arc<Seat>>,
    /// How many connections each identity has, by its hash: there are ten thousand, and none needs its name here.
    counts: HashMap<u64, u32>,
}

impl Seats {
    /// Takes a seat, in place of the one that has the same key.
    fn insert(&mut self, key: &Key, identity: u64, seat: &Arc<Seat>) -> Option<Arc<Seat>> {
        let before = self.by_key.insert(Arc::clone(key), Arc::clone(seat));
        if before.is_none() {
            *self.counts.entry(identity).or_insert(0) += 1;
        }
        before
    }

    fn remove(&mut self, key: &Key, identity: u64) {
        if self.by_key.remove(key).is_some()
            && let Some(count) = self.counts.get_mut(&identity)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&identity);
            }
        }
    }

    fn count(&self, identity: u64) -> usize {
        self.counts.get(&identity).map_or(0, |count| *count as usize)
    }
}

/// A connection's hold on its session; dropping it gives the session up.
#[derive(Debug)]
pub(crate) struct Place {
    roster: Arc<Roster>,
    key: Key,
    seat: Arc<Seat>,
}

impl Roster {
    fn lock(&self) -> std::sync::MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session, and waits (at most `patience`) until the connection that had it before is gone, so that its
    /// will comes before anything of the new one. `None` if the identity has `most` connections already.
    pub(crate) async fn take(
        self: &Arc<Self>,
        identity: &Arc<str>,
        client_id: &str,
        most: usize,
        patience: Duration,
    ) -> Option<Place> {
        let key: Key = Arc::new((Arc::clone(identity), client_id.into()));
        let seat = Arc::new(Seat::default());
        let hash = self.hash.hash_one(&**identity);
        let before = {
            let mut seats = self.lock();
            if seats.count(hash) >= most && !seats.by_key.contains_key(&key) {
                return None;
            }
            seats.insert(&key, hash, &seat)
        };
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
        Some(place)
    }

    /// Ends the connections of clients that have been silent for too long.
    pub(crate) fn evict_silent(&self, now: u32) {
        for seat in self.lock().by_key.values() {
            let (heard, silence) = (
                seat.heard.load(Ordering::Relaxed),
                seat.silence.load(Ordering::Relaxed),
            );
            // A client may have been heard after the clock was looked at.
            let silent = i32::try_from(now.wrapping_sub(heard)).unwrap_or(0);
            if silence > 0 && i64::from(silent) > i64::from(silence) {
                seat.evict(Reason::KeepAliveTimeout);
            }
        }
    }

    /// Ends all connections of one identity. Returns how many.
    pub(crate) fn evict(&self, identity: &str) -> usize {
        let seats = self.lock();
        let theirs = seats.by_key.iter().filter(|(key, _)| *key.0 == *identity);
        theirs
            .map(|(_, seat)| seat.evict(Reason::AdministrativeAction))
            .count()
    }
}

impl Seat {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn evict(&self, reason: Reason) {
        self.evicted.store(reason as u8, Ordering::Release);
        if let Some(waker) = self.waiting().take() {
            waker.wake();
        }
    }

    fn eviction(&self) -> Option<Reason> {
        match self.evicted.load(Ordering::Acquire) {
            0 => None,
            reason if reason == Reason::SessionTakenOver as u8 => Some(Reason::SessionTakenOver),
            reason if reason == Reason::KeepAliveTimeout as u8 => Some(Reason::KeepAliveTimeout),
            _ => Some(Reason::AdministrativeAction),
        }
    }
}

impl Place {
    /// Waits until this connection has to give way. Safe to cancel.
    pub(crate) fn evicted(&self) -> impl Future<Output = Reason> + Send + '_ {
        poll_fn(|context| {
            if let Some(reason) = self.seat.eviction() {
                return Poll::Ready(reason);
            }
            let mut waiting = self.seat.waiting();
            if !waiting
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                *waiting = Some(context.waker().clone());
            }
            drop(waiting);
            // Evicted between the look and the lock.
            self.seat.eviction().map_or(Poll::Pending, Poll::Ready)
        })
    }

    /// The client was heard.
    pub(crate) fn heard(&self, now: u32) {
        self.seat.heard.store(now, Ordering::Relaxed);
    }

    /// Ticks of silence after which it is gone; 0 for never, also for as long as it is not listened to.
    pub(crate) fn set_silence(&self, ticks: u32) {
        self.seat.silence.store(ticks, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.roster.lock();
        if seats
            .by_key
            .get(&self.key)
            .is_some_and(|seat| Arc::ptr_eq(seat, &self.seat))
        {
            seats.remove(&self.key, self.roster.hash.hash_one(&*self.key.0));
        }
        drop(seats);
        // One waiter at most: whoever took this seat's key.
        self.seat.left.notify_one();
    }
}
