//! Messages in the order in which they came. The first has a place of its own: mostly there is no other, and then
//! nothing is allocated.

use std::collections::VecDeque;

use crate::frame::Wire;

/// Messages that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<Wire>,
    /// Those behind it; `None` if there is none.
    #[expect(
        clippy::box_collection,
        reason = "whoever sends to thousands waits for the memory of each queue"
    )]
    others: Option<Box<VecDeque<Wire>>>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.as_ref().map_or(0, |others| others.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, wire: Wire) {
        if self.first.is_none() {
            self.first = Some(wire);
        } else {
            self.others.get_or_insert_default().push_back(wire);
        }
    }

    /// Adds one at the front.
    pub(super) fn push_front(&mut self, wire: Wire) {
        if let Some(before) = self.first.replace(wire) {
            self.others.get_or_insert_default().push_front(before);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Wire> {
        let wire = self.first.take();
        if let Some(others) = &mut self.others {
            self.first = others.pop_front();
            if others.is_empty() {
                // Memory of a rush is not kept by those who wait for the next.
                self.others = None;
            }
        }
        wire
    }
}
