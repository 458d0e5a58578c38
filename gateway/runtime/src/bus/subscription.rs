//! A taker: its filters and its queue. Dropping it takes it off the bus.

use std::sync::Arc;

use roost_model::Filter;

use super::Bus;
use super::filters::Entry;
use super::message::{Delivery, Message, QoS};
use super::queue::Queue;

/// One taker on the bus. All its filters feed one queue; a message that several of them select comes once.
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    queue: Arc<Queue>,
    filters: Vec<Filter>,
}

impl Subscription {
    pub(super) fn new(bus: Bus, queue: Arc<Queue>) -> Self {
        Self {
            bus,
            queue,
            filters: Vec::new(),
        }
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    fn insert(&mut self, filter: Filter, qos: QoS, serves: bool) {
        self.bus.insert(
            &filter,
            Entry {
                queue: Arc::clone(&self.queue),
                qos,
                serves,
            },
        );
        if !self.filters.contains(&filter) {
            self.filters.push(filter);
        }
    }

    /// Adds a filter, or changes its QoS, and returns what is retained under it. The messages are pointers: the taker
    /// sends them at its own pace, however many there are, and nothing is dropped.
    ///
    /// A message published meanwhile may appear both there and in the queue, never in neither.
    pub fn add(&mut self, filter: Filter, qos: QoS) -> Vec<Arc<Message>> {
        self.insert(filter.clone(), qos, false);
        self.bus.retained(&filter)
    }

    /// Adds a filter whose requests this taker answers. Messages published there reach it too, without a
    /// [`Delivery::reply`].
    pub fn serve(&mut self, filter: Filter) {
        self.insert(filter, QoS::AtLeastOnce, true);
    }

    /// Removes a filter. Returns whether it was there.
    pub fn remove(&mut self, filter: &Filter) -> bool {
        let Some(index) = self.filters.iter().position(|other| other == filter) else {
            return false;
        };
        self.filters.swap_remove(index);
        self.bus.remove(filter, &self.queue)
    }

    /// Its filters.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// The next delivery; `None` once the queue was closed because this taker was too slow. Safe to cancel.
    pub async fn recv(&self) -> Option<Delivery> {
        self.queue.take().await
    }

    /// The next delivery, if one waits.
    #[must_use]
    pub fn try_recv(&self) -> Option<Delivery> {
        self.queue.try_take()
    }

    /// Whether the queue was closed because this taker was too slow.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns once the queue was closed because this taker was too slow: what a taker waits for that cannot take
    /// anything now. Safe to cancel.
    pub async fn overflowed(&self) {
        self.queue.closed().await;
    }

    /// Deliveries that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Deliveries that this taker lost because its queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for filter in &self.filters {
            self.bus.remove(filter, &self.queue);
        }
        self.queue.close();
    }
}
