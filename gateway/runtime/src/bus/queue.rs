//! The bounded queue in front of one taker.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::message::{Delivery, QoS};
use crate::lock;

/// What happens when a taker's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The oldest delivery goes: right for live values, where only the newest matter.
    DropOldest,
    /// The new delivery is not taken: right for requests, whose asker then hears "busy".
    DropNewest,
    /// The oldest QoS 0 delivery goes, or the new one if it is the only one. If there is none, the queue is closed and
    /// its taker disconnected: right for network sessions, where a delivery of QoS 1 must not vanish in silence.
    ShedThenClose,
}

/// A burst leaves a queue's memory behind; above this many places it is given back once the queue is empty.
const KEEP_PLACES: usize = 64;

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Delivery>,
    /// How many of them are QoS 0.
    unreliable: usize,
    closed: bool,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Notify,
    capacity: usize,
    policy: Policy,
    dropped: AtomicU64,
    dropped_in_all: Arc<AtomicU64>,
}

impl Queue {
    pub(super) fn new(capacity: usize, policy: Policy, dropped_in_all: Arc<AtomicU64>) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            capacity: capacity.max(1),
            policy,
            dropped: AtomicU64::new(0),
            dropped_in_all,
        }
    }

    fn count_drop(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.dropped_in_all.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a delivery by the queue's policy. Returns whether it is in the queue now.
    pub(super) fn push(&self, delivery: Delivery) -> bool {
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        if state.waiting.len() >= self.capacity {
            self.count_drop();
            match self.policy {
                Policy::DropNewest => return false,
                Policy::DropOldest => state.drop_at(0),
                Policy::ShedThenClose => match state.oldest_unreliable() {
                    Some(at) => state.drop_at(at),
                    // The new one is the only one that may be lost.
                    None if delivery.qos == QoS::AtMostOnce => return false,
                    None => {
                        state.closed = true;
                        drop(state);
                        self.wake.notify_one();
                        return false;
                    }
                },
            }
        }
        state.put(delivery);
        drop(state);
        self.wake.notify_one();
        true
    }

    /// Takes a delivery only if there is room.
    pub(super) fn offer(&self, delivery: Delivery) -> bool {
        let mut state = lock(&self.state);
        if state.closed || state.waiting.len() >= self.capacity {
            return false;
        }
        state.put(delivery);
        drop(state);
        self.wake.notify_one();
        true
    }

    pub(super) fn try_take(&self) -> Option<Delivery> {
        lock(&self.state).take()
    }

    /// The next delivery; `None` once the queue was closed for being too slow and is empty. Safe to cancel.
    pub(super) async fn take(&self) -> Option<Delivery> {
        loop {
            {
                let mut state = lock(&self.state);
                if let Some(delivery) = state.take() {
                    return Some(delivery);
                }
                if state.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Returns once the queue was closed for being too slow. For a taker that must not take now. Safe to cancel.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.wake.notified().await;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        // Dropping what waits tells those who asked something that no answer will come.
        state.waiting = VecDeque::new();
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl State {
    fn put(&mut self, delivery: Delivery) {
        self.unreliable += usize::from(delivery.qos == QoS::AtMostOnce);
        self.waiting.push_back(delivery);
    }

    fn take(&mut self) -> Option<Delivery> {
        let delivery = self.waiting.pop_front()?;
        self.unreliable -= usize::from(delivery.qos == QoS::AtMostOnce);
        if self.waiting.is_empty() && self.waiting.capacity() > KEEP_PLACES {
            self.waiting = VecDeque::new();
        }
        Some(delivery)
    }

    fn oldest_unreliable(&self) -> Option<usize> {
        if self.unreliable == 0 {
            return None;
        }
        self.waiting
            .iter()
            .position(|delivery| delivery.qos == QoS::AtMostOnce)
    }

    fn drop_at(&mut self, at: usize) {
        if let Some(delivery) = self.waiting.remove(at) {
            self.unreliable -= usize::from(delivery.qos == QoS::AtMostOnce);
        }
    }
}
