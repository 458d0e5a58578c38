//! A group that shares a filter: each message goes to one of its members (MQTT 5 section 4.8.2).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::filters::Entry;

#[derive(Debug)]
pub(super) struct Group {
    name: Box<str>,
    /// The filter ends with `#`.
    pub(super) below: bool,
    pub(super) members: Vec<Entry>,
    next: AtomicUsize,
}

impl Group {
    pub(super) fn new(name: &str, below: bool) -> Self {
        Self {
            name: name.into(),
            below,
            members: Vec::new(),
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn is(&self, name: &str, below: bool) -> bool {
        *self.name == *name && self.below == below
    }

    /// The member whose turn it is; one that is away only if all are.
    pub(super) fn choose(&self) -> Option<&Entry> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let (before, after) = self.members.split_at(turn % self.members.len().max(1));
        let mut in_turn = after.iter().chain(before);
        let first = in_turn.clone().next();
        in_turn.find(|entry| entry.queue.is_online()).or(first)
    }
}
