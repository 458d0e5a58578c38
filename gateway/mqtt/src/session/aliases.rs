//! Topic aliases of one client (MQTT 5 section 3.3.2.3.4), within a budget that all clients share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use roost_model::Topic;

use crate::limits::{ALIAS_BYTES, Limits};

/// What the aliases of all clients take together.
#[derive(Debug)]
pub(crate) struct AliasBudget {
    bytes: AtomicUsize,
    most: usize,
    /// What one client may have although all have more than they should.
    share: usize,
}

impl AliasBudget {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            most: limits.alias_bytes,
            share: limits.alias_bytes / limits.connections.max(1),
        })
    }
}

/// The aliases of one client. Dropping them gives back what they took.
#[derive(Debug)]
pub(super) struct Aliases {
    /// Topics that the client's aliases stand for.
    inward: HashMap<u16, Topic>,
    /// Aliases that the client was told.
    outward: HashMap<Topic, u16>,
    outward_max: u16,
    bytes: usize,
    budget: Arc<AliasBudget>,
}

impl Aliases {
    /// None yet; `outward_max` is how many the client takes.
    pub(super) fn new(budget: &Arc<AliasBudget>, outward_max: u16) -> Self {
        Self {
            inward: HashMap::new(),
            outward: HashMap::new(),
            outward_max,
            bytes: 0,
            budget: Arc::clone(budget),
        }
    }

    /// The topic that an alias of the client's stands for.
    pub(super) fn topic(&self, alias: u16) -> Option<&Topic> {
        self.inward.get(&alias)
    }

    /// Lets an alias of the client's stand for a topic. `false` if there is no room for it.
    #[must_use]
    pub(super) fn set(&mut self, alias: u16, topic: &Topic) -> bool {
        if self.inward.get(&alias) == Some(topic) {
            return true;
        }
        if !self.take(cost(topic)) {
            return false;
        }
        if let Some(before) = self.inward.insert(alias, topic.clone()) {
            self.give_back(cost(&before));
        }
        true
    }

    /// The alias to send a topic with, and whether the client knows it already. `None` if the client takes no more of
    /// them, or there is no room.
    pub(super) fn outward(&mut self, topic: &Topic) -> Option<(u16, bool)> {
        if let Some(alias) = self.outward.get(topic) {
            return Some((*alias, true));
        }
        let next = u16::try_from(self.outward.len() + 1).ok()?;
        if next > self.outward_max || !self.take(cost(topic)) {
            return None;
        }
        self.outward.insert(topic.clone(), next);
        Some((next, false))
    }

    fn take(&mut self, bytes: usize) -> bool {
        let all = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bytes += bytes;
        let fits = all <= self.budget.most || self.bytes <= self.budget.share;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Aliases {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

fn cost(topic: &Topic) -> usize {
    topic.as_str().len() + ALIAS_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::new(text).unwrap()
    }

    /// Room for ten aliases of one letter, of which each of two clients has five for sure.
    fn budget() -> Arc<AliasBudget> {
        AliasBudget::new(&Limits {
            alias_bytes: 10 * (ALIAS_BYTES + 1),
            connections: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn one_client_may_take_all_and_the_next_still_has_its_share() {
        let budget = budget();
        let (mut greedy, mut modest) = (Aliases::new(&budget, 32), Aliases::new(&budget, 32));
        let taken = (1..=20).filter(|alias| greedy.set(*alias, &topic("t"))).count();
        assert_eq!(taken, 10);
        let taken = (1..=20).filter(|alias| modest.set(*alias, &topic("t"))).count();
        assert_eq!(taken, 5);
        assert_eq!(
            greedy.outward(&topic("o")),
            None,
            "it is sent by its name instead"
        );
        assert!(greedy.set(3, &topic("t")), "what is known takes nothing");
        drop(greedy);
        assert_eq!(modest.outward(&topic("o")), Some((1, false)));
        assert_eq!(modest.outward(&topic("o")), Some((1, true)));
        drop(modest);
        assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_alias_that_gets_another_topic_takes_the_room_of_the_new_one_only() {
        let budget = budget();
        let mut aliases = Aliases::new(&budget, 0);
        for number in 0..1000 {
            assert!(aliases.set(1, &topic(&(number % 7).to_string())));
        }
        assert_eq!(budget.bytes.load(Ordering::Relaxed), ALIAS_BYTES + 1);
        assert_eq!(aliases.outward(&topic("o")), None, "the client takes none");
    }
}
