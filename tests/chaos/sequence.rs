//! What became a reading: the numbers that devices count up, followed on the bus inside the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use roost_model::Filter;
use roost_runtime::{Bus, Delivery, Policy};
use serde_json::{Value, json};

/// The point whose values count up from 1.
const NUMBERS: &str = "devices/+/points/n";
/// Readings that may wait to be looked at.
const ROOM: usize = 1 << 20;

/// The numbers of one device.
#[derive(Default)]
struct Sequence {
    highest: u64,
    /// Below the highest, and not seen.
    missing: BTreeSet<u64>,
    /// Seen more than once.
    repeated: u64,
}

impl Sequence {
    fn see(&mut self, number: u64) {
        if number > self.highest {
            self.missing.extend(self.highest + 1..number);
            self.highest = number;
        } else if !self.missing.remove(&number) {
            self.repeated += 1;
        }
    }
}

/// The numbers of all devices.
#[derive(Clone, Default)]
pub(crate) struct Sequences(Arc<Mutex<BTreeMap<String, Sequence>>>);

impl Sequences {
    /// Follows what a bus carries, on a thread of its own.
    pub(crate) fn of(bus: &Bus) -> Self {
        let sequences = Self::default();
        let filter = Filter::new(NUMBERS).unwrap();
        let readings = bus.subscribe(filter, ROOM, Policy::DropOldest);
        let (seen, runtime) = (sequences.clone(), tokio::runtime::Handle::current());
        std::thread::spawn(move || {
            while let Some(reading) = runtime.block_on(readings.recv()) {
                seen.see(&reading);
                while let Some(reading) = readings.try_recv() {
                    seen.see(&reading);
                }
                assert_eq!(readings.dropped(), 0, "the one who looks must not be too slow");
            }
        });
        sequences
    }

    fn see(&self, reading: &Delivery) {
        // What was retained comes first: it was counted by an earlier run.
        let device = reading.message.topic.levels().nth(1).unwrap_or_default();
        let body: Value = serde_json::from_slice(&reading.message.body).unwrap_or_default();
        if let Some(number) = body["value"].as_u64() {
            let mut sequences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match sequences.get_mut(device) {
                Some(sequence) => sequence.see(number),
                None => sequences.entry(device.to_owned()).or_default().see(number),
            }
        }
    }

    /// Of each device the highest number, how many below it are missing, and how many came more than once.
    pub(crate) fn report(&self) -> Value {
        let sequences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let report = sequences.iter().map(|(device, sequence)| {
            let Sequence {
                highest,
                missing,
                repeated,
            } = sequence;
            (device.clone(), json!([highest, missing.len(), repeated]))
        });
        Value::Object(report.collect())
    }
}
