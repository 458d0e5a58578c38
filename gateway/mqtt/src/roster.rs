//! The roster: which client holds which session, and how one connection makes another give way.

use std::future::poll_fn;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use tokio::sync::Notify;

use crate::codec::Reason;
use crate::probe::Probe;

/// The connection was not told yet how closely it is watched.
const NEWS: u8 = 1 << 7;

/// One place in the roster, seen from outside.
#[derive(Debug)]
struct Seat {
    /// With the client id the key: a client can take over its own sessions only, whatever name it gives itself.
    identity: Arc<str>,
    client_id: Arc<str>,
    evicted: AtomicU8,
    /// How closely the client is watched: the number of a [`Probe`], with [`NEWS`].
    probe: AtomicU8,
    /// When the client was last heard, in ticks of the broker's clock.
    heard: AtomicU32,
    /// Ticks of silence after which it is gone; 0 for never.
    silence: AtomicU32,
    /// When it was first asked whether it is still there, in ticks.
    asked: AtomicU32,
    waiting: Mutex<Option<Waker>>,
    left: Notify,
}

// There are ten thousand of it.
const _: () = assert!(size_of::<Seat>() <= 104);

/// What a connection's task is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// It has to give way.
    Leave(Reason),
    /// It is to have its client watched this closely.
    Probe(Probe),
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
    /// Identities, by their hash, that are to be asked whether they are still there: only those who are here are taken.
    overdue: HashSet<u64>,
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

    /// Has the clients of one identity asked, at the next look, whether they are still there.
    pub(crate) fn ask(&self, identity: &str) {
        let hash = self.hash.hash_one(identity);
        let mut seats = self.lock();
        if seats.counts.contains_key(&hash) {
            seats.overdue.insert(hash);
        }
    }

    /// Ends the connections of clients that have been silent for too long, and takes the next step with those that are
    /// being asked whether they are still there. Returns with how many that has begun.
    pub(crate) fn look(&self, now: u32) -> u64 {
        let mut seats = self.lock();
        let overdue = std::mem::take(&mut seats.overdue);
        let mut begun = 0;
        for seat in &seats.by_key {
            if seat.is_silent(now) {
                seat.evict(Reason::KeepAliveTimeout);
            }
            if !overdue.is_empty() && overdue.contains(&self.hash.hash_one(&*seat.identity)) {
                begun += u64::from(seat.begin_probe(now));
            }
            seat.step_probe(now);
        }
        begun
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
            probe: AtomicU8::new(Probe::Usual as u8),
            heard: AtomicU32::new(0),
            silence: AtomicU32::new(0),
            asked: AtomicU32::new(0),
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
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting().take() {
            waker.wake();
        }
    }

    fn is_silent(&self, now: u32) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        let silence = self.silence.load(Ordering::Relaxed);
        // A client may have been heard after the clock was looked at.
        let silent = i32::try_from(now.wrapping_sub(heard)).unwrap_or(0);
        silence > 0 && i64::from(silent) > i64::from(silence)
    }

    fn probe(&self) -> Probe {
        Probe::of(self.probe.load(Ordering::Relaxed) & !NEWS)
    }

    fn watch(&self, probe: Probe) {
        self.probe.store(probe as u8 | NEWS, Ordering::Release);
        self.wake();
    }

    /// Begins to ask, if nobody does already.
    fn begin_probe(&self, now: u32) -> bool {
        let begins = self.probe() == Probe::Usual;
        if begins {
            self.asked.store(now, Ordering::Relaxed);
            self.watch(Probe::Ask);
        }
        begins
    }

    /// Takes the step that is due, if the client is being asked.
    fn step_probe(&self, now: u32) {
        let before = self.probe();
        if before == Probe::Usual {
            return;
        }
        let asked = self.asked.load(Ordering::Relaxed);
        let heard = self.heard.load(Ordering::Relaxed);
        let heard_since = i32::try_from(heard.wrapping_sub(asked)).is_ok_and(|since| since > 0);
        let next = if heard_since {
            Probe::Usual
        } else {
            Probe::after(now.wrapping_sub(asked))
        };
        if next != before {
            self.watch(next);
        }
    }

    /// What its connection has to be told, if there is anything.
    fn call(&self) -> Option<Call> {
        if let Some(reason) = self.eviction() {
            return Some(Call::Leave(reason));
        }
        if self.probe.load(Ordering::Acquire) & NEWS == 0 {
            return None;
        }
        let number = self.probe.fetch_and(!NEWS, Ordering::AcqRel);
        Some(Call::Probe(Probe::of(number & !NEWS)))
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
    /// Waits until this connection has to give way, or to do something else. Safe to cancel.
    pub(crate) fn called(&self) -> impl Future<Output = Call> + Send + '_ {
        poll_fn(|context| {
            if let Some(call) = self.seat.call() {
                return Poll::Ready(call);
            }
            let mut waiting = self.seat.waiting();
            if !waiting
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                *waiting = Some(context.waker().clone());
            }
            drop(waiting);
            // Called between the look and the lock.
            self.seat.call().map_or(Poll::Pending, Poll::Ready)
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    async fn place(roster: &Arc<Roster>, identity: &str, client_id: &str) -> Place {
        let identity = Arc::from(identity);
        let place = roster.take(&identity, client_id, 10, PATIENCE).await.unwrap();
        place.heard(100);
        place
    }

    #[tokio::test]
    async fn all_connections_of_a_client_are_probed_step_by_step_until_it_is_heard() {
        let roster = Arc::<Roster>::default();
        let (one, other) = (
            place(&roster, "boiler", "one").await,
            place(&roster, "boiler", "other").await,
        );
        let lamp = place(&roster, "lamp", "lamp").await;
        roster.ask("boiler");
        assert_eq!(roster.look(110), 2);
        for place in [&one, &other] {
            assert_eq!(place.called().await, Call::Probe(Probe::Ask));
            assert_eq!(place.seat.call(), None, "it is told once");
        }
        assert_eq!(lamp.seat.call(), None);
        roster.ask("boiler");
        assert_eq!(roster.look(112), 0, "it is being probed");
        // A client whose task is busy is told the last step only.
        one.heard(111);
        for now in [154, 234] {
            roster.look(now);
        }
        assert_eq!(one.called().await, Call::Probe(Probe::Usual));
        assert_eq!(other.called().await, Call::Probe(Probe::Watch));
        other.heard(300);
        roster.look(301);
        assert_eq!(other.called().await, Call::Probe(Probe::Usual));
        roster.ask("boiler");
        assert_eq!(roster.look(302), 2, "it may be probed again");
    }

    #[tokio::test]
    async fn a_client_that_has_left_is_forgotten_by_those_who_ask() {
        let roster = Arc::<Roster>::default();
        roster.ask("boiler");
        assert!(roster.lock().overdue.is_empty(), "it was never here");
        let before = place(&roster, "boiler", "one").await;
        roster.ask("boiler");
        drop(before);
        assert_eq!(roster.look(110), 0);
        let _now = place(&roster, "boiler", "one").await;
        assert_eq!(roster.look(112), 0, "a new connection begins as all do");
    }
}
