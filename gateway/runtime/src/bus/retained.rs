//! Retained messages: the last one of each topic, for those who subscribe later.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use roost_model::{Filter, Topic};

use super::BusLimits;
use super::message::Message;

/// Ordered by topic, so that all below a prefix lie side by side.
#[derive(Debug)]
pub(super) struct Retained {
    messages: BTreeMap<Topic, Arc<Message>>,
    bytes: usize,
    limits: BusLimits,
}

fn size(message: &Message) -> usize {
    message.topic.as_str().len() + message.body.len()
}

impl Retained {
    pub(super) fn new(limits: BusLimits) -> Self {
        Self {
            messages: BTreeMap::new(),
            bytes: 0,
            limits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Keeps a message in place of the one before; an empty one only removes. `false` if a limit forbids to keep it;
    /// then the one before stays, since an old value with its time is better than none.
    pub(super) fn set(&mut self, message: &Arc<Message>) -> bool {
        if message.body.is_empty() {
            if let Some(before) = self.messages.remove(&message.topic) {
                self.bytes -= size(&before);
            }
            return true;
        }
        let before = self.messages.get(&message.topic);
        let count = self.messages.len() + usize::from(before.is_none());
        let bytes = self.bytes + size(message) - before.map_or(0, |before| size(before));
        if count > self.limits.retained_messages || bytes > self.limits.retained_bytes {
            return false;
        }
        self.bytes = bytes;
        self.messages.insert(message.topic.clone(), Arc::clone(message));
        true
    }

    pub(super) fn get(&self, topic: &Topic) -> Option<Arc<Message>> {
        self.messages.get(topic).cloned()
    }

    pub(super) fn matching(&self, filter: &Filter) -> Vec<Arc<Message>> {
        let text = filter.as_str();
        let Some(wildcard) = text.find(['+', '#']) else {
            return Topic::new(text)
                .ok()
                .and_then(|topic| self.get(&topic))
                .into_iter()
                .collect();
        };
        // `a/#` selects `a` as well, which sorts before `a/`.
        let prefix = text[..wildcard].trim_end_matches('/');
        let Ok(first) = Topic::new(prefix) else {
            return self.select(self.messages.iter(), filter);
        };
        let from = (Bound::Included(first), Bound::Unbounded);
        self.select(
            self.messages
                .range(from)
                .take_while(|(topic, _)| topic.as_str().starts_with(prefix)),
            filter,
        )
    }

    fn select<'a>(
        &self,
        candidates: impl Iterator<Item = (&'a Topic, &'a Arc<Message>)>,
        filter: &Filter,
    ) -> Vec<Arc<Message>> {
        candidates
            .filter(|(topic, _)| filter.matches(topic))
            .map(|(_, message)| Arc::clone(message))
            .collect()
    }
}
