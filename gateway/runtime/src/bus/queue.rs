//! The bounded queue in front of one taker.

mod pushed;
mod state;
mod waiting;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use tokio::sync::Notify;

use super::message::{Delivery, QoS};
use super::policy::{Capacity, Policy};
use crate::lock;
use pushed::{DENIED, Pushed, REFUSED};
use state::State;
use waiting::size;

/// What all queues of a bus have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// Deliveries that were lost.
    pub(super) dropped: AtomicU64,
    /// Bytes that wait in all queues.
    pub(super) bytes: AtomicUsize,
    /// Most bytes that may wait in all queues.
    pub(super) bytes_max: usize,
    /// Told when a queue that asked publishers to wait has room again.
    pub(super) room: Notify,
    /// Queues that are shut now.
    pub(super) shut: AtomicUsize,
}

/// Whose queue it is.
#[derive(Debug, Default)]
pub(super) struct Whose {
    /// The client's name; `None` for the gateway's own.
    pub(super) client: Option<Arc<str>>,
    /// The taker's number in the ledger; 0 if it has none.
    pub(super) durable: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    common: Arc<Common>,
    dropped: AtomicU64,
    whose: Whose,
    capacity: Capacity,
    policy: Policy,
    /// Whether anybody takes from it now; a session whose client is away does not.
    online: AtomicBool,
    /// Whether the taker made publishers wait in vain.
    stalled: AtomicBool,
}

impl Queue {
    pub(super) fn new(capacity: Capacity, policy: Policy, common: Arc<Common>, whose: Whose) -> Self {
        Self {
            state: Mutex::default(),
            common,
            dropped: AtomicU64::new(0),
            whose,
            capacity,
            policy,
            online: AtomicBool::new(true),
            stalled: AtomicBool::new(false),
        }
    }

    pub(super) fn durable(&self) -> u64 {
        self.whose.durable
    }

    pub(super) fn client(&self) -> Option<&str> {
        self.whose.client.as_deref()
    }

