//! The roster: which client holds which session, and how one connection makes another give way.

use std::future::poll_fn;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use tokio::sync::Notify;

use crate::codec::Reason;

/// One place in the roster, seen from outside.
#[derive(Debug)]
struct Seat {
    /// With the client id the key: a client can take over its own sessions only, whatever name it gives itself.
    identity: Arc<str>,
    client_id: Arc<str>,
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
    /// By identity and client id.
    by_key: HashTable<Arc<Seat>>,
    /// How many connections each identity has, by its hash: there are ten thousand, and none needs its name here.
    counts: HashMap<u64, u32>,
}

/// A connection's hold on its session; dropping it gives the session up.
#[derive(Debug)]
pub(crate) struct Place {
    roster: Arc<Roster>,
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
        let seat = Arc::new(Seat::new(identity, client_id));
        let before = self.insert(&seat, most)?;
        let place = Place {
            roster: Arc::clone(self),
            seat,
        };
        if let Some(before) = before {
            before.evict(Reason::SessionTakenOver);
            // A task that hangs must not keep its client out for ever.
            let _ = tokio::time::timeout(patience, before.left.notified()).await;
        }
        Some(place)
    }

    /// Puts a seat in the place of the one of the same client, if there is one. `None` if its identity has `most`
    /// connections already.
    #[expect(
        clippy::option_option,
        reason = "whether it has a place, and who had it before"
    )]
    fn insert(&self, seat: &Arc<Seat>, most: usize) -> Option<Option<Arc<Seat>>> {
        let identity = self.hash.hash_one(&*seat.identity);
        let mut seats = self.lock();
        let same = |other: &Arc<Seat>| other.key() == seat.key();
        if let Some(before) = seats.by_key.find_mut(self.hash.hash_one(seat.key()), same) {
            return Some(Some(std::mem::replace(before, Arc::clone(seat))));
        }
        let count = seats.counts.get(&identity).copied().unwrap_or(0);
        if count as usize >= most {
            return None;
        }
        seats.counts.insert(identity, count + 1);
        let rehash = |other: &Arc<Seat>| self.hash.hash_one(other.key());
        seats.by_key.insert_unique(rehash(seat), Arc::clone(seat), rehash);
        Some(None)
    }

    fn remove(&self, seat: &Arc<Seat>) {
        let mut seats = self.lock();
        let same = |other: &Arc<Seat>| Arc::ptr_eq(other, seat);
        let Ok(found) = seats.by_key.find_entry(self.hash.hash_one(seat.key()), same) else {
            return;
        };
        found.remove();
        let identity = self.hash.hash_one(&*seat.identity);
        if let Some(count) = seats.counts.get_mut(&identity) {
            *count -= 1;
            if *count == 0 {
                seats.counts.remove(&identity);
            }
        }
    }

    /// Ends the connections of clients that have been silent for too long.
    pub(crate) fn evict_silent(&self, now: u32) {
        for seat in &self.lock().by_key {
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
        let theirs = seats.by_key.iter().filter(|seat| *seat.identity == *identity);
        theirs
            .map(|seat| seat.evict(Reason::AdministrativeAction))
            .count()
    }
}

impl Seat {
    fn new(identity: &Arc<str>, client_id: &str) -> Self {
        Self {
            identity: Arc::clone(identity),
            // Most devices call themselves by their name.
            client_id: if client_id == &**identity {
                Arc::clone(identity)
            } else {
                client_id.into()
            },
            evicted: AtomicU8::new(0),
            heard: AtomicU32::new(0),
            silence: AtomicU32::new(0),
            waiting: Mutex::default(),
            left: Notify::new(),
        }
    }

    fn key(&self) -> (&str, &str) {
        (&self.identity, &self.client_id)
    }

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
        self.roster.remove(&self.seat);
        // One waiter at most: whoever took this seat's key.
        self.seat.left.notify_one();
    }
}
