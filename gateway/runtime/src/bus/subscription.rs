//! A taker: its filters and its queue. Dropping it takes it off the bus.

use std::sync::Arc;

use roost_model::Filter;

use super::Bus;
use super::filters::Entry;
use super::message::{Delivery, Message, QoS};
use super::queue::Queue;

/// How a filter is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms<'a> {
    /// The highest QoS.
    pub qos: QoS,
    /// Whether what the taker itself publishes is left out (MQTT 5 section 3.8.3.1).
    pub no_local: bool,
    /// The group that shares the filter: each message goes to one of its members.
    pub group: Option<&'a str>,
}

impl From<QoS> for Terms<'_> {
    fn from(qos: QoS) -> Self {
        Self {
            qos,
            ..Self::default()
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Taken {
    filter: Filter,
    group: Option<Box<str>>,
}

/// What wakes a taker, and says whether its publishers should wait for it, without being the taker.
#[derive(Debug, Clone)]
pub struct Bell(Arc<Queue>);

impl Bell {
    /// Wakes the taker.
    pub fn ring(&self) {
        self.0.wake();
    }

    /// Whether it is this taker that it wakes.
    #[must_use]
    pub fn rings(&self, taker: &Subscription) -> bool {
        Arc::ptr_eq(&self.0, &taker.queue)
    }

    /// Asks publishers to wait, or lets them go on; `moved` says that the taker has just got on.
    pub fn press(&self, on: bool, moved: bool) {
        self.0.press(on, moved);
    }
}

/// One taker on the bus. All its filters feed one queue; a message that several of them select comes once.
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    queue: Arc<Queue>,
    taken: Vec<Taken>,
}

impl Subscription {
    pub(super) fn new(bus: Bus, queue: Arc<Queue>) -> Self {
        Self {
            bus,
            queue,
            taken: Vec::new(),
        }
    }

    pub(super) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    fn position(&self, filter: &Filter, group: Option<&str>) -> Option<usize> {
        self.taken
            .iter()
            .position(|taken| taken.filter == *filter && taken.group.as_deref() == group)
    }

    fn insert(&mut self, filter: Filter, terms: Terms<'_>, serves: bool) {
        let entry = Entry {
            queue: Arc::clone(&self.queue),
            qos: terms.qos,
            serves,
            no_local: terms.no_local,
        };
        self.bus.insert(&filter, terms.group, entry);
        if self.position(&filter, terms.group).is_none() {
            // Most takers have one filter for ever.
            self.taken.reserve_exact(1);
            self.taken.push(Taken {
                filter,
                group: terms.group.map(Into::into),
            });
        }
    }

    /// Adds a filter, or changes its terms, and returns what is retained under it. The messages are pointers: the taker
    /// sends them at its own pace, however many there are, and nothing is dropped.
    ///
    /// A message published meanwhile may appear both there and in the queue, never in neither.
    pub fn add<'a>(&mut self, filter: Filter, terms: impl Into<Terms<'a>>) -> Vec<Arc<Message>> {
        self.listen(filter.clone(), terms);
        self.bus.retained(&filter)
    }

    /// Adds a filter, or changes its terms, without a look at what is retained.
    pub fn listen<'a>(&mut self, filter: Filter, terms: impl Into<Terms<'a>>) {
        self.insert(filter, terms.into(), false);
    }

    /// Adds a filter whose requests this taker answers. Messages published there reach it too, without a
    /// [`Delivery::reply`].
    pub fn serve(&mut self, filter: Filter) {
        self.insert(filter, QoS::AtLeastOnce.into(), true);
    }

    /// Removes a filter, or the one that is shared with a group. Returns whether it was there.
    pub fn remove(&mut self, filter: &Filter, group: Option<&str>) -> bool {
        let Some(index) = self.position(filter, group) else {
            return false;
        };
        self.taken.swap_remove(index);
        self.bus.remove(filter, group, &self.queue)
    }

    /// Whether it has this filter.
    #[must_use]
    pub fn has(&self, filter: &Filter, group: Option<&str>) -> bool {
        self.position(filter, group).is_some()
    }

    /// Its filters that it shares with nobody.
    pub fn filters(&self) -> impl Iterator<Item = &Filter> {
        let own = self.taken.iter().filter(|taken| taken.group.is_none());
        own.map(|taken| &taken.filter)
    }

    /// How many filters it has.
    #[must_use]
    pub fn filter_count(&self) -> usize {
        self.taken.len()
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

    /// Returns when there may be something to take, or the queue was closed. Safe to cancel.
    pub async fn woken(&self) {
        self.queue.woken().await;
    }

    /// What wakes it.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.queue))
    }

    /// Says whether somebody takes from it. While nobody does, nothing is put into its queue; what was there is
    /// dropped. What its ledger takes is not touched.
    pub fn set_online(&self, online: bool) {
        self.queue.set_online(online);
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
        for Taken { filter, group } in &self.taken {
            self.bus.remove(filter, group.as_deref(), &self.queue);
        }
        self.queue.close();
    }
}
