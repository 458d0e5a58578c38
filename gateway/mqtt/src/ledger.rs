//! The ledger: sessions that outlive their connections, with every message above QoS 0 that they wait for.
//!
//! What it holds in memory is the fold of what it has written: each change is put at the end of a log, and an answer
//! that promises something waits until the log has it. So a session goes on after a crash where it was.

mod book;
mod books;
mod journal;
mod keeping;
mod leaving;
mod messages;
mod pace;
mod pending;
mod record;
mod rehearsal;
mod replay;
mod times;

pub(crate) use book::Name;
pub(crate) use pending::Due;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashSet;
use roost_model::{Filter, Topic};
use roost_runtime::{Bus, Capacity, Message, Policy, QoS, Receipt, Subscription, Taken, Terms};
use roost_store::{BoardClock, LogError, RecordLogOptions, StoreError};

use crate::codec::Reason;
use crate::limits::Limits;
use crate::session::{self, Options};
use crate::will::LastWill;

use book::{Book, Room};
use books::Books;
use journal::Journal;
use pace::Pace;
use record::Record;
use replay::Replay;
use times::Era;

/// The ledger of a broker.
#[derive(Debug)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    /// Topics whose retained message has changed since it was written.
    changed: Mutex<HashSet<Topic>>,
    pace: Mutex<Pace>,
    clock: BoardClock,
    /// How the time of day stood to the board's clock when that was written down last.
    era: Mutex<Option<Era>>,
    journal: Journal,
    limits: LedgerLimits,
}

/// How much the ledger holds.
#[derive(Debug, Clone, Copy)]
struct LedgerLimits {
    sessions: usize,
    sessions_each: usize,
    room: Room,
    bytes_in_all: usize,
    queue: Capacity,
    filter_changes: u32,
}

impl LedgerLimits {
    fn of(limits: &Limits) -> Self {
        Self {
            sessions: limits.sessions,
            sessions_each: limits.sessions_each,
            room: Room {
                messages: limits.session_messages,
                bytes: limits.session_bytes,
            },
            bytes_in_all: limits.sessions_bytes,
            queue: limits.queue(),
            filter_changes: limits.filter_changes,
        }
    }
}

/// A session that a client has found again, or a new one.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: u64,
    pub(crate) subscription: Subscription,
    pub(crate) options: Vec<Options>,
    /// Retained messages that it was being sent when its connection ended.
    pub(crate) replay: Option<Box<session::Replay>>,
}

