//! Components that were told something and have not been rendered since, in the order in which they were told.

use std::collections::{BTreeSet, VecDeque};

use crate::render::Cid;

/// Components that wait to be rendered, each once.
#[derive(Debug, Default)]
pub(super) struct Told {
    queue: VecDeque<Cid>,
    /// Those of the queue that still wait.
    waiting: BTreeSet<Cid>,
}

impl Told {
    /// Puts one before all others.
    pub(super) fn push_front(&mut self, cid: Cid) {
        self.waiting.insert(cid);
        self.queue.push_front(cid);
    }

    /// Puts one after all others, unless it waits already.
    pub(super) fn push_back(&mut self, cid: Cid) {
        if self.waiting.insert(cid) {
            self.queue.push_back(cid);
        }
    }

    /// The next that waits.
    pub(super) fn pop_front(&mut self) -> Option<Cid> {
        while let Some(cid) = self.queue.pop_front() {
            if self.waiting.remove(&cid) {
                return Some(cid);
            }
        }
        None
    }

    /// One has been rendered.
    pub(super) fn remove(&mut self, cid: Cid) {
        self.waiting.remove(&cid);
    }
}
