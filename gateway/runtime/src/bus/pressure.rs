//! Pressure: a taker that is slower than its publishers makes them wait, for a while.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roost_model::Topic;

use super::Bus;
use super::filters::Found;
use super::queue::{Common, Queue};

/// A taker that its publishers should wait for.
#[derive(Debug)]
pub struct Pressure {
    queue: Arc<Queue>,
    common: Arc<Common>,
}

impl Pressure {
    pub(super) fn of(queue: &Arc<Queue>, common: &Arc<Common>) -> Self {
        Self {
            queue: Arc::clone(queue),
            common: Arc::clone(common),
        }
    }

    /// Whether publishers have waited for it in vain, and it has not moved since.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.queue.is_stalled()
    }

    /// Waits until the taker has room again, but no longer than `patience`. If it has taken nothing in that time,
    /// nobody waits for this taker any more until it moves: it hurts itself, not its publishers.
    pub async fn relieved(&self, patience: Duration) {
        let taken = self.queue.taken();
        let waiting = async {
            loop {
                let room = self.common.room.notified();
                tokio::pin!(room);
                // Enabled before the look: a change in between is not missed.
                room.as_mut().enable();
                if self.queue.is_relieved() {
                    return;
                }
                room.await;
            }
        };
        if tokio::time::timeout(patience, waiting).await.is_err() && self.queue.taken() == taken {
            self.queue.give_up();
        }
    }
}

impl Bus {
    /// The taker of a topic that has no room for another message of QoS 1 or 2 and must lose none. Whoever is to
    /// acknowledge such a message asks before it is published, and keeps it if there is one: nobody else is to hear it
    /// twice.
    #[must_use]
    pub fn shut_taker(&self, topic: &Topic) -> Option<Pressure> {
        let common = &self.0.queues;
        // Nearly always there is none at all.
        if common.shut.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let filters = self.0.read();
        let mut found = Found::default();
        filters.collect(topic, &mut found);
        let shut = found.entries.iter().find(|entry| entry.queue.is_shut())?;
        Some(Pressure::of(&shut.queue, common))
    }
}
