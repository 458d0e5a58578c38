//! A taker: its filters and its queue. Dropping it takes it off the bus.

use std::sync::Arc;

use roost_model::Filter;

use super::Bus;
use super::filters::{Entry, FamilyId, Template};
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
    /// The family that it is in by this filter; the name stands in the filter.
    family: Option<FamilyId>,
}

/// A taker's place in a family: what it listens to under its name.
#[derive(Debug, PartialEq, Eq)]
struct Member {
    family: FamilyId,
    name: Arc<str>,
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
    /// A box, because sessions of clients have none.
    member: Option<Box<Member>>,
}

impl Subscription {
    pub(super) fn new(bus: Bus, queue: Arc<Queue>) -> Self {
        Self {
            bus,
            queue,
            taken: Vec::new(),
            member: None,
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
                family: None,
            });
        }
    }

    /// Takes over what waits for the taker of this bell, before what waits here; that one gets nothing any more. For
    /// the successor of a taker that can't be reached but through its bell, and that listened until now: what both
    /// were given comes once.
    pub fn inherit(&self, from: &Bell) {
        if !Arc::ptr_eq(&self.queue, &from.0) {
            self.queue.inherit(&from.0);
        }
    }

    /// Adds a filter as one of many takers do, each with a name of its own in it: such a filter is kept once for all of
    /// them. In any other way it is the same as [`Self::listen`].
    pub fn listen_as<'a>(&mut self, name: &Arc<str>, filter: Filter, terms: impl Into<Terms<'a>>) {
        let terms = terms.into();
        let before = self.position(&filter, terms.group);
        let stands_alone = before.is_some_and(|at| self.taken[at].family.is_none());
        let template = Template::of(&filter, name).filter(|_| terms.group.is_none() && !stands_alone);
        let family = template.and_then(|template| {
            let entry = self.entry(terms);
            self.bus.0.write().join(&[template], name, entry)
        });
        let Some(family) = family else {
            return self.listen(filter, terms);
        };
        self.bus.tell_expecting(&filter);
        if before.is_none() {
            self.taken.reserve_exact(1);
            self.taken.push(Taken {
                filter,
                group: None,
                family: Some(family),
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

    /// Listens to exactly these filters from now on, instead of those before. `name` is the level by which they differ
    /// from the filters of its like: filters in which it stands are kept once for all of them.
    ///
    /// What is new is added before anything is removed, so that a topic that both cover is heard all the time.
    pub fn tune(&mut self, name: impl Into<Arc<str>>, wanted: &[Filter]) {
        let name = name.into();
        let (mut templates, mut alone) = (Vec::new(), Vec::new());
        for filter in wanted {
            match Template::of(filter, &name) {
                Some(template) if templates.contains(&template) => {}
                Some(template) => templates.push(template),
                None => alone.push(filter),
            }
        }
        let member = self.join(&name, &templates);
        if member.is_none() {
            alone = wanted.iter().collect();
        }
        for filter in &alone {
            if !self.has(filter, None) {
                self.listen((*filter).clone(), QoS::AtLeastOnce);
            }
        }
        let before = std::mem::replace(&mut self.member, member);
        if before != self.member {
            self.leave(before.as_deref());
        }
        let stale: Vec<Filter> = self
            .filters()
            .filter(|filter| !alone.contains(filter))
            .cloned()
            .collect();
        for filter in stale {
            self.remove(&filter, None);
        }
        for filter in wanted {
            self.bus.tell_expecting(filter);
        }
    }

    fn join(&self, name: &Arc<str>, templates: &[Template]) -> Option<Box<Member>> {
        if templates.is_empty() {
            return None;
        }
        let entry = self.entry(QoS::AtLeastOnce.into());
        let family = self.bus.0.write().join(templates, name, entry)?;
        let name = Arc::clone(name);
        Some(Box::new(Member { family, name }))
    }

    fn entry(&self, terms: Terms<'_>) -> Entry {
        Entry {
            queue: Arc::clone(&self.queue),
            qos: terms.qos,
            serves: false,
            no_local: terms.no_local,
        }
    }

    fn leave(&self, member: Option<&Member>) {
        if let Some(Member { family, name }) = member {
            self.bus.0.write().leave(*family, name, &self.queue);
        }
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
        let taken = self.taken.swap_remove(index);
        self.take_off(&taken)
    }

    /// Takes a filter off the bus.
    fn take_off(&self, taken: &Taken) -> bool {
        let Taken {
            filter,
            group,
            family,
        } = taken;
        match family {
            None => self.bus.remove(filter, group.as_deref(), &self.queue),
            Some(family) => self.bus.0.write().leave_by(*family, filter, &self.queue),
        }
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
    pub fn recv(&self) -> impl Future<Output = Option<Delivery>> + Send + '_ {
        self.queue.take()
    }

    /// The next delivery, if one waits.
    #[must_use]
    pub fn try_recv(&self) -> Option<Delivery> {
        self.queue.try_take()
    }

    /// Returns when there may be something to take, or the queue was closed. Safe to cancel.
    pub fn woken(&self) -> impl Future<Output = ()> + Send + '_ {
        self.queue.woken()
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
    pub fn overflowed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.queue.closed()
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
        for taken in &self.taken {
            self.take_off(taken);
        }
        let member = self.member.take();
        self.leave(member.as_deref());
        self.queue.close();
    }
}
