//! The end of a connection: what is kept of its session, and what falls due while nobody is there.

use std::time::{Duration, Instant, SystemTime};

use tracing::info;

use super::Ledger;
use super::record::Record;
use crate::session::Kept;
use crate::will::LastWill;

/// What is due of a session whose client is away.
#[derive(Debug, Default)]
pub(crate) struct Overdue {
    /// Wills to publish.
    pub(crate) wills: Vec<LastWill>,
    /// When to look again.
    pub(crate) next: Option<Instant>,
}

impl Ledger {
    /// A connection has ended: its session is kept for its time, with a will that waits. Returns the will if it is due
    /// at once, because the session ends here.
    pub(crate) fn leave(&self, kept: Kept, will: Option<(LastWill, Duration)>) -> Option<LastWill> {
        let Kept {
            key,
            subscription,
            replay,
        } = kept;
        let mut books = self.lock();
        let Some(book) = books.sessions.get_mut(&key) else {
            return will.map(|(will, _)| will);
        };
        if !book.bell.as_ref().is_some_and(|bell| bell.rings(&subscription)) {
            // It hung, and another connection has taken the session over meanwhile: nothing of it counts any more.
            return None;
        }
        if book.expiry_s == 0 {
            self.close_key(&mut books, key);
            return will.map(|(will, _)| will);
        }
        subscription.set_online(false);
        book.bell = None;
        book.replay = replay;
        book.leave(subscription, SystemTime::now());
        let (due_now, later) = match will {
            Some((will, delay)) if delay.is_zero() => (Some(will), None),
            Some((will, delay)) => (None, Some((will, Instant::now() + delay))),
            None => (None, None),
        };
        self.note_time();
        self.journal.append(&Record::left(key, SystemTime::now()));
        if let Some((will, due)) = &later {
            self.journal.append(&Record::will(key, will, *due));
        }
        book.will = later;
        due_now
    }

    /// Ends sessions whose time has passed, and hands out wills whose time has come.
    pub(crate) fn sweep(&self) -> Overdue {
        let now = Instant::now();
        let mut books = self.lock();
        let mut overdue = Overdue::default();
        let expired: Vec<u64> = books
            .sessions
            .iter()
            .filter(|(_, book)| book.ends.is_some_and(|ends| ends <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in expired {
            info!(session = key, "a session has expired");
            overdue.wills.extend(self.close_key(&mut books, key));
        }
        for (key, book) in &mut books.sessions {
            if book.will.as_ref().is_some_and(|(_, due)| *due <= now) {
                overdue.wills.extend(book.will.take().map(|(will, _)| will));
                self.journal.append(&Record::WillSaid { key: *key });
            }
            let due = book.will.as_ref().map(|(_, due)| *due);
            for at in [due, book.ends].into_iter().flatten() {
                overdue.next = Some(overdue.next.map_or(at, |next| next.min(at)));
            }
        }
        overdue
    }
}
