//! What is remembered of one session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hashbrown::HashSet;
use roost_model::{Filter, Topic};
use roost_runtime::{Bell, Message, QoS, Subscription, Terms};

use super::pending::{Due, Pending, Phase};
use crate::session::{Options, Replay};
use crate::will::LastWill;

/// Identity and client id: a client finds its own sessions only, whatever name it gives itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) identity: Arc<str>,
    pub(crate) client_id: Arc<str>,
}

/// One filter of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscribed {
    pub(super) options: Options,
    pub(super) qos: QoS,
    pub(super) no_local: bool,
}

/// What is remembered of one session.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) name: Name,
    pub(super) expiry_s: u32,
    pub(super) filters: Vec<Subscribed>,
    /// Oldest first.
    pub(super) pending: VecDeque<Pending>,
    /// Where in `pending` the first one lies that may wait.
    next: usize,
    ids: HashSet<u16>,
    last_id: u16,
    /// Packets of QoS 2 that were taken and not released yet.
    pub(super) received: HashSet<u16>,
    pub(super) bytes: usize,
    /// Messages that were dropped because the session held too many.
    pub(super) lost: u64,
    room: Room,
    /// The takers while no connection has them.
    pub(super) parked: Option<Subscription>,
    /// What wakes the connection that has them.
    pub(super) bell: Option<Bell>,
    pub(super) left: Option<SystemTime>,
    pub(super) ends: Option<Instant>,
    pub(super) will: Option<(LastWill, Instant)>,
    /// Retained messages that the client was being sent when it went. The gateway's restart ends that.
    pub(super) replay: Option<Box<Replay>>,
    /// Changes of the filters that were not made up for by time, and when time was last looked at.
    changes: u32,
    changed: Option<Instant>,
}

