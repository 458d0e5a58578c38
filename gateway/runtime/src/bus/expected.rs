//! Takers that are expected: who wants to publish only when somebody listens is told when that may be so.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use roost_model::{Filter, Topic};

use super::Bus;

type Tell = Arc<dyn Fn() + Send + Sync>;

/// Who waits for takers, by topic.
#[derive(Default)]
pub(super) struct Expectations {
    next: u64,
    tells: BTreeMap<Topic, Vec<(u64, Tell)>>,
}

impl std::fmt::Debug for Expectations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.tells.keys()).finish()
    }
}

impl Expectations {
    fn add(&mut self, topic: Topic, tell: Tell) -> u64 {
        self.next += 1;
        self.tells.entry(topic).or_default().push((self.next, tell));
        self.next
    }

    fn remove(&mut self, topic: &Topic, number: u64) {
        if let Some(tells) = self.tells.get_mut(topic) {
            tells.retain(|(other, _)| *other != number);
            if tells.is_empty() {
                self.tells.remove(topic);
            }
        }
    }

    /// Who is to be told that there is a taker of `filter` now.
    fn of(&self, filter: &Filter) -> Vec<Tell> {
        if self.tells.is_empty() {
            return Vec::new();
        }
        let text = filter.as_str();
        let literal = text.find(['+', '#']).map_or(text, |wildcard| &text[..wildcard]);
        let prefix = literal.trim_end_matches('/');
        let from = match Topic::new(prefix) {
            Ok(first) => Bound::Included(first),
            Err(_) => Bound::Unbounded,
        };
        self.tells
            .range((from, Bound::Unbounded))
            .take_while(|(topic, _)| topic.as_str().starts_with(prefix))
            .filter(|(topic, _)| filter.matches(topic))
            .flat_map(|(_, tells)| tells.iter().map(|(_, tell)| Arc::clone(tell)))
            .collect()
    }
}

/// A wish to be told of takers; dropping it ends that. See [`Bus::expect`].
#[derive(Debug)]
pub struct Expected {
    bus: Bus,
    topic: Topic,
    number: u64,
}

impl Expected {
    fn new(bus: Bus, topic: Topic, tell: Tell) -> Self {
        let number = crate::lock(&bus.0.expected).add(topic.clone(), tell);
        Self { bus, topic, number }
    }
}

impl Bus {
    /// Calls `tell` whenever somebody begins to take `topic`, until what is returned is dropped. Ask first, then look
    /// with [`Bus::has_takers`]: then nobody comes in between unseen.
    #[must_use]
    pub fn expect(&self, topic: Topic, tell: impl Fn() + Send + Sync + 'static) -> Expected {
        Expected::new(self.clone(), topic, Arc::new(tell))
    }

    /// Somebody has begun to take `filter`. Nobody is told while a lock is held.
    pub(super) fn tell_expecting(&self, filter: &Filter) {
        let expecting = crate::lock(&self.0.expected).of(filter);
        for tell in expecting {
            tell();
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        crate::lock(&self.bus.0.expected).remove(&self.topic, self.number);
    }
}
