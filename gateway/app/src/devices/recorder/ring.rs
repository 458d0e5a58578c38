//! The ring of one device: its last frames and changes of state, within a number of bytes. Plain data.

use std::collections::VecDeque;
use std::num::NonZeroI64;

use roost_model::MAX_TOPIC_BYTES;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Longest payload that is kept whole: a quarter of the default ring. Of a longer one the beginning is kept.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 4096;
/// What an entry costs besides its topic and payload: its place in the ring, and the allocator's share.
const ENTRY_BYTES: usize = 96;

/// What an entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A message of the device.
    In,
    /// A message to the device.
    Out,
    /// Whether it is connected, and why not.
    Status,
    /// A state of a command.
    Command,
    /// Its task failed, and how; it is started again.
    Restart,
    /// What the device had left retained about itself when the recording was exported; before all others.
    Retained,
    /// Something about the gateway's side: another profile, messages that were lost.
    Note,
}

/// One entry of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// When, in milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    /// What kind of entry.
    pub(crate) kind: Kind,
    /// What a message of the device was worth to the codec; `None` if that was not heard of, as after a panic.
    pub(crate) outcome: Option<Outcome>,
    /// True length of the payload, in bytes.
    pub(crate) length: u32,
    topic_length: u16,
    /// Topic and payload in one piece.
    bytes: Box<[u8]>,
}

impl Entry {
    /// An entry with the beginning of its payload, and the payload's true length.
    pub(crate) fn new(at_ms: i64, kind: Kind, topic: &str, payload: &[u8]) -> Self {
        let mut entry = Self::whole(at_ms, kind, topic, beginning(payload));
        entry.length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        entry
    }

    /// An entry with its whole payload, however long: what a file says is not cut again.
    pub(crate) fn whole(at_ms: i64, kind: Kind, topic: &str, payload: &[u8]) -> Self {
        let topic = topic.get(..MAX_TOPIC_BYTES).unwrap_or(topic);
        let topic_length = u16::try_from(topic.len()).unwrap_or_default();
        Self {
            at_ms,
            kind,
            outcome: None,
            length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            topic_length,
            bytes: [&topic.as_bytes()[..usize::from(topic_length)], payload]
                .concat()
                .into_boxed_slice(),
        }
    }

    /// Where it was published; empty for what was not.
    pub(crate) fn topic(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.topic_length)]).unwrap_or_default()
    }

    /// The payload, or as much of it as is kept.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[usize::from(self.topic_length)..]
    }

    /// Whether only the beginning of the payload is kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.payload().len() < self.length as usize
    }

    fn cost(&self) -> usize {
        ENTRY_BYTES + self.bytes.len()
    }
}

/// As much of a payload as is kept; a text is cut between two characters.
fn beginning(payload: &[u8]) -> &[u8] {
    let Some(kept) = payload.get(..MAX_PAYLOAD_BYTES) else {
        return payload;
    };
    match std::str::from_utf8(kept) {
        Err(error) if error.error_len().is_none() => &kept[..error.valid_up_to()],
        _ => kept,
    }
}

/// What is said of a device that has come, and for many devices the only thing for long.
const CONNECTED: &[u8] = b"connected";

/// The last entries of one device.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// When the device came, while nothing else is known of it: thousands of rings hold that and no more.
    connected_ms: Option<NonZeroI64>,
    /// When it was last written to, on the recorder's own count.
    pub(super) touched: u64,
    entries: Option<Box<Entries>>,
}

/// Entries, oldest first.
#[derive(Debug, Default)]
struct Entries {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Entries that had to make room for newer ones.
    lost: u64,
}

/// When a device came, if that is all that an entry says.
fn connected_ms(entry: &Entry) -> Option<NonZeroI64> {
    let says_no_more = entry.kind == Kind::Status && entry.topic_length == 0 && *entry.bytes == *CONNECTED;
    NonZeroI64::new(entry.at_ms).filter(|_| says_no_more)
}