impl Ledger {
    /// A ledger that keeps everything in memory only.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            books: Mutex::default(),
            changed: Mutex::default(),
            pace: Mutex::default(),
            clock: BoardClock::default(),
            era: Mutex::default(),
            journal: Journal::default(),
            limits: LedgerLimits::of(limits),
        }
    }

    /// A ledger in a directory, with what an earlier run has left there: its sessions are on the bus again, and so is
    /// what it had retained.
    ///
    /// # Errors
    /// [`StoreError`] if the directory can't be used. Damage in its files is no error: what is whole is taken.
    pub(crate) fn open(dir: &Path, limits: &Limits, bus: &Bus) -> Result<Self, StoreError> {
        Self::open_with(dir, RecordLogOptions::default(), limits, bus)
    }

    fn open_with(
        dir: &Path,
        options: RecordLogOptions,
        limits: &Limits,
        bus: &Bus,
    ) -> Result<Self, StoreError> {
        let limits = LedgerLimits::of(limits);
        let clock = BoardClock::default();
        let mut books = Books::default();
        let mut replay = Replay::new(&mut books, limits.room, &clock);
        let journal = Journal::open(dir, options, |record| replay.apply(record))?;
        let retained = replay.finish(bus, limits.queue);
        let pace = Pace::of(retained.iter().map(|message| message.topic.clone()));
        for message in retained {
            bus.publish(message);
        }
        let ledger = Self {
            books: Mutex::new(books),
            changed: Mutex::default(),
            pace: Mutex::new(pace),
            clock,
            era: Mutex::default(),
            journal,
            limits,
        };
        ledger.note_time();
        Ok(ledger)
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has to be written before all that is known now is.
    pub(crate) fn end(&self) -> u64 {
        self.journal.end()
    }

    /// Up to where the log has been handed to the system.
    pub(crate) fn written(&self) -> u64 {
        self.journal.written()
    }

    /// Waits until the log has what an answer promises.
    pub(crate) async fn until_written(&self, barrier: u64) -> Result<(), LogError> {
        self.journal.until_written(barrier).await
    }

    /// Writes and syncs everything, and takes no more.
    pub(crate) fn close(&self) {
        self.journal.close();
        // The takers hold the bus, which holds the ledger.
        self.lock().sessions.clear();
    }

    /// Bytes of the log on disk.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.journal.bytes()
    }

    /// How many sessions there are, and how many messages wait in them.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let books = self.lock();
        let waiting = books.sessions.values().map(|book| book.pending.len()).sum();
        (books.sessions.len(), waiting)
    }

    /// Whether there is a session of this name.
    pub(crate) fn has(&self, name: &Name) -> bool {
        self.lock().key_of(name).is_some()
    }

    /// Opens a session, or finds it again.
    ///
    /// # Errors
    /// [`Reason::QuotaExceeded`] if this identity has too many, [`Reason::ServerBusy`] if there are too many in all.
    pub(crate) fn enter(&self, bus: &Bus, name: &Name, expiry_s: u32) -> Result<(bool, Found), Reason> {
        let mut books = self.lock();
        if let Some(key) = books.key_of(name) {
            let found = self.resume(&mut books, bus, key, expiry_s);
            return found.map(|found| (true, found)).ok_or(Reason::ServerBusy);
        }
        if books.count_of(&name.identity) >= self.limits.sessions_each {
            return Err(Reason::QuotaExceeded);
        }
        if books.sessions.len() >= self.limits.sessions {
            return Err(Reason::ServerBusy);
        }
        let key = books.last_key + 1;
        let subscription = takers(bus, &name.identity, key, self.limits.queue, &[]);
        let mut book = Book::new(name.clone(), expiry_s, self.limits.room);
        book.bell = Some(subscription.bell());
        books.insert(key, book);
        self.journal.append(&Record::opened(key, name, expiry_s));
        let found = Found {
            key,
            subscription,
            options: Vec::new(),
            replay: None,
        };
        Ok((false, found))
    }

    fn resume(&self, books: &mut Books, bus: &Bus, key: u64, expiry_s: u32) -> Option<Found> {
        let book = books.sessions.get_mut(&key)?;
        // A connection that hangs and could not be ended still holds the takers: then they are made anew.
        let subscription = book
            .parked
            .take()
            .unwrap_or_else(|| takers(bus, &book.name.identity, key, self.limits.queue, &book.filters));
        subscription.set_online(true);
        book.bell = Some(subscription.bell());
        book.come(expiry_s);
        // The client is back before its will was due.
        book.will = None;
        self.journal.append(&Record::Came { key, expiry_s });
        Some(Found {
            key,
            subscription,
            options: book.filters.iter().map(|taken| taken.options.clone()).collect(),
            replay: book.replay.take(),
        })
    }

    /// Ends a session for good. Returns a will that was not due yet.
    pub(crate) fn end_of(&self, name: &Name) -> Option<LastWill> {
        let mut books = self.lock();
        let key = books.key_of(name)?;
        self.close_key(&mut books, key)
    }

    fn close_key(&self, books: &mut Books, key: u64) -> Option<LastWill> {
        let book = books.remove(key)?;
        self.journal.append(&Record::Closed { key });
        book.will.map(|(will, _)| will)
    }

    /// Ends all sessions of an identity: its record is gone.
    pub(crate) fn forget(&self, identity: &str) {
        let mut books = self.lock();
        let keys: Vec<u64> = books
            .sessions
            .iter()
            .filter(|(_, book)| *book.name.identity == *identity)
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.close_key(&mut books, key);
        }
    }

    /// How long the session is to outlive its connection. `false` if it was to end with it: then it can't be kept.
    #[must_use]
    pub(crate) fn set_expiry(&self, key: u64, expiry_s: u32) -> bool {
        let mut books = self.lock();
        let Some(book) = books.sessions.get_mut(&key) else {
            return expiry_s == 0;
        };
        if book.expiry_s == 0 {
            return expiry_s == 0;
        }
        book.expiry_s = expiry_s;
        self.journal.append(&Record::Came { key, expiry_s });
        true
    }

    /// A filter is added, or its terms change. What has to be written first; `None` if the session's filters change
    /// too often.
    pub(crate) fn subscribed(&self, key: u64, terms: Terms<'_>, options: &Options) -> Option<u64> {
        let mut books = self.lock();
        let Some(book) = books.sessions.get_mut(&key) else {
            return Some(0);
        };
        if book.has(terms, options) {
            return Some(0);
        }
        if book.changes_too_often(self.limits.filter_changes) {
            return None;
        }
        book.subscribe(terms, options.clone());
        Some(self.journal.append(&Record::subscribed(key, terms, options)))
    }

    /// A filter was removed.
    pub(crate) fn unsubscribed(&self, key: u64, filter: &Filter, group: Option<&str>) -> u64 {
        let mut books = self.lock();
        let Some(book) = books.sessions.get_mut(&key) else {
            return 0;
        };
        book.unsubscribe(filter, group);
        self.journal.append(&Record::unsubscribed(key, filter, group))
    }
}

impl roost_runtime::Ledger for Ledger {
    fn take(&self, message: &Arc<Message>, takers: &[(u64, QoS)], receipt: Option<Receipt>) -> Taken {
        self.put(message, takers, receipt, false)
    }

    fn retained(&self, topic: &Topic) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if !changed.contains(topic) {
            changed.insert(topic.clone());
        }
    }
}

/// The takers of a session.
fn takers(
    bus: &Bus,
    client: &Arc<str>,
    key: u64,
    queue: Capacity,
    filters: &[book::Subscribed],
) -> Subscription {
    let mut subscription = bus.client_subscriber(client, key, queue, Policy::ShedThenClose);
    for taken in filters {
        let terms = Terms {
            qos: taken.qos,
            no_local: taken.no_local,
            group: taken.options.group.as_deref(),
        };
        subscription.listen(taken.options.filter.clone(), terms);
    }
    subscription
}

#[cfg(test)]
mod tests;
