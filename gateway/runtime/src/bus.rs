//! The bus: one topic space for readings, raw device traffic and commands, with the filter rules of MQTT.
//!
//! Publishing never waits. Every taker has a bounded queue with a policy of its own for the case that it is full, and
//! counts what it lost. A body is encoded once; takers share it.

mod filters;
mod message;
mod queue;
mod retained;
mod subscription;

#[cfg(test)]
mod tests;

pub use message::{Delivery, Message, QoS, ReplyTo};
pub use queue::Policy;
pub use subscription::Subscription;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;
use roost_model::{Filter, Topic};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::lock;
use filters::{Entry, Filters};
use queue::Queue;
use retained::Retained;

/// Limits of the bus.
#[derive(Debug, Clone, Copy)]
pub struct BusLimits {
    /// Most retained messages of clients.
    pub retained_messages: usize,
    /// Most bytes of the topics and bodies of those together.
    pub retained_bytes: usize,
}

impl Default for BusLimits {
    fn default() -> Self {
        Self {
            retained_messages: 200_000,
            retained_bytes: 64 << 20,
        }
    }
}

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Nobody serves this topic: the device is not running.
    #[error("nobody takes it: the device is not running")]
    NoTaker,
    /// The taker has too much to do.
    #[error("the taker's queue is full")]
    Busy,
    /// The taker ended before it answered.
    #[error("the taker ended before it answered")]
    Dropped,
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Timeout,
}

/// Counters of the bus since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusStats {
    /// Messages published.
    pub published: u64,
    /// Messages put into takers' queues.
    pub delivered: u64,
    /// Messages that a full queue cost, by whatever policy.
    pub dropped: u64,
    /// Retained messages now.
    pub retained: u64,
    /// Messages that were delivered but not retained, because the limit was reached.
    pub retain_refused: u64,
    /// Filters now.
    pub filters: u64,
}

#[derive(Debug, Default)]
struct Counters {
    published: AtomicU64,
    delivered: AtomicU64,
    dropped: Arc<AtomicU64>,
    retain_refused: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    filters: RwLock<Filters>,
    retained: Mutex<Retained>,
    counters: Counters,
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, Filters> {
        self.filters.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Filters> {
        self.filters.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bus. Cloning copies a pointer.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Inner>);

impl Bus {
    /// An empty bus.
    #[must_use]
    pub fn new(limits: BusLimits) -> Self {
        Self(Arc::new(Inner {
            filters: RwLock::default(),
            retained: Mutex::new(Retained::new(limits)),
            counters: Counters::default(),
        }))
    }

    /// Publishes and returns how many took it. A message to retain replaces the one retained before; an empty one
    /// clears it (MQTT 3.1.1 section 3.3.1.3).
    pub fn publish(&self, message: Message) -> usize {
        let message = Arc::new(message);
        self.0.counters.published.fetch_add(1, Ordering::Relaxed);
        if message.retain && !lock(&self.0.retained).set(&message) {
            self.0.counters.retain_refused.fetch_add(1, Ordering::Relaxed);
        }
        let mut takers = 0;
        for entry in self.takers(&message.topic) {
            let qos = message.qos.min(entry.qos);
            let delivery = Delivery {
                message: Arc::clone(&message),
                qos,
                retained: false,
                reply: None,
            };
            takers += usize::from(entry.queue.push(delivery));
        }
        self.0
            .counters
            .delivered
            .fetch_add(takers as u64, Ordering::Relaxed);
        takers
    }

    /// Who takes this topic: each taker once, with the highest QoS of its filters that match.
    fn takers(&self, topic: &Topic) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.0.read().collect(topic, &mut entries);
        if entries.len() > 1 {
            entries.sort_unstable_by_key(|entry: &Entry| {
                (Arc::as_ptr(&entry.queue), std::cmp::Reverse(entry.qos))
            });
            entries.dedup_by(|later, first| {
                let same = Arc::ptr_eq(&later.queue, &first.queue);
                first.serves |= same && later.serves;
                same
            });
        }
        entries
    }

    /// Whether anybody takes this topic now. Spares encoding what nobody reads.
    #[must_use]
    pub fn has_takers(&self, topic: &Topic) -> bool {
        !self.takers(topic).is_empty()
    }

    /// A taker without filters yet. `capacity` is how many deliveries wait for it at most, `policy` what happens then.
    #[must_use]
    pub fn subscriber(&self, capacity: usize, policy: Policy) -> Subscription {
        let queue = Queue::new(capacity, policy, Arc::clone(&self.0.counters.dropped));
        Subscription::new(self.clone(), Arc::new(queue))
    }

    /// A taker of one filter, with what is retained under it already in its queue as far as there is room.
    #[must_use]
    pub fn subscribe(&self, filter: Filter, capacity: usize, policy: Policy) -> Subscription {
        let mut subscription = self.subscriber(capacity, policy);
        for message in subscription.add(filter, QoS::AtLeastOnce) {
            let qos = message.qos;
            subscription.queue().push(Delivery {
                message,
                qos,
                retained: true,
                reply: None,
            });
        }
        subscription
    }

    /// Asks whoever serves `topic` and waits for the answer. See [`Subscription::serve`].
    ///
    /// # Errors
    /// [`RequestError`]; without a taker at once, not after the deadline.
    pub async fn request(
        &self,
        topic: Topic,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, RequestError> {
        let taker = self
            .takers(&topic)
            .into_iter()
            .find(|entry| entry.serves)
            .ok_or(RequestError::NoTaker)?;
        let (reply, answer) = oneshot::channel();
        let message = Message::new(topic, body).at_least_once();
        let qos = message.qos;
        let delivery = Delivery {
            message: Arc::new(message),
            qos,
            retained: false,
            reply: Some(ReplyTo(reply)),
        };
        if !taker.queue.offer(delivery) {
            return Err(RequestError::Busy);
        }
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(RequestError::Dropped),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// What is retained under `filter`, in the order of the topics.
    #[must_use]
    pub fn retained(&self, filter: &Filter) -> Vec<Arc<Message>> {
        lock(&self.0.retained).matching(filter)
    }

    /// What is retained for exactly this topic.
    #[must_use]
    pub fn retained_at(&self, topic: &Topic) -> Option<Arc<Message>> {
        lock(&self.0.retained).get(topic)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        let counters = &self.0.counters;
        BusStats {
            published: counters.published.load(Ordering::Relaxed),
            delivered: counters.delivered.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            retain_refused: counters.retain_refused.load(Ordering::Relaxed),
            retained: lock(&self.0.retained).len() as u64,
            filters: self.0.read().len() as u64,
        }
    }

    fn insert(&self, filter: &Filter, entry: Entry) {
        self.0.write().insert(filter, entry);
    }

    fn remove(&self, filter: &Filter, queue: &Arc<Queue>) -> bool {
        self.0.write().remove(filter, queue)
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new(BusLimits::default())
    }
}
