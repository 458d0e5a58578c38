//! Messages in the order in which they came. The first has a place of its own: mostly there is no other, and then
//! nothing is allocated.

use std::collections::VecDeque;

use crate::frame::Wire;

/// Messages that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<Wire>,
    /// Those behind it; empty if there is none.
    others: VecDeque<Wire>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, wire: Wire) {
        if self.first.is_none() {
            self.first = Some(wire);
        } else {
            self.others.push_back(wire);
        }
    }

    /// Adds one at the front.
    pub(super) fn push_front(&mut self, wire: Wire) {
        if let Some(before) = self.first.replace(wire) {
            self.others.push_front(before);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Wire> {
        let wire = self.first.take();
        self.first = self.others.pop_front();
        if self.others.is_empty() && self.others.capacity() > 0 {
            // Memory of a rush is not kept by those who wait for the next.
            self.others = VecDeque::new();
        }
        wire
    }
}
