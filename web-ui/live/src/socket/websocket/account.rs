//! What a WebSocket holds for its client, counted against what all may hold together.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{BATCH_BYTES, Line};
use crate::frame::Wire;

/// Bytes of a message on its way that every client may have, whatever others have.
pub(super) const FREE: usize = 16 * 1024;

impl Line {
    /// Counts what is held against what the endpoint may hold.
    pub(super) fn charge(&mut self) {
        let bytes = self.inbound.bytes();
        let due = if bytes > FREE { bytes } else { 0 };
        if due == 0 && self.charged == 0 {
            return;
        }
        let budget = &self.connection.hub().budget;
        budget.give(self.charged);
        budget.take(due);
        self.connection.coming.set(due, budget);
        self.charged = due;
    }

    /// A message is complete, and what is held now is another's.
    pub(super) fn begin_anew(&mut self) {
        self.connection.coming.set(0, &self.connection.hub().budget);
        self.charge();
    }

    /// Ready when there is room to read on: who has sent much of a message waits while all together hold too much.
    pub(super) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let budget = &self.connection.hub().budget;
        if self.room.is_none() && !budget.is_crowded() {
            return Poll::Ready(());
        }
        let room = self.room.get_or_insert_with(|| {
            let budget = Arc::clone(budget);
            Box::pin(async move { budget.room().await })
        });
        let ready = room.as_mut().poll(context);
        if ready.is_ready() {
            self.room = None;
        }
        ready
    }

    /// Forgets what the client has sent of a message.
    pub(super) fn discard(&mut self) {
        self.inbound.clear();
        self.charge();
    }

    /// Counts what the client does not take against what the endpoint may hold. Whether there is room for it.
    pub(super) fn owe(&mut self) -> bool {
        let bytes: usize = self.unsent.iter().map(|wire| wire.frame().len()).sum();
        let stays = if bytes > BATCH_BYTES { bytes } else { 0 };
        let own = self.unsent.iter().map(Wire::own_bytes).sum();
        let due = if stays > 0 { own } else { 0 };
        let grows = stays > self.stays;
        let budget = &self.connection.hub().budget;
        budget.give(std::mem::take(&mut self.owed));
        let has = budget.has(due);
        budget.take(due);
        (self.stays, self.owed) = (stays, due);
        self.connection.unsent.set(stays, budget);
        has || !grows
    }

    pub(super) fn settle(&mut self) {
        let budget = &self.connection.hub().budget;
        budget.give(std::mem::take(&mut self.owed));
        if std::mem::take(&mut self.stays) > 0 {
            self.connection.unsent.set(0, budget);
        }
    }
}
