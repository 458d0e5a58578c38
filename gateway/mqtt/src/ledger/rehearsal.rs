//! A ledger of records that come from no log, and back: for those who try what records lead to.

use std::convert::Infallible;

use roost_runtime::Bus;
use roost_store::BoardClock;

use super::journal::Journal;
use super::replay::{self, Replay};
use super::times::Era;
use super::{Books, Ledger, LedgerLimits};
use crate::limits::Limits;

impl Ledger {
    /// A ledger that has found these records and writes nothing down.
    pub(crate) fn of_records(limits: &Limits, bus: &Bus, records: &[&[u8]]) -> Self {
        let limits = LedgerLimits::of(limits);
        let mut books = Books::default();
        let clock = BoardClock::default();
        let mut replay = Replay::new(&mut books, limits.room, &clock);
        for record in records {
            replay.apply(record);
        }
        for message in replay.finish(bus, limits.queue) {
            bus.publish(message);
        }
        Self {
            books: books.into(),
            changed: Default::default(),
            pace: Default::default(),
            clock,
            era: Default::default(),
            journal: Journal::default(),
            limits,
        }
    }

    /// A snapshot, as records.
    pub(crate) fn to_records(&self, bus: &Bus) -> Vec<Vec<u8>> {
        let (books, retained) = (self.lock(), bus.retained_of_clients());
        let mut records = Vec::new();
        let Ok(()) = replay::snapshot(&books, &retained, &Era::now(&self.clock), |record| {
            records.extend(postcard::to_allocvec(record).ok());
            Ok::<(), Infallible>(())
        });
        records
    }
}
