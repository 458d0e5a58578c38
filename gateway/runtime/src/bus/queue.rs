//! The bounded queue in front of one taker.

mod waiting;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::Notify;

use super::message::{Delivery, QoS};
use super::policy::{Capacity, Policy};
use crate::lock;
use waiting::{Waiting, size};

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
}

#[derive(Debug, Default)]
struct State {
    /// Made when the first delivery comes: most queues are those of takers that nobody tells anything.
    waiting: Option<Box<Waiting>>,
    closed: bool,
    /// Publishers were asked to wait.
    pressing: bool,
    /// Deliveries taken so far, to see whether it moves.
    taken: u32,
    /// Somebody rang.
    rung: bool,
    /// Who takes from it, while it waits. There is one taker: a queue is taken from by one task at a time.
    taker: Option<Waker>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed {
    /// Whether it is in the queue now.
    pub(super) taken: bool,
    /// Whether its publisher should wait before it publishes more.
    pub(super) press: bool,
    /// Whether its publisher should let others run before it publishes more.
    pub(super) crowded: bool,
}

const REFUSED: Pushed = Pushed {
    taken: false,
    press: false,
    crowded: false,
};

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    common: Arc<Common>,
    dropped: AtomicU64,
    /// The taker's number in the ledger; 0 if it has none.
    durable: u64,
    capacity: Capacity,
    policy: Policy,
    /// Whether anybody takes from it now; a session whose client is away does not.
    online: AtomicBool,
    /// Whether the taker made publishers wait in vain.
    stalled: AtomicBool,
}

impl Queue {
    pub(super) fn new(capacity: Capacity, policy: Policy, common: Arc<Common>, durable: u64) -> Self {
        Self {
            state: Mutex::default(),
            common,
            dropped: AtomicU64::new(0),
            durable,
            capacity,
            policy,
            online: AtomicBool::new(true),
            stalled: AtomicBool::new(false),
        }
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    pub(super) fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }

    pub(super) fn set_online(&self, online: bool) {
        self.online.store(online, Ordering::Relaxed);
        if !online {
            lock(&self.state).clear(&self.common);
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

    /// Takes a delivery by the queue's policy.
    pub(super) fn push(&self, delivery: Delivery) -> Pushed {
        let size = size(&delivery);
        let qos = delivery.qos;
        let mut state = lock(&self.state);
        if state.closed || !self.is_online() {
            return REFUSED;
        }
        while self.is_full(&state, size) {
            self.count_drop();
            match self.policy {
                Policy::DropNewest => return REFUSED,
                Policy::DropOldest | Policy::HoldThenDrop if state.is_empty() => return REFUSED,
                Policy::DropOldest => state.drop_at(0, &self.common),
                Policy::HoldThenDrop => match state.oldest_unreliable() {
                    Some(at) => state.drop_at(at, &self.common),
                    None if qos == QoS::AtMostOnce => return REFUSED,
                    None => state.drop_at(0, &self.common),
                },
                Policy::ShedThenClose => match state.oldest_unreliable() {
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
        let holds = matches!(self.policy, Policy::HoldThenDrop | Policy::ShedThenClose);
        let crowded = holds && self.is_crowded(&state);
        let press = crowded && qos > QoS::AtMostOnce;
        state.pressing |= press;
        wake(state);
        Pushed {
            taken: true,
            press: press && !self.stalled.load(Ordering::Relaxed),
            crowded,
        }
    }

    /// Takes a delivery only if there is room.
    pub(super) fn offer(&self, delivery: Delivery) -> bool {
        let size = size(&delivery);
        let mut state = lock(&self.state);
        if state.closed || self.is_full(&state, size) {
            return false;
        }
        state.put(delivery, size, &self.common);
        wake(state);
        true
    }

    pub(super) fn try_take(&self) -> Option<Delivery> {
        let mut state = lock(&self.state);
        let delivery = state.take(&self.common);
        if state.pressing && self.durable == 0 && !self.is_crowded(&state) {
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
        lock(&self.state).pressing && self.is_online() && !self.stalled.load(Ordering::Relaxed)
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

impl State {
    fn wait(&mut self, context: &Context<'_>) -> Poll<()> {
        if !self
            .taker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            self.taker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn len(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.len())
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn bytes(&self) -> u32 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes())
    }

    fn put(&mut self, delivery: Delivery, size: u32, common: &Common) {
        common.bytes.fetch_add(delivery.share as usize, Ordering::Relaxed);
        self.waiting.get_or_insert_default().put(delivery, size);
    }

    fn take(&mut self, common: &Common) -> Option<Delivery> {
        let waiting = self.waiting.as_mut()?;
        let delivery = waiting.take(0)?;
        if waiting.is_spent() {
            self.waiting = None;
        }
        common.bytes.fetch_sub(delivery.share as usize, Ordering::Relaxed);
        self.taken = self.taken.wrapping_add(1);
        Some(delivery)
    }

    fn oldest_unreliable(&self) -> Option<usize> {
        self.waiting.as_ref()?.oldest_unreliable()
    }

    fn drop_at(&mut self, at: usize, common: &Common) {
        let dropped = self.waiting.as_mut().and_then(|waiting| waiting.take(at));
        if let Some(delivery) = dropped {
            common.bytes.fetch_sub(delivery.share as usize, Ordering::Relaxed);
        }
    }

    fn clear(&mut self, common: &Common) {
        while self.take(common).is_some() {}
        self.waiting = None;
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.close();
    }
}
