//! Messages on their way through the ledger: taken, sent, released, done.

use std::sync::Arc;

use roost_model::Topic;
use roost_runtime::{Message, QoS, Receipt, Taken};

use super::journal::Journal;
use super::pending::{Due, Pending};
use super::record::Record;
use super::{Books, Ledger};

impl Ledger {
    /// The next message, or step of one, that a session's client is to be sent.
    pub(crate) fn next(&self, key: u64) -> Option<Due> {
        let mut books = self.lock();
        let Books { sessions, bytes, .. } = &mut *books;
        let book = sessions.get_mut(&key)?;
        let before = book.bytes;
        let (due, expired) = book.next();
        *bytes -= before - book.bytes;
        for id in expired {
            self.journal.append(&Record::Done { key, id });
        }
        due
    }

    /// Takes back what waits in a session and its client may not have any more.
    pub(crate) fn withdraw(&self, key: u64, may_have: impl Fn(&Topic) -> bool) {
        let mut books = self.lock();
        let Books { sessions, bytes, .. } = &mut *books;
        let Some(book) = sessions.get_mut(&key) else {
            return;
        };
        for (id, size) in book.withdraw(may_have) {
            *bytes -= size;
            self.journal.append(&Record::Done { key, id });
        }
    }

    /// The client has a message.
    pub(crate) fn done(&self, key: u64, id: u16) {
        let mut books = self.lock();
        let Books { sessions, bytes, .. } = &mut *books;
        if let Some(book) = sessions.get_mut(&key) {
            *bytes -= book.done(id);
            self.journal.append(&Record::Done { key, id });
        }
    }

    /// The client has a message of QoS 2 and is told that it will not come again. Returns what has to be written first.
    pub(crate) fn release(&self, key: u64, id: u16) -> u64 {
        let mut books = self.lock();
        let Books { sessions, bytes, .. } = &mut *books;
        let Some(book) = sessions.get_mut(&key) else {
            return 0;
        };
        *bytes -= book.release(id);
        self.journal.append(&Record::Released { key, id })
    }

    /// Whether a packet of QoS 2 was taken already.
    pub(crate) fn has_received(&self, key: u64, id: u16) -> bool {
        let books = self.lock();
        books
            .sessions
            .get(&key)
            .is_some_and(|book| book.received.contains(&id))
    }

    /// How many packets of QoS 2 were taken and not released.
    pub(crate) fn received_count(&self, key: u64) -> usize {
        self.lock()
            .sessions
            .get(&key)
            .map_or(0, |book| book.received.len())
    }

    /// The client will not send a packet again. `None` if nothing was known of it.
    pub(crate) fn forget_received(&self, key: u64, id: u16) -> Option<u64> {
        let mut books = self.lock();
        let known = books.sessions.get_mut(&key)?.received.remove(&id);
        known.then(|| self.journal.append(&Record::Forgotten { key, id }))
    }

    /// Takes a retained message for a new subscriber.
    pub(crate) fn take_retained(&self, key: u64, message: &Arc<Message>, qos: QoS) {
        self.put(message, &[(key, qos)], None, true);
    }

    pub(super) fn put(
        &self,
        message: &Arc<Message>,
        takers: &[(u64, QoS)],
        receipt: Option<Receipt>,
        retained: bool,
    ) -> Taken {
        let mut books = self.lock();
        let Books {
            sessions,
            bytes,
            last_seq,
            ..
        } = &mut *books;
        *last_seq += 1;
        let mut taken: Vec<(u64, u16, QoS)> = Vec::with_capacity(takers.len());
        let size = message.footprint();
        for (key, qos) in takers {
            let Some(book) = sessions.get_mut(key) else {
                continue;
            };
            let full = *bytes + size > self.limits.bytes_in_all;
            let share = self.limits.bytes_in_all / self.limits.sessions.max(1);
            let pending = Pending::new(message, *qos, *last_seq, retained);
            let (id, freed) = book.put(pending, full.then_some(share));
            *bytes -= freed.iter().map(|(_, size)| size).sum::<usize>();
            for (id, _) in freed {
                self.journal.append(&Record::Done { key: *key, id });
            }
            if let Some(id) = id {
                *bytes += size;
                taken.push((*key, id, *qos));
            }
        }
        if let Some(receipt) = receipt
            && let Some(book) = sessions.get_mut(&receipt.session)
        {
            book.received.insert(receipt.packet);
        }
        if message.expires().is_some() {
            self.note_time();
        }
        // One record: the message and the receipt are remembered together or not at all.
        let barrier = self
            .journal
            .append(&Record::message(message, &taken, receipt, retained));
        // What the log refused is in no log: its publisher is not told that it was taken, and its takers must not wait
        // for ever for what will never be written.
        let place = if Journal::has(barrier) { barrier } else { 0 };
        for (key, id, _) in &taken {
            if let Some(book) = sessions.get_mut(key) {
                book.written_at(*id, place);
                book.ring();
            }
        }
        Taken {
            takers: taken.len(),
            barrier,
        }
    }
}
