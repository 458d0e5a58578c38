//! From the log back to the books, and from the books to a snapshot of them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hashbrown::HashMap;
use roost_model::{Filter, Topic};
use roost_runtime::{Bus, Capacity, Message, QoS};
use roost_store::BoardClock;

use tracing::warn;

use super::book::{Book, Name, Room, Subscribed};
use super::pending::{Pending, Phase};
use super::record::{Record, qos_of};
use super::times::{Era, Times};
use super::{Books, takers};
use crate::session::Options;
use crate::will::LastWill;

/// Books that are being read back.
pub(super) struct Replay<'a> {
    books: &'a mut Books,
    room: Room,
    /// Messages that are retained at the end, by topic.
    retained: HashMap<String, Message>,
    times: Times,
    /// Records that could not be understood.
    strange: u64,
}

impl<'a> Replay<'a> {
    pub(super) fn new(books: &'a mut Books, room: Room, clock: &BoardClock) -> Self {
        Self {
            books,
            room,
            retained: HashMap::new(),
            times: Times::of(clock),
            strange: 0,
        }
    }

    /// Does again what a record says was done.
    pub(super) fn apply(&mut self, bytes: &[u8]) {
        match postcard::from_bytes::<Record<'_>>(bytes) {
            Ok(record) => {
                if self.redo(&record).is_none() {
                    self.strange += 1;
                }
            }
            Err(_) => self.strange += 1,
        }
    }

    fn book(&mut self, key: u64) -> Option<&mut Book> {
        self.books.sessions.get_mut(&key)
    }

    /// `None` if the record speaks of something that is not there.
    fn redo(&mut self, record: &Record<'_>) -> Option<()> {
        match record {
            Record::Opened {
                key,
                identity,
                client_id,
                expiry_s,
            } => return self.open(*key, identity, client_id, *expiry_s),
            Record::Came { key, expiry_s } => {
                let book = self.book(*key)?;
                book.come(*expiry_s);
                book.will = None;
            }
            Record::Left { key, at_ms } => {
                let since = self.times.since(*at_ms);
                let book = self.book(*key)?;
                // What was there while the client was here may have been sent.
                book.may_have_been_sent();
                book.left = SystemTime::now().checked_sub(since);
            }
            Record::Closed { key } => {
                self.books.remove(*key)?;
            }
            Record::Subscribed { .. } | Record::Unsubscribed { .. } => return self.filter(record),
            Record::Message {
                message,
                takers,
                receipt,
                retained,
            } => {
                let message = Arc::new(message.message(&self.times)?);
                self.message(&message, takers, *retained);
                if let Some((key, id)) = receipt {
                    self.book(*key)?.received.insert(*id);
                }
            }
            Record::Released { key, id } => {
                self.book(*key)?.release(*id);
            }
            Record::Done { key, id } => {
                self.book(*key)?.done(*id);
            }
            Record::Received { key, id } => {
                self.book(*key)?.received.insert(*id);
            }
            Record::Forgotten { key, id } => {
                self.book(*key)?.received.remove(id);
            }
            Record::Will { .. } | Record::MortalWill { .. } => return self.will(record),
            Record::WillSaid { key } => self.book(*key)?.will = None,
            Record::Retained { message } => {
                let message = message.message(&self.times)?;
                self.retained.insert(message.topic.to_string(), message);
            }
            Record::Cleared { topic } => {
                self.retained.remove(*topic);
            }
            Record::Clock { boot, began_ms } => self.times.enter(Era {
                boot: (*boot).to_owned(),
                began_ms: *began_ms,
            }),
        }
        Some(())
    }

    fn open(&mut self, key: u64, identity: &str, client_id: &str, expiry_s: u32) -> Option<()> {
        // 0 stands for no session, and the highest number would leave none for the next.
        if key == 0 || key == u64::MAX || self.books.sessions.contains_key(&key) {
            return None;
        }
        let name = Name {
            identity: Arc::from(identity),
            client_id: Arc::from(client_id),
        };
        self.books.insert(key, Book::new(name, expiry_s, self.room));
        Some(())
    }

    /// A will that waits. By a clock that has gone back it would wait for longer than it was to.
    fn will(&mut self, record: &Record<'_>) -> Option<()> {
        let (key, message, due_ms, left_ms, lifetime_s) = match record {
            Record::Will {
                key,
                message,
                due_ms,
                left_ms,
            } => (key, message, due_ms, left_ms, None),
            Record::MortalWill {
                key,
                message,
                due_ms,
                left_ms,
                lifetime_s,
            } => (key, message, due_ms, left_ms, Some(*lifetime_s)),
            _ => return Some(()),
        };
        let message = message.message(&self.times)?;
        let left = self.times.until(*due_ms).min(Duration::from_millis(*left_ms));
        let will = LastWill { message, lifetime_s };
        self.book(*key)?.will = Instant::now().checked_add(left).map(|due| (will, due));
        Some(())
    }

    fn filter(&mut self, record: &Record<'_>) -> Option<()> {
        match record {
            Record::Subscribed {
                key,
                filter,
                group,
                qos,
                no_local,
                retain_as_published,
                identifier,
            } => {
                let options = Options {
                    filter: Filter::new(filter).ok()?,
                    group: group.map(Into::into),
                    identifier: *identifier,
                    retain_as_published: *retain_as_published,
                };
                let book = self.book(*key)?;
                book.unsubscribe(&options.filter, *group);
                book.filters.push(Subscribed {
                    options,
                    qos: qos_of(*qos),
                    no_local: *no_local,
                });
            }
            Record::Unsubscribed { key, filter, group } => {
                let filter = Filter::new(filter).ok()?;
                self.book(*key)?.unsubscribe(&filter, *group);
            }
            _ => {}
        }
        Some(())
    }

    fn message(&mut self, message: &Arc<Message>, takers: &[(u64, u16, u8)], retained: bool) {
        self.books.last_seq += 1;
        let seq = self.books.last_seq;
        for (key, id, qos) in takers {
            if let Some(book) = self.book(*key) {
                let pending = Pending::new(message, qos_of(*qos), seq, retained);
                book.restore(pending, *id);
            }
        }
    }

    /// Puts the sessions back onto the bus, each away, with what is left of its time.
    pub(super) fn finish(self, bus: &Bus, queue: Capacity) -> Vec<Message> {
        if self.strange > 0 {
            warn!(
                records = self.strange,
                "records of sessions that made no sense were left out"
            );
        }
        let now = SystemTime::now();
        let mut bytes = 0;
        for (key, book) in &mut self.books.sessions {
            let subscription = takers(bus, &book.name.identity, *key, queue, &book.filters);
            subscription.set_online(false);
            book.parked = Some(subscription);
            if book.left.is_none() {
                book.may_have_been_sent();
            }
            let whole = Duration::from_secs(book.expiry_s.into());
            let away = book
                .left
                .and_then(|left| now.duration_since(left).ok())
                .unwrap_or_default();
            book.end_after(whole.saturating_sub(away));
            bytes += book.bytes;
        }
        self.books.bytes = bytes;
        self.retained.into_values().collect()
    }
}

