//! Pressure: a taker that is slower than its publishers makes them wait, for a while.

use std::sync::Arc;
use std::time::Duration;

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
