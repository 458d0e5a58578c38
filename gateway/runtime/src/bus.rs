//! The bus: one topic space for readings, raw device traffic and commands, with the filter rules of MQTT.
//!
//! Publishing never waits. Every taker has a bounded queue with a policy of its own for the case that it is full, and
//! counts what it lost. A body is encoded once; takers share it.

mod expected;
mod filters;
mod group;
mod ledger;
mod limits;
mod message;
mod policy;
mod pressure;
mod published;
mod queue;
mod request;
mod retained;
mod subscription;

#[cfg(test)]
mod tests;

pub use expected::Expected;
pub use ledger::{Ledger, Receipt, Taken};
pub use limits::BusLimits;
pub use message::{Delivery, Extra, Message, QoS, ReplyTo};
pub use policy::{Capacity, Policy};
pub use pressure::Pressure;
pub use published::{Origin, Published};
pub use request::RequestError;
pub use subscription::{Bell, Subscription, Terms};

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use roost_model::{Filter, Topic};
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::lock;
use filters::{Entry, Filters, Found};
use queue::{Common, Queue, Whose};
use retained::{Outcome, Retained};

/// Counters of the bus since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusStats {
    /// Messages published.
    pub published: u64,
    /// Messages put into takers' queues.
    pub delivered: u64,
    /// Messages that a full queue cost, by whatever policy.
    pub dropped: u64,
    /// Bytes that wait in all queues now.
    pub queued_bytes: u64,
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
    retain_refused: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    filters: RwLock<Filters>,
    retained: Mutex<Retained>,
    expected: Mutex<expected::Expectations>,
    counters: Counters,
    queues: Arc<Common>,
    ledger: OnceLock<Arc<dyn Ledger>>,
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, Filters> {
        self.filters.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Filters> {
        self.filters.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takers that a ledger writes down, with the QoS each gets.
type Durable = SmallVec<[(u64, QoS); 4]>;

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
            expected: Mutex::default(),
            counters: Counters::default(),
            queues: Arc::new(Common {
                dropped: AtomicU64::new(0),
                bytes: AtomicUsize::new(0),
                bytes_max: limits.queued_bytes,
                room: Notify::new(),
                shut: AtomicUsize::new(0),
            }),
            ledger: OnceLock::new(),
        }))
    }

    /// Sets who writes down what durable takers are given. Only the first call counts.
    pub fn set_ledger(&self, ledger: Arc<dyn Ledger>) {
        let _ = self.0.ledger.set(ledger);
    }

    /// Publishes and returns how many took it. A message to retain replaces the one retained before; an empty one
    /// clears it (MQTT 3.1.1 section 3.3.1.3).
    pub fn publish(&self, message: Message) -> usize {
        self.publish_from(message, Origin::default()).takers
    }

    /// Publishes a message of which the bus has to know where it comes from.
    pub fn publish_from(&self, message: Message, origin: Origin<'_>) -> Published {
        let message = Arc::new(message);
        let counters = &self.0.counters;
        counters.published.fetch_add(1, Ordering::Relaxed);
        if message.retain {
            self.retain(&message);
        }
        let mut durable = Durable::new();
        let mut published = self.put(&message, origin, &mut durable);
        let receipt = origin.receipt.filter(|_| !published.denied);
        if (!durable.is_empty() || receipt.is_some())
            && let Some(ledger) = self.0.ledger.get()
        {
            let taken = ledger.take(&message, &durable, receipt);
            published.takers += taken.takers;
            published.barrier = taken.barrier;
        }
        counters
            .delivered
            .fetch_add(published.takers as u64, Ordering::Relaxed);
        published
    }

    fn retain(&self, message: &Arc<Message>) {
        let outcome = lock(&self.0.retained).set(message);
        match outcome {
            Outcome::Changed => self.note_retained(message),
            Outcome::Unchanged => {}
            Outcome::Refused => {
                self.0.counters.retain_refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells the ledger that what clients have left retained has changed.
    fn note_retained(&self, message: &Message) {
        if !message.own
            && let Some(ledger) = self.0.ledger.get()
        {
            ledger.retained(&message.topic);
        }
    }

    /// Removes retained messages whose time has passed: nobody is given them, but they take space.
    pub fn remove_expired(&self) {
        let removed = lock(&self.0.retained).remove_expired();
        for message in removed {
            self.note_retained(&message);
        }
    }

    /// Puts a message into the queues of its takers: into each once, with the highest QoS of its filters that match.
    fn put(&self, message: &Arc<Message>, origin: Origin<'_>, durable: &mut Durable) -> Published {
        let filters = self.0.read();
        let mut found = Found::default();
        filters.collect(&message.topic, &mut found);
        if let Some(publisher) = origin.publisher {
            // Before the highest is looked for: another filter of the publisher may want its own messages.
            let own = publisher.queue();
            found
                .entries
                .retain(|entry| !(entry.no_local && Arc::ptr_eq(own, &entry.queue)));
        }
        if found.entries.len() > 1 {
            highest_of_each(&mut found.entries);
        }
        let count = found.entries.len() + found.shared.len();
        // A message is shared, its place in a queue is not.
        let share = message.footprint() / count.max(1) + size_of::<Delivery>();
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let mut published = Published::default();
        for entry in found.entries.iter().chain(&found.shared) {
            let queue = &entry.queue;
            let qos = message.qos.min(entry.qos);
            if queue.durable() != 0 && qos > QoS::AtMostOnce {
                durable.push((queue.durable(), qos));
                if published.pressure.is_none() && queue.presses() {
                    published.pressure = Some(Pressure::of(queue, &self.0.queues));
                }
                continue;
            }
            let pushed = queue.push(Delivery {
                message: Arc::clone(message),
                qos,
                retained: false,
                share,
                reply: None,
            });
            published.takers += usize::from(pushed.taken);
            published.crowded |= pushed.crowded;
            published.denied |= pushed.denied;
            if pushed.press && published.pressure.is_none() {
                published.pressure = Some(Pressure::of(queue, &self.0.queues));
            }
        }
        published
    }

    /// Whether anybody takes this topic now. Spares encoding what nobody reads.
    #[must_use]
    pub fn has_takers(&self, topic: &Topic) -> bool {
        let filters = self.0.read();
        let mut found = Found::default();
        filters.collect(topic, &mut found);
        !found.entries.is_empty() || !found.shared.is_empty()
    }

    /// Whether a client takes this topic now: the one of this name, or any. The gateway's own takers are none, whatever
    /// they listen to.
    #[must_use]
    pub fn is_taken_by_client(&self, topic: &Topic, name: Option<&str>) -> bool {
        let filters = self.0.read();
        let mut found = Found::default();
        filters.collect(topic, &mut found);
        let mut clients = found
            .entries
            .iter()
            .chain(&found.shared)
            .filter_map(|entry| entry.queue.client());
        clients.any(|client| name.is_none_or(|name| name == client))
    }

    /// A taker of the gateway's own, without filters yet. `capacity` is how much waits for it at most, `policy` what
    /// happens then.
    #[must_use]
    pub fn subscriber(&self, capacity: impl Into<Capacity>, policy: Policy) -> Subscription {
        self.taker(Whose::default(), capacity.into(), policy)
    }

    /// The taker of a client. With a number `durable` other than 0 its deliveries of QoS 1 and 2 go to the ledger
    /// under that number, and to no queue.
    #[must_use]
    pub fn client_subscriber(
        &self,
        client: &Arc<str>,
        durable: u64,
        capacity: impl Into<Capacity>,
        policy: Policy,
    ) -> Subscription {
        let client = Some(Arc::clone(client));
        self.taker(Whose { client, durable }, capacity.into(), policy)
    }

    fn taker(&self, whose: Whose, capacity: Capacity, policy: Policy) -> Subscription {
        let queue = Queue::new(capacity, policy, Arc::clone(&self.0.queues), whose);
        Subscription::new(self.clone(), Arc::new(queue))
    }

    /// A taker of one filter, with what is retained under it already in its queue as far as there is room.
    #[must_use]
    pub fn subscribe(&self, filter: Filter, capacity: impl Into<Capacity>, policy: Policy) -> Subscription {
        let mut subscription = self.subscriber(capacity, policy);
        for message in subscription.add(filter, QoS::AtLeastOnce) {
            let qos = message.qos;
            subscription.queue().push(Delivery {
                message,
                qos,
                retained: true,
                share: 0,
                reply: None,
            });
        }
        subscription
    }

    /// What is retained under `filter`, in the order of the topics.
    #[must_use]
    pub fn retained(&self, filter: &Filter) -> Vec<Arc<Message>> {
        let mut found = lock(&self.0.retained).page(filter, None, usize::MAX);
        found.retain(|message| !message.is_expired());
        found
    }

    /// A page of what is retained under `filter`, in the order of the topics: those after one of them, at most so many.
    /// Those whose time has passed are among them.
    #[must_use]
    pub fn retained_after(&self, filter: &Filter, after: Option<&Topic>, most: usize) -> Vec<Arc<Message>> {
        lock(&self.0.retained).page(filter, after, most)
    }

    /// What is retained for exactly this topic.
    #[must_use]
    pub fn retained_at(&self, topic: &Topic) -> Option<Arc<Message>> {
        lock(&self.0.retained)
            .get(topic)
            .filter(|message| !message.is_expired())
    }

    /// What clients have left retained, in the order of the topics; the gateway's own words are not among it.
    #[must_use]
    pub fn retained_of_clients(&self) -> Vec<Arc<Message>> {
        lock(&self.0.retained).of_clients()
    }

    /// Bytes that the filters of all takers take.
    #[must_use]
    pub fn filter_bytes(&self) -> usize {
        self.0.read().bytes()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        let counters = &self.0.counters;
        BusStats {
            published: counters.published.load(Ordering::Relaxed),
            delivered: counters.delivered.load(Ordering::Relaxed),
            dropped: self.0.queues.dropped.load(Ordering::Relaxed),
            queued_bytes: self.0.queues.bytes.load(Ordering::Relaxed) as u64,
            retain_refused: counters.retain_refused.load(Ordering::Relaxed),
            retained: lock(&self.0.retained).len() as u64,
            filters: self.0.read().len() as u64,
        }
    }

    fn insert(&self, filter: &Filter, group: Option<&str>, entry: Entry) {
        self.0.write().insert(filter, group, entry);
        self.tell_expecting(filter);
    }

    fn remove(&self, filter: &Filter, group: Option<&str>, queue: &Arc<Queue>) -> bool {
        self.0.write().remove(filter, group, queue)
    }
}

/// Of the entries of each taker, leaves the one with the highest QoS.
fn highest_of_each(entries: &mut SmallVec<[&Entry; 8]>) {
    entries.sort_unstable_by_key(|entry| (Arc::as_ptr(&entry.queue), std::cmp::Reverse(entry.qos)));
    entries.dedup_by(|later, first| Arc::ptr_eq(&later.queue, &first.queue));
}

impl Default for Bus {
    fn default() -> Self {
        Self::new(BusLimits::default())
    }
}