    pub(super) fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }

    pub(super) fn set_online(&self, online: bool) {
        self.online.store(online, Ordering::Relaxed);
        if !online {
            let mut state = lock(&self.state);
            state.clear(&self.common);
            self.note_shut(&mut state);
        }
    }

    /// Wakes the taker, whatever is in the queue.
    pub(super) fn wake(&self) {
        let mut state = lock(&self.state);
        state.rung = true;
        wake(state);
    }

    fn count_drop(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.common.dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn is_full(&self, state: &State, more: u32) -> bool {
        let (count, bytes) = (state.len(), state.bytes());
        let full = count >= self.capacity.messages as usize
            || (count > 0 && bytes.saturating_add(more) > self.capacity.bytes);
        let (all, most) = (self.common.bytes.load(Ordering::Relaxed), self.common.bytes_max);
        // An empty queue takes one message when all of them are full, but not without end: there are many queues.
        full || (count > 0 && all > most) || all > most.saturating_mul(2)
    }

    /// Half of what it holds: from here on publishers are asked to wait.
    fn is_crowded(&self, state: &State) -> bool {
        state.len() > self.capacity.messages as usize / 2 || state.bytes() > self.capacity.bytes / 2
    }

    /// Whether it takes what its publisher was not kept from publishing, although it is full: several may have looked
    /// at the same moment.
    fn has_reserve(&self, state: &State) -> bool {
        let most = (self.capacity.messages as usize).saturating_mul(2);
        let all = self.common.bytes.load(Ordering::Relaxed);
        state.len() < most && all <= self.common.bytes_max.saturating_mul(2)
    }

    /// Notes whether it is shut, after a change. Whoever then waits for it is woken when there is room.
    fn note_shut(&self, state: &mut State) {
        let all = self.common.bytes.load(Ordering::Relaxed);
        let shut = self.policy == Policy::HoldThenShut
            && !state.closed
            && !state.is_empty()
            && state.oldest_unreliable().is_none()
            && (state.len() >= self.capacity.messages as usize
                || state.bytes() >= self.capacity.bytes
                || all > self.common.bytes_max);
        state.pressing |= shut;
        if shut != state.shut {
            state.shut = shut;
            if shut {
                self.common.shut.fetch_add(1, Ordering::Relaxed);
            } else {
                self.common.shut.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether it is full of what must not be dropped.
    pub(super) fn is_shut(&self) -> bool {
        lock(&self.state).shut
    }

    /// Whether its publishers have waited in vain.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Takes a delivery by the queue's policy.
    pub(super) fn push(&self, delivery: Delivery) -> Pushed {
        let size = size(&delivery);
        let qos = delivery.qos;
        let mut state = lock(&self.state);
        if state.closed || !self.is_online() {
            return REFUSED;
        }
        while self.is_full(&state, size) {
            let oldest_unreliable = state.oldest_unreliable();
            if self.policy == Policy::HoldThenShut
                && oldest_unreliable.is_none()
                && qos > QoS::AtMostOnce
                && self.has_reserve(&state)
            {
                break;
            }
            if self.policy == Policy::HoldThenShut && oldest_unreliable.is_none() && qos > QoS::AtMostOnce {
                // It is not lost: its publisher keeps it.
                return DENIED;
            }
            self.count_drop();
            match self.policy {
                Policy::DropNewest => return REFUSED,
                Policy::DropOldest if state.is_empty() => return REFUSED,
                Policy::DropOldest => state.drop_at(0, &self.common),
                Policy::HoldThenShut => match oldest_unreliable {
                    Some(at) => state.drop_at(at, &self.common),
                    None => return REFUSED,
                },
                Policy::ShedThenClose => match oldest_unreliable {
                    Some(at) => state.drop_at(at, &self.common),
                    // The new one is the only one that may be lost.
                    None if qos == QoS::AtMostOnce => return REFUSED,
                    None => {
                        state.closed = true;
                        wake(state);
                        return REFUSED;
                    }
                },
            }
        }
        state.put(delivery, size, &self.common);
        self.note_shut(&mut state);
        let holds = matches!(self.policy, Policy::HoldThenShut | Policy::ShedThenClose);
        let crowded = holds && self.is_crowded(&state);
        let press = crowded && qos > QoS::AtMostOnce;
        state.pressing |= press;
        wake(state);
        Pushed {
            taken: true,
            denied: false,
            press: press && !self.is_stalled(),
            crowded,
        }
    }

    /// Takes a delivery only if there is room, or room can be made by the queue's policy: whoever asks and waits for an
    /// answer does not stand behind a flood of QoS 0.
    pub(super) fn offer(&self, delivery: Delivery) -> bool {
        let size = size(&delivery);
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        while self.is_full(&state, size) {
            match state.oldest_unreliable() {
                Some(at) if self.policy == Policy::HoldThenShut => {
                    self.count_drop();
                    state.drop_at(at, &self.common);
                }
                _ => return false,
            }
        }
        state.put(delivery, size, &self.common);
        self.note_shut(&mut state);
        wake(state);
        true
    }

    /// Takes over what waits in another queue, before what waits here, and closes that one. What both were given is
    /// here once.
    pub(super) fn inherit(&self, from: &Self) {
        let (left, pressing) = {
            let mut state = lock(&from.state);
            state.closed = true;
            let left: Vec<Delivery> = std::iter::from_fn(|| state.take(&from.common)).collect();
            from.note_shut(&mut state);
            let pressing = std::mem::take(&mut state.pressing);
            wake(state);
            (left, pressing)
        };
        if pressing {
            from.common.room.notify_waiters();
        }
        let mut state = lock(&self.state);
        for delivery in left.into_iter().rev() {
            state.put_first(delivery, &self.common);
        }
        self.note_shut(&mut state);
        wake(state);
    }

    pub(super) fn try_take(&self) -> Option<Delivery> {
        let mut state = lock(&self.state);
        let delivery = state.take(&self.common);
        self.note_shut(&mut state);
        if state.pressing && self.durable() == 0 && !state.shut && !self.is_crowded(&state) {
            state.pressing = false;
            drop(state);
            self.stalled.store(false, Ordering::Relaxed);
            self.common.room.notify_waiters();
        }
        delivery
    }

    /// The next delivery; `None` once the queue was closed for being too slow and is empty. Safe to cancel.
    pub(super) fn take(&self) -> impl Future<Output = Option<Delivery>> + Send + '_ {
        std::future::poll_fn(|context| {
            loop {
                if let Some(delivery) = self.try_take() {
                    return Poll::Ready(Some(delivery));
                }
                if self.is_closed() {
                    return Poll::Ready(None);
                }
                ready!(self.poll_woken(context));
            }
        })
    }

    /// Returns when there is something to take, somebody rang, or the queue was closed. Safe to cancel.
    pub(super) fn woken(&self) -> impl Future<Output = ()> + Send + '_ {
        std::future::poll_fn(|context| self.poll_woken(context))
    }

    fn poll_woken(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        let rung = std::mem::take(&mut state.rung);
        if rung || state.closed || !state.is_empty() {
            return Poll::Ready(());
        }
        state.wait(context)
    }

    /// Returns once the queue was closed for being too slow. For a taker that must not take now. Safe to cancel.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send + '_ {
        std::future::poll_fn(|context| {
            let mut state = lock(&self.state);
            if state.closed {
                return Poll::Ready(());
            }
            state.wait(context)
        })
    }

    /// Whether publishers need not wait for it any longer.
    pub(super) fn is_relieved(&self) -> bool {
        let state = lock(&self.state);
        state.closed || !state.pressing || !self.is_online()
    }

    /// Asks publishers to wait, or lets them go on: for a taker whose deliveries wait elsewhere.
    pub(super) fn press(&self, on: bool, moved: bool) {
        let was_on = {
            let mut state = lock(&self.state);
            state.taken = state.taken.wrapping_add(u32::from(moved));
            std::mem::replace(&mut state.pressing, on)
        };
        if was_on && !on {
            self.stalled.store(false, Ordering::Relaxed);
            self.common.room.notify_waiters();
        }
    }

    /// Whether publishers should wait.
    pub(super) fn presses(&self) -> bool {
        lock(&self.state).pressing && self.is_online() && !self.is_stalled()
    }

    /// How much was taken so far.
    pub(super) fn taken(&self) -> u32 {
        lock(&self.state).taken
    }

    /// Publishers have waited in vain, and wait no more until it moves.
    pub(super) fn give_up(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        // Dropping what waits tells those who asked something that no answer will come.
        state.clear(&self.common);
        self.note_shut(&mut state);
        let pressing = std::mem::take(&mut state.pressing);
        drop(state);
        if pressing {
            self.common.room.notify_waiters();
        }
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.state).len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Wakes whoever takes, with the lock given back first.
fn wake(mut state: MutexGuard<'_, State>) {
    let taker = state.taker.take();
    drop(state);
    if let Some(taker) = taker {
        taker.wake();
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.close();
    }
}
