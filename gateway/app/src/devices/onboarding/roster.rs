//! The roster of unknown clients: who they are and what they said, within limits. Plain data.

use std::collections::{HashMap, VecDeque};

use roost_model::Timestamp;

use crate::devices::backlog::Held;

/// Most unknown clients at a time; beyond it the one that has been silent for the longest time is forgotten.
pub(super) const MAX_CLIENTS: usize = 1000;
/// What is kept of what one of them says, in bytes; beyond it the oldest message goes, and is counted.
pub(super) const MAX_CLIENT_BYTES: usize = 16 * 1024;
/// What a message costs besides its topic and payload.
const MESSAGE_BYTES: usize = 96;

/// A client that no record knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Unknown {
    /// Its client identifier, as it gave it; empty if it gave none, or has only been heard so far.
    pub(super) client_id: String,
    /// Address it connected from.
    pub(super) address: String,
    /// Whether it is connected.
    pub(super) connected: bool,
    /// Since when it is known.
    pub(super) since: Timestamp,
    /// When it was last heard of.
    pub(super) heard: Timestamp,
    /// What it said, oldest first.
    pub(super) held: VecDeque<Held>,
    bytes: usize,
    /// Messages that had to make room for newer ones.
    pub(super) lost: u64,
}

impl Unknown {
    fn hold(&mut self, message: Held) {
        self.heard = message.at;
        self.bytes += cost(&message);
        self.held.push_back(message);
        while self.bytes > MAX_CLIENT_BYTES
            && let Some(oldest) = self.held.pop_front()
        {
            self.bytes -= cost(&oldest);
            self.lost += 1;
        }
    }
}

fn cost(message: &Held) -> usize {
    MESSAGE_BYTES + message.topic.as_str().len() + message.body.len()
}

/// All of them, by their names in quarantine.
#[derive(Debug, Default)]
pub(super) struct Roster(HashMap<String, Unknown>);

impl Roster {
    /// The client of this name, made known if it was not.
    fn client(&mut self, name: &str, now: Timestamp) -> &mut Unknown {
        if !self.0.contains_key(name) && self.0.len() >= MAX_CLIENTS {
            let silent = self.0.iter().min_by_key(|(_, client)| client.heard.unix_ns);
            if let Some(silent) = silent.map(|(name, _)| name.clone()) {
                self.0.remove(&silent);
            }
        }
        self.0.entry(name.to_owned()).or_insert_with(|| Unknown {
            since: now,
            heard: now,
            ..Unknown::default()
        })
    }

    /// A client has connected, or gone.
    pub(super) fn seen(
        &mut self,
        name: &str,
        client_id: &str,
        address: &str,
        connected: bool,
        now: Timestamp,
    ) {
        if !connected && !self.0.contains_key(name) {
            return;
        }
        let client = self.client(name, now);
        client.connected = connected;
        client.heard = now;
        client_id.clone_into(&mut client.client_id);
        address.clone_into(&mut client.address);
    }

    /// A client has said something.
    pub(super) fn said(&mut self, name: &str, message: Held) {
        let now = message.at;
        self.client(name, now).hold(message);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Unknown> {
        self.0.get(name)
    }

    /// Forgets a client.
    pub(super) fn remove(&mut self, name: &str) -> Option<Unknown> {
        self.0.remove(name)
    }

    /// All of them, the one heard last first.
    pub(super) fn all(&self) -> Vec<(&str, &Unknown)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(name, client)| (name.as_str(), client))
            .collect();
        all.sort_by(|(left_name, left), (right_name, right)| {
            (right.heard.unix_ns, left_name).cmp(&(left.heard.unix_ns, right_name))
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use roost_model::{ClockQuality, Topic};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms, ClockQuality::Unknown)
    }

    fn message(ms: i64, bytes: usize) -> Held {
        Held {
            at: at(ms),
            topic: Topic::new("t").unwrap(),
            body: Bytes::from(vec![b'x'; bytes]),
        }
    }

    #[test]
    fn what_a_client_says_is_kept_in_order_within_its_bytes() {
        let mut roster = Roster::default();
        for ms in 0..100 {
            roster.said("a", message(ms, 1000));
        }
        let client = roster.get("a").unwrap();
        assert_eq!(client.held.len() as u64 + client.lost, 100);
        assert!(client.bytes <= MAX_CLIENT_BYTES && client.held.len() > 10);
        let times: Vec<i64> = client.held.iter().map(|held| held.at.unix_ms()).collect();
        assert!(times.is_sorted() && times.last() == Some(&99));
        roster.said("b", message(1, 100_000));
        assert_eq!(
            (
                roster.get("b").unwrap().held.len(),
                roster.get("b").unwrap().bytes
            ),
            (0, 0)
        );
    }

    #[test]
    fn beyond_the_limit_the_client_that_was_silent_longest_is_forgotten() {
        let mut roster = Roster::default();
        for number in 0..MAX_CLIENTS {
            let ms = i64::try_from(number).unwrap();
            roster.seen(&format!("c{number}"), "c", "::1", true, at(ms));
        }
        roster.said("c0", message(5000, 1));
        roster.seen("new", "new", "::1", true, at(5001));
        assert_eq!(roster.all().len(), MAX_CLIENTS);
        assert!(roster.get("c1").is_none() && roster.get("c0").is_some());
        assert_eq!(roster.all()[0].0, "new");
    }

    #[test]
    fn a_client_that_goes_is_known_still_and_one_that_was_forgotten_does_not_come_back_by_going() {
        let mut roster = Roster::default();
        roster.seen("a", "a", "::1", true, at(1));
        roster.seen("a", "a", "::1", false, at(2));
        assert!(!roster.get("a").unwrap().connected);
        roster.remove("a");
        roster.seen("a", "a", "::1", false, at(3));
        assert!(roster.get("a").is_none());
    }
}
