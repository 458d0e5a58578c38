//! Retained messages: the last one of each topic, for those who subscribe later.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use roost_model::{Filter, Topic};

use super::BusLimits;
use super::message::Message;

/// A message in its place, which is its topic's.
#[derive(Debug)]
struct Kept(Arc<Message>);

impl Borrow<Topic> for Kept {
    fn borrow(&self) -> &Topic {
        &self.0.topic
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.topic.cmp(&other.0.topic)
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.0.topic == other.0.topic
    }
}

impl Eq for Kept {}

/// Ordered by topic, so that all below a prefix lie side by side.
#[derive(Debug)]
pub(super) struct Retained {
    messages: BTreeSet<Kept>,
    /// How many of them have an end.
    ending: usize,
    /// Messages and bytes that clients have left here; the gateway's own do not count.
    foreign: usize,
    foreign_bytes: usize,
    limits: BusLimits,
}

/// What became of a message that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is kept now, or what was there is gone.
    Changed,
    /// There was nothing to clear.
    Unchanged,
    /// A limit forbids to keep it.
    Refused,
}

/// What a message takes of the space that clients share.
fn share(message: &Message) -> (usize, usize) {
    if message.own {
        (0, 0)
    } else {
        (
            1,
            message.topic.as_str().len() + message.body.len() + message.properties().len(),
        )
    }
}

impl Retained {
    pub(super) fn new(limits: BusLimits) -> Self {
        Self {
            messages: BTreeSet::new(),
            ending: 0,
            foreign: 0,
            foreign_bytes: 0,
            limits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Keeps a message in place of the one before; an empty one only removes. If a limit forbids to keep it, the one
    /// before stays, since an old value with its time is better than none.
    pub(super) fn set(&mut self, message: &Arc<Message>) -> Outcome {
        if message.body.is_empty() {
            return match self.remove(&message.topic) {
                Some(_) => Outcome::Changed,
                None => Outcome::Unchanged,
            };
        }
        let (count_before, bytes_before) = self
            .messages
            .get(&message.topic)
            .map_or((0, 0), |before| share(&before.0));
        let (count, bytes) = share(message);
        let (foreign, foreign_bytes) = (
            self.foreign + count - count_before,
            self.foreign_bytes + bytes - bytes_before,
        );
        if !message.own
            && (foreign > self.limits.retained_messages || foreign_bytes > self.limits.retained_bytes)
        {
            return Outcome::Refused;
        }
        self.foreign = foreign;
        self.foreign_bytes = foreign_bytes;
        self.ending += usize::from(message.expires().is_some());
        if let Some(Kept(before)) = self.messages.replace(Kept(Arc::clone(message))) {
            self.ending -= usize::from(before.expires().is_some());
        }
        Outcome::Changed
    }

    fn remove(&mut self, topic: &Topic) -> Option<Arc<Message>> {
        let Kept(message) = self.messages.take(topic)?;
        let (count, bytes) = share(&message);
        self.foreign -= count;
        self.foreign_bytes -= bytes;
        self.ending -= usize::from(message.expires().is_some());
        Some(message)
    }

    /// Removes those whose time has passed, and returns them.
    pub(super) fn remove_expired(&mut self) -> Vec<Arc<Message>> {
        if self.ending == 0 {
            return Vec::new();
        }
        let now = Instant::now();
        let is_over = |kept: &&Kept| kept.0.expires().is_some_and(|at| at <= now);
        let over: Vec<Topic> = self
            .messages
            .iter()
            .filter(is_over)
            .map(|kept| kept.0.topic.clone())
            .collect();
        over.iter().filter_map(|topic| self.remove(topic)).collect()
    }

    pub(super) fn get(&self, topic: &Topic) -> Option<Arc<Message>> {
        self.messages.get(topic).map(|kept| Arc::clone(&kept.0))
    }

    /// Those that clients have left here.
    pub(super) fn of_clients(&self) -> Vec<Arc<Message>> {
        let all = self.messages.iter().map(|kept| &kept.0);
        all.filter(|message| !message.own).cloned().collect()
    }

    /// Those that a filter selects, after a topic and at most so many.
    pub(super) fn page(&self, filter: &Filter, after: Option<&Topic>, most: usize) -> Vec<Arc<Message>> {
        let text = filter.as_str();
        let Some(wildcard) = text.find(['+', '#']) else {
            return Topic::new(text)
                .ok()
                .filter(|topic| after.is_none_or(|after| topic > after))
                .and_then(|topic| self.get(&topic))
                .into_iter()
                .collect();
        };
        // `a/#` selects `a` as well, which sorts before `a/`.
        let prefix = text[..wildcard].trim_end_matches('/');
        let first = Topic::new(prefix).ok();
        let from = match (after, &first) {
            (Some(after), _) => Bound::Excluded(after),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        self.messages
            .range::<Topic, _>((from, Bound::Unbounded))
            .map(|kept| &kept.0)
            .take_while(|message| message.topic.as_str().starts_with(prefix))
            .filter(|message| filter.matches(&message.topic))
            .take(most)
            .cloned()
            .collect()
    }
}