/// All that the books hold, as records that lead to the same books.
pub(super) fn snapshot<E>(
    books: &Books,
    retained: &[Arc<Message>],
    era: &Era,
    mut put: impl FnMut(&Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    put(&Record::clock(era))?;
    let mut pending = Vec::new();
    for (key, book) in &books.sessions {
        put(&Record::opened(*key, &book.name, book.expiry_s))?;
        for taken in &book.filters {
            put(&Record::of_filter(*key, taken))?;
        }
        for id in &book.received {
            put(&Record::Received { key: *key, id: *id })?;
        }
        if let Some(left) = book.left.filter(|_| !book.has_sent()) {
            put(&Record::left(*key, left))?;
        }
        pending.extend(book.pending.iter().map(|pending| (*key, pending)));
    }
    pending.sort_by_key(|(_, pending)| pending.seq);
    for group in pending.chunk_by(|(_, a), (_, b)| a.seq == b.seq) {
        put_group(group, &mut put)?;
    }
    for (key, book) in &books.sessions {
        if let Some(left) = book.left.filter(|_| book.has_sent()) {
            put(&Record::left(*key, left))?;
        }
    }
    for (key, book) in &books.sessions {
        if let Some((will, due)) = &book.will {
            put(&Record::will(*key, will, *due))?;
        }
    }
    for message in retained {
        put(&Record::retained(message))?;
    }
    Ok(())
}

/// One message with all its takers.
fn put_group<E>(
    group: &[(u64, &Pending)],
    put: &mut impl FnMut(&Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let message = group.iter().find_map(|(_, pending)| pending.message.as_deref());
    // Nobody needs it any more: its takers have it, and only the end of QoS 2 is missing.
    let stand_in = Topic::new("released").ok().map(|topic| Message::new(topic, ""));
    let Some(message) = message.or(stand_in.as_ref()) else {
        return Ok(());
    };
    let takers: Vec<(u64, u16, QoS)> = group
        .iter()
        .map(|(key, pending)| (*key, pending.id, pending.qos))
        .collect();
    let retained = group.iter().any(|(_, pending)| pending.retained);
    put(&Record::message(message, &takers, None, retained))?;
    for (key, pending) in group {
        if matches!(pending.phase, Phase::Released { .. }) {
            let id = pending.id;
            put(&Record::Released { key: *key, id })?;
        }
    }
    Ok(())
}
