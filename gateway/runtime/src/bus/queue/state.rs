//! What a queue holds behind its lock.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::waiting::Waiting;
use super::{Common, Delivery};

#[derive(Debug, Default)]
pub(super) struct State {
    /// Made when the first delivery comes: most queues are those of takers that nobody tells anything.
    waiting: Option<Box<Waiting>>,
    pub(super) closed: bool,
    /// Publishers were asked to wait.
    pub(super) pressing: bool,
    /// It is full of what must not be dropped.
    pub(super) shut: bool,
    /// Deliveries taken so far, to see whether it moves.
    pub(super) taken: u32,
    /// Somebody rang.
    pub(super) rung: bool,
    /// Who takes from it, while it waits. There is one taker: a queue is taken from by one task at a time.
    pub(super) taker: Option<Waker>,
}

impl State {
    pub(super) fn wait(&mut self, context: &Context<'_>) -> Poll<()> {
        if !self
            .taker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            self.taker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn bytes(&self) -> u32 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes())
    }

    pub(super) fn put(&mut self, delivery: Delivery, size: u32, common: &Common) {
        common.bytes.fetch_add(delivery.share as usize, Ordering::Relaxed);
        self.waiting.get_or_insert_default().put(delivery, size);
    }

    /// Puts a delivery before all others, unless its message waits already.
    pub(super) fn put_first(&mut self, delivery: Delivery, common: &Common) {
        let waiting = self.waiting.get_or_insert_default();
        if !waiting.has(&delivery) {
            common.bytes.fetch_add(delivery.share as usize, Ordering::Relaxed);
            waiting.put_first(delivery);
        }
    }

    pub(super) fn take(&mut self, common: &Common) -> Option<Delivery> {
        let waiting = self.waiting.as_mut()?;
        let delivery = waiting.take(0)?;
        if waiting.is_spent() {
            self.waiting = None;
        }
        common.bytes.fetch_sub(delivery.share as usize, Ordering::Relaxed);
        self.taken = self.taken.wrapping_add(1);
        Some(delivery)
    }

    pub(super) fn oldest_unreliable(&self) -> Option<usize> {
        self.waiting.as_ref()?.oldest_unreliable()
    }

    pub(super) fn drop_at(&mut self, at: usize, common: &Common) {
        let dropped = self.waiting.as_mut().and_then(|waiting| waiting.take(at));
        if let Some(delivery) = dropped {
            common.bytes.fetch_sub(delivery.share as usize, Ordering::Relaxed);
        }
    }

    pub(super) fn clear(&mut self, common: &Common) {
        while self.take(common).is_some() {}
        self.waiting = None;
    }
}