/// How much a session may hold. From half of it on publishers are asked to wait for a client that is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Book {
    pub(super) fn new(name: Name, expiry_s: u32, room: Room) -> Self {
        Self {
            name,
            expiry_s,
            filters: Vec::new(),
            pending: VecDeque::new(),
            next: 0,
            ids: HashSet::new(),
            last_id: 0,
            received: HashSet::new(),
            bytes: 0,
            lost: 0,
            room,
            parked: None,
            bell: None,
            left: None,
            ends: None,
            will: None,
            replay: None,
            changes: 0,
            changed: None,
        }
    }

    /// The client is here: everything that is not finished is to be sent again, in order.
    pub(super) fn come(&mut self, expiry_s: u32) {
        self.expiry_s = expiry_s;
        (self.left, self.ends) = (None, None);
        self.next = 0;
        for pending in &mut self.pending {
            pending.phase = match pending.phase {
                Phase::Waiting { sent_before } => Phase::Waiting { sent_before },
                Phase::Sent => Phase::Waiting { sent_before: true },
                Phase::Released { .. } => Phase::Released { told: false },
            };
        }
    }

    /// The client has gone.
    pub(super) fn leave(&mut self, subscription: Subscription, at: SystemTime) {
        self.parked = Some(subscription);
        self.left = Some(at);
        self.end_after(Duration::from_secs(self.expiry_s.into()));
    }

    /// Sets when the session ends; never, if it was asked for ever.
    pub(super) fn end_after(&mut self, left: Duration) {
        self.ends = (self.expiry_s != u32::MAX).then(|| Instant::now() + left);
    }

    /// Whether it has this filter on these terms.
    pub(super) fn has(&self, terms: Terms<'_>, options: &Options) -> bool {
        let same = |taken: &Subscribed| {
            taken.options == *options && taken.qos == terms.qos && taken.no_local == terms.no_local
        };
        self.filters.iter().any(same)
    }

    /// Counts a change of the filters, each of which is a record; whether there were too many. One more may be made
    /// every second, and `most` in a moment.
    pub(super) fn changes_too_often(&mut self, most: u32) -> bool {
        let now = Instant::now();
        let passed = self
            .changed
            .map_or(u64::MAX, |at| now.duration_since(at).as_secs());
        if passed > 0 {
            self.changed = Some(now);
            self.changes = self
                .changes
                .saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
        }
        self.changes = self.changes.saturating_add(1);
        self.changes > most
    }

    pub(super) fn subscribe(&mut self, terms: Terms<'_>, options: Options) {
        self.unsubscribe(&options.filter, options.group.as_deref());
        self.filters.push(Subscribed {
            options,
            qos: terms.qos,
            no_local: terms.no_local,
        });
    }

    pub(super) fn unsubscribe(&mut self, filter: &Filter, group: Option<&str>) {
        self.filters
            .retain(|taken| taken.options.filter != *filter || taken.options.group.as_deref() != group);
    }

    fn next_id(&mut self) -> Option<u16> {
        if self.ids.len() >= usize::from(u16::MAX) {
            return None;
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.ids.insert(self.last_id) {
                return Some(self.last_id);
            }
        }
    }

    /// Takes a message and gives it its identifier. Beyond a limit the oldest that was not sent goes; what is freed is
    /// returned by identifier and size. While the client is connected its publishers are asked to wait long before.
    ///
    /// `tight` is given when all sessions together hold what they may: a share that each session has all the same.
    /// Above it, what comes takes the place of what was there.
    pub(super) fn put(
        &mut self,
        mut pending: Pending,
        tight: Option<usize>,
    ) -> (Option<u16>, Vec<(u16, usize)>) {
        let mut freed = Vec::new();
        let size = pending.size();
        let Room { messages, bytes } = self.room;
        let most = tight.map_or(bytes, |share| self.bytes.max(share).min(bytes));
        while self.pending.len() >= messages || self.bytes + size > most {
            let Some(at) = self.oldest_unsent() else {
                break;
            };
            self.lost += 1;
            freed.extend(self.remove(at));
        }
        let too_large = tight.is_some() && self.bytes + size > most;
        if self.pending.len() >= messages || too_large {
            self.lost += 1;
            return (None, freed);
        }
        let Some(id) = self.next_id() else {
            return (None, freed);
        };
        pending.id = id;
        self.bytes += size;
        self.pending.push_back(pending);
        self.press(false);
        (Some(id), freed)
    }

    /// Takes back a message that an earlier run of the gateway had taken.
    pub(super) fn restore(&mut self, mut pending: Pending, id: u16) {
        pending.id = id;
        self.last_id = id;
        // MQTT has no packet identifier 0: such a record is not ours.
        if id != 0 && self.ids.insert(id) {
            self.bytes += pending.size();
            self.pending.push_back(pending);
        }
    }

    /// Whether anything that is pending may have been sent on an earlier connection.
    pub(super) fn has_sent(&self) -> bool {
        let unsent = |pending: &Pending| pending.phase == Phase::Waiting { sent_before: false };
        !self.pending.iter().all(unsent)
    }

    fn oldest_unsent(&self) -> Option<usize> {
        let unsent = |pending: &Pending| pending.phase == Phase::Waiting { sent_before: false };
        self.pending.iter().position(unsent)
    }

    fn remove(&mut self, at: usize) -> Option<(u16, usize)> {
        let pending = self.pending.remove(at)?;
        if at < self.next {
            self.next -= 1;
        }
        self.ids.remove(&pending.id);
        let size = pending.size();
        self.bytes -= size;
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
        Some((pending.id, size))
    }

    /// Takes out messages that the client may not have. What is freed is returned by identifier and size.
    pub(super) fn withdraw(&mut self, may_have: impl Fn(&Topic) -> bool) -> Vec<(u16, usize)> {
        let mut freed = Vec::new();
        let mut at = 0;
        while let Some(pending) = self.pending.get(at) {
            let is_denied = |message: &Arc<Message>| !may_have(&message.topic);
            if pending.message.as_ref().is_some_and(is_denied) {
                freed.extend(self.remove(at));
            } else {
                at += 1;
            }
        }
        freed
    }

    /// Tells publishers to wait, or that they need not.
    fn press(&self, moved: bool) {
        if let Some(bell) = &self.bell {
            let crowded = self.pending.len() > self.room.messages / 2 || self.bytes > self.room.bytes / 2;
            bell.press(crowded, moved);
        }
    }

    /// Wakes the client's connection.
    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    fn find(&self, id: u16) -> Option<usize> {
        // The oldest is the one that is acknowledged, nearly always.
        self.pending.iter().position(|pending| pending.id == id)
    }

    /// Where in the log a message is, once that is known.
    pub(super) fn written_at(&mut self, id: u16, barrier: u64) {
        if let Some(pending) = self.pending.iter_mut().rev().find(|pending| pending.id == id) {
            pending.barrier = barrier;
        }
    }

    /// The next message to send, and the identifiers of those that were passed over because they had expired.
    pub(super) fn next(&mut self) -> (Option<Due>, Vec<u16>) {
        let mut expired = Vec::new();
        while let Some(pending) = self.pending.get_mut(self.next) {
            if !pending.is_waiting() {
                self.next += 1;
                continue;
            }
            let id = pending.id;
            if let Phase::Released { told } = &mut pending.phase {
                *told = true;
                self.next += 1;
                return (Some(Due::Release { id }), expired);
            }
            let Some(message) = pending.message.clone().filter(|message| !message.is_expired()) else {
                expired.extend(self.remove(self.next).map(|(id, _)| id));
                continue;
            };
            let dup = pending.phase == Phase::Waiting { sent_before: true };
            pending.phase = Phase::Sent;
            self.next += 1;
            let due = Due::Message {
                message,
                qos: pending.qos,
                id,
                dup,
                retained: pending.retained,
                barrier: pending.barrier,
            };
            return (Some(due), expired);
        }
        (None, expired)
    }

    /// The client has a message of QoS 2. Returns the bytes that this frees.
    pub(super) fn release(&mut self, id: u16) -> usize {
        let Some(at) = self.find(id) else { return 0 };
        let pending = &mut self.pending[at];
        let size = pending.size();
        pending.message = None;
        pending.phase = Phase::Released { told: true };
        self.bytes -= size;
        size
    }

    /// A message is finished. Returns the bytes that this frees.
    pub(super) fn done(&mut self, id: u16) -> usize {
        let Some(at) = self.find(id) else { return 0 };
        let freed = self.remove(at).map_or(0, |(_, size)| size);
        self.press(true);
        freed
    }

    /// All that is pending was sent on the connection that an earlier run of the gateway had, as far as anybody knows.
    pub(super) fn may_have_been_sent(&mut self) {
        for pending in &mut self.pending {
            if pending.phase == (Phase::Waiting { sent_before: false }) {
                pending.phase = Phase::Waiting { sent_before: true };
            }
        }
    }
}