impl Ring {
    /// What the ring costs now besides its place in the table, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.bytes)
    }

    /// Entries that had to make room for newer ones.
    pub(super) fn lost(&self) -> u64 {
        self.entries.as_ref().map_or(0, |entries| entries.lost)
    }

    /// Takes an entry in; the oldest go until all cost at most `limit` bytes. The newest always stays.
    pub(super) fn push(&mut self, entry: Entry, limit: usize) {
        let first = self.connected();
        if first.is_none() && self.entries.is_none() {
            self.connected_ms = connected_ms(&entry);
            if self.connected_ms.is_some() {
                return;
            }
        }
        self.connected_ms = None;
        let entries = self.entries.get_or_insert_default();
        for entry in first.into_iter().chain([entry]) {
            entries.push(entry, limit);
        }
    }

    fn connected(&self) -> Option<Entry> {
        let at_ms = self.connected_ms?.get();
        Some(Entry::new(at_ms, Kind::Status, "", CONNECTED))
    }

    /// Says what the newest message of the device was worth.
    pub(super) fn judge(&mut self, outcome: Outcome) {
        let entries = self.entries.iter_mut().flat_map(|entries| &mut entries.entries);
        if let Some(entry) = entries.rev().find(|entry| entry.kind == Kind::In) {
            entry.outcome = Some(outcome);
        }
    }

    /// The entries, oldest first.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.iter().flat_map(|entries| &entries.entries).cloned();
        self.connected().into_iter().chain(entries).collect()
    }
}

impl Entries {
    fn push(&mut self, entry: Entry, limit: usize) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
        while self.bytes > limit && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.cost();
                self.lost += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Entry {
        Entry::new(1, Kind::In, "tele/plug/STATE", payload)
    }

    #[test]
    fn a_ring_keeps_the_newest_entries_within_its_bytes() {
        let mut ring = Ring::default();
        for number in 0..1000 {
            ring.push(frame(format!("{number}").as_bytes()), 4096);
        }
        let entries = ring.entries();
        assert_eq!(entries.last().unwrap().payload(), b"999");
        assert_eq!(ring.lost() as usize + entries.len(), 1000);
        assert!(
            ring.bytes() <= 4096 && ring.bytes() > 4096 - 200,
            "{}",
            ring.bytes()
        );
        assert_eq!(ring.bytes(), entries.iter().map(Entry::cost).sum::<usize>());
    }

    #[test]
    fn a_large_payload_is_cut_and_its_true_length_noted() {
        let entry = frame(&[7; 10_000]);
        assert_eq!(
            (entry.payload().len(), entry.length, entry.is_cut()),
            (MAX_PAYLOAD_BYTES, 10_000, true)
        );
        assert_eq!(entry.topic(), "tele/plug/STATE");
        assert!(!frame(&[7; MAX_PAYLOAD_BYTES]).is_cut());
        let text = frame("ä".repeat(MAX_PAYLOAD_BYTES).as_bytes());
        assert!(std::str::from_utf8(text.payload()).is_ok());
        let odd = frame(format!("x{}", "ä".repeat(MAX_PAYLOAD_BYTES)).as_bytes());
        assert_eq!(odd.payload().len(), MAX_PAYLOAD_BYTES - 1);
    }

    #[test]
    fn the_newest_entry_stays_however_small_the_ring() {
        let mut ring = Ring::default();
        ring.push(frame(b"first"), 1);
        ring.push(frame(b"second"), 1);
        assert_eq!(ring.entries().len(), 1);
        assert_eq!(ring.entries()[0].payload(), b"second");
    }

    #[test]
    fn that_a_device_came_is_the_first_entry_whatever_follows_it() {
        let connected = |at_ms| Entry::new(at_ms, Kind::Status, "", b"connected");
        let told = Entry::new(3, Kind::Status, "", b"disconnected: keep-alive");
        for first in [connected(7), told.clone(), frame(b"1"), connected(0)] {
            let mut ring = Ring::default();
            ring.push(first.clone(), 4096);
            assert_eq!(ring.entries(), std::slice::from_ref(&first));
            ring.push(connected(9), 4096);
            ring.push(told.clone(), 4096);
            assert_eq!(ring.entries(), [first, connected(9), told.clone()]);
        }
    }

    #[test]
    fn an_outcome_belongs_to_the_newest_message_of_the_device() {
        let mut ring = Ring::default();
        ring.push(frame(b"1"), 4096);
        ring.push(Entry::new(2, Kind::Out, "cmnd/plug/POWER", b"ON"), 4096);
        ring.judge(Outcome::default());
        let judged: Vec<bool> = ring
            .entries()
            .iter()
            .map(|entry| entry.outcome.is_some())
            .collect();
        assert_eq!(judged, [true, false]);
    }
}
