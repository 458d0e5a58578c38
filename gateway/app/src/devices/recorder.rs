//! The flight recorder: what each device last said and what befell it, kept beside the tasks so that no crash costs it.
//!
//! A device that never spoke costs nothing: its ring is made when there is something to put in. All rings together have
//! a limit; when it is reached, those that were not written to for the longest time are shed.

pub(crate) mod desk;
pub(crate) mod file;
pub(crate) mod outcome;
mod ring;

pub(crate) use file::{Header, Recording};
pub(crate) use outcome::Outcome;
pub(crate) use ring::{Entry, Kind};

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use roost_runtime::Exit;

use super::Intake;
use ring::Ring;

/// What a ring costs besides its entries: its place in the table, with the device's name.
const RING_BYTES: usize = 160;

/// Limits of the recorder, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecorderLimits {
    /// Of one device.
    pub(crate) device_bytes: usize,
    /// Of all devices together; 0 records nothing.
    pub(crate) all_bytes: usize,
}

/// The rings of all devices.
#[derive(Debug)]
pub(crate) struct Recorder {
    limits: RecorderLimits,
    rings: Mutex<Rings>,
}

#[derive(Debug, Default)]
struct Rings {
    by_device: HashMap<Box<str>, Ring>,
    bytes: usize,
    writes: u64,
}

impl Recorder {
    /// A recorder that knows nothing yet.
    #[must_use]
    pub(crate) fn new(limits: RecorderLimits) -> Self {
        Self {
            limits,
            rings: Mutex::default(),
        }
    }

    /// Whole after every statement that could panic: nothing here does.
    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is recorded. Who has to work for an entry asks this first.
    pub(crate) fn is_on(&self) -> bool {
        self.limits.all_bytes > 0
    }

    /// Records an entry of a device.
    pub(crate) fn record(&self, device: &str, entry: Entry) {
        if !self.is_on() {
            return;
        }
        let mut rings = self.lock();
        rings.push(device, entry, self.limits.device_bytes);
        if rings.bytes > self.limits.all_bytes {
            // Well below the limit, so that not every entry has to look for the oldest ring.
            rings.shed(self.limits.all_bytes - self.limits.all_bytes / 8, device);
        }
    }

    /// Records what was heard about a device, or what happened to it.
    pub(crate) fn note(&self, device: &str, at_ms: i64, kind: Kind, what: &str) {
        self.record(device, Entry::new(at_ms, kind, "", what.as_bytes()));
    }

    /// Notes how the task of a device failed.
    pub(crate) fn note_failure(&self, device: &str, intake: &Intake, exit: &Exit) {
        self.note(device, intake.now().unix_ms(), Kind::Restart, &exit.to_string());
    }

    /// Notes something about a device that has a ring already: not worth one of its own.
    pub(crate) fn remark(&self, device: &str, at_ms: i64, what: &str) {
        let known = self.lock().by_device.contains_key(device);
        if known {
            self.note(device, at_ms, Kind::Note, what);
        }
    }

    /// Says what the codec made of the device's newest message.
    pub(crate) fn judge(&self, device: &str, outcome: Outcome) {
        if let Some(ring) = self.lock().by_device.get_mut(device) {
            ring.judge(outcome);
        }
    }

    /// The entries of a device, oldest first, and how many older ones are gone.
    #[must_use]
    pub(crate) fn entries(&self, device: &str) -> (Vec<Entry>, u64) {
        let rings = self.lock();
        rings
            .by_device
            .get(device)
            .map(|ring| (ring.entries(), ring.lost()))
            .unwrap_or_default()
    }

    /// Forgets a device that was removed.
    pub(crate) fn forget(&self, device: &str) {
        let mut rings = self.lock();
        if let Some(ring) = rings.by_device.remove(device) {
            rings.bytes -= RING_BYTES + ring.bytes();
        }
    }

    /// What all rings cost now, in bytes.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }
}

impl Rings {
    fn push(&mut self, device: &str, entry: Entry, limit: usize) {
        self.writes += 1;
        let ring = match self.by_device.get_mut(device) {
            Some(ring) => ring,
            None => {
                self.bytes += RING_BYTES;
                self.by_device.entry(device.into()).or_default()
            }
        };
        let before = ring.bytes();
        ring.push(entry, limit);
        ring.touched = self.writes;
        self.bytes = self.bytes + ring.bytes() - before;
    }

    /// Sheds whole rings, the least recently written first, until all cost at most `goal` bytes. The ring of `spare` is
    /// being written to now and stays.
    fn shed(&mut self, goal: usize, spare: &str) {
        let rings = self.by_device.iter().filter(|(device, _)| &***device != spare);
        let mut oldest: Vec<(u64, Box<str>)> = rings
            .map(|(device, ring)| (ring.touched, device.clone()))
            .collect();
        oldest.sort_unstable();
        for (_, device) in oldest {
            if self.bytes <= goal {
                return;
            }
            if let Some(ring) = self.by_device.remove(&device) {
                self.bytes -= RING_BYTES + ring.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RecorderLimits = RecorderLimits {
        device_bytes: 4096,
        all_bytes: 65_536,
    };

    fn say(recorder: &Recorder, device: &str, payload: &str) {
        recorder.record(device, Entry::new(1, Kind::In, "t", payload.as_bytes()));
    }

    #[test]
    fn a_device_that_never_spoke_costs_nothing() {
        let recorder = Recorder::new(LIMITS);
        recorder.judge("idle", Outcome::default());
        assert_eq!((recorder.bytes(), recorder.entries("idle")), (0, (vec![], 0)));
        assert!(recorder.lock().by_device.is_empty());
    }

    #[test]
    fn a_recorder_without_room_records_nothing() {
        let recorder = Recorder::new(RecorderLimits {
            all_bytes: 0,
            ..LIMITS
        });
        say(&recorder, "boiler", "unheard");
        assert_eq!((recorder.bytes(), recorder.entries("boiler").0.len()), (0, 0));
    }

    #[test]
    fn at_the_limit_of_all_the_least_recently_written_rings_are_shed() {
        let recorder = Recorder::new(LIMITS);
        say(&recorder, "quiet", "once");
        say(&recorder, "steady", "first");
        for number in 0..1000 {
            say(&recorder, &format!("n{number}"), "x");
            say(&recorder, "steady", "again");
        }
        assert!(recorder.bytes() <= LIMITS.all_bytes, "{}", recorder.bytes());
        assert!(recorder.bytes() > LIMITS.all_bytes / 2, "{}", recorder.bytes());
        assert!(recorder.entries("quiet").0.is_empty());
        assert!(recorder.entries("n999").0.len() == 1 && recorder.entries("steady").0.len() > 10);
    }

    #[test]
    fn the_count_of_bytes_is_what_the_rings_cost() {
        let recorder = Recorder::new(LIMITS);
        for number in 0..300 {
            say(&recorder, &format!("n{}", number % 7), &"x".repeat(number));
        }
        recorder.forget("n3");
        let rings = recorder.lock();
        let cost: usize = rings
            .by_device
            .values()
            .map(|ring| RING_BYTES + ring.bytes())
            .sum();
        assert_eq!((rings.bytes, rings.by_device.len()), (cost, 6));
    }
}
