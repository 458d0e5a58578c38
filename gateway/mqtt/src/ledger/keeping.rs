//! What the ledger writes down from time to time: what clients have retained, how the clocks stand, and snapshots.

use std::sync::PoisonError;

use roost_model::Topic;
use roost_runtime::Bus;

use super::Ledger;
use super::record::Record;
use super::replay;
use super::times::Era;

impl Ledger {
    /// Writes down how the time of day stands to the board's clock, if that has changed: the records that follow have
    /// times of day in them.
    pub(super) fn note_time(&self) {
        let now = Era::now(&self.clock);
        let mut era = self.era.lock().unwrap_or_else(PoisonError::into_inner);
        if era.as_ref().is_none_or(|before| before.differs_from(&now)) {
            self.journal.append(&Record::clock(&now));
            *era = Some(now);
        }
    }

    /// Writes down what has changed of the retained messages, and a snapshot when one pays.
    pub(crate) fn keep(&self, bus: &Bus, all: bool) {
        self.note_time();
        let changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        let retained = |topic: &Topic| bus.retained_at(topic).filter(|message| !message.own);
        let changes = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.judge(changed, |topic| retained(topic).is_some(), all)
        };
        for topic in changes.write {
            match retained(&topic) {
                Some(message) => self.journal.append(&Record::retained(&message)),
                None => self.journal.append(&Record::cleared(&topic)),
            };
        }
        for topic in changes.clear {
            self.journal.append(&Record::cleared(&topic));
        }
        if !changes.later.is_empty() {
            let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.extend(changes.later);
        }
        if self.journal.wants_snapshot() {
            let books = self.lock();
            let retained = bus.retained_of_clients();
            let era = Era::now(&self.clock);
            self.journal
                .snapshot(|put| replay::snapshot(&books, &retained, &era, put));
        }
    }
}
