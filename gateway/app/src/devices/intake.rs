//! The intake: a sample gets its number and its time, is written down, and only then published.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_drivers::Sample;
use roost_model::{NoData, Reading, Timestamp, Topic, Value};
use roost_runtime::{Bus, Message};
use roost_store::{LastValues, MAX_READING_BYTES};
use tracing::warn;

use super::points::{self, Point, TakenAt};
use crate::clock::Clock;

/// Numbers that are passed over at a start. After a power cut the last few seconds of numbers may be unknown, and a
/// number must never be given twice; no board takes this many readings between two commits.
const START_GAP: u64 = 1_000_000;

/// Longest text or document of a value: what a kept reading has room for, with its number, time and unit.
const MAX_VALUE_BYTES: usize = MAX_READING_BYTES / 2;

/// Counters of the intake.
#[derive(Debug, Default)]
pub(crate) struct IntakeStats {
    /// Readings taken.
    pub(crate) readings: AtomicU64,
    /// Readings whose value could not be written down; they were published all the same.
    pub(crate) unwritten: AtomicU64,
    /// Messages that no rule could take apart.
    pub(crate) undecodable: AtomicU64,
}

/// What became of a sample.
#[derive(Debug)]
pub(super) struct Taken {
    /// The reading.
    pub(super) reading: Reading,
    /// Whether it is the latest of its point, and so what the point shows.
    pub(super) is_latest: bool,
}

/// Where all readings go in.
pub(crate) struct Intake {
    bus: Bus,
    last_values: Arc<LastValues>,
    next_seq: AtomicU64,
    clock: Clock,
    stats: IntakeStats,
}

impl Intake {
    /// An intake that goes on numbering after what `last_values` knows.
    #[must_use]
    pub(crate) fn new(bus: Bus, last_values: Arc<LastValues>) -> Self {
        let highest = last_values.highest_seq();
        let next = if highest == 0 { 1 } else { highest + START_GAP };
        Self {
            bus,
            last_values,
            next_seq: AtomicU64::new(next),
            clock: Clock::default(),
            stats: IntakeStats::default(),
        }
    }

    /// The counters.
    #[must_use]
    pub(crate) fn stats(&self) -> &IntakeStats {
        &self.stats
    }

    /// Its clock.
    #[must_use]
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The present moment.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes a sample of a point. One that is older than what is known of the point gets its number and is published,
    /// but it is not what the point shows from now on.
    pub(super) fn take(&self, device: &str, point: &mut Point, sample: Sample) -> Taken {
        let now = self.clock.now();
        // A device whose clock is ahead would look alive long after it fell silent.
        let at = sample.at.filter(|at| at.unix_ns <= now.unix_ns).unwrap_or(now);
        let age_ms = i64::try_from(at.until(now).as_millis()).unwrap_or(i64::MAX);
        let uptime_ms = i64::try_from(self.clock.uptime_ms()).unwrap_or(i64::MAX);
        let taken_at = TakenAt {
            uptime_ms: uptime_ms.saturating_sub(age_ms),
            said_ms: sample.at.map(|_| at.unix_ms()),
        };
        let is_latest = point.observe(taken_at, sample.cadence);
        let reading = Reading {
            seq: self.next_seq.fetch_add(1, Ordering::Relaxed),
            at,
            value: sample.value.and_then(bounded),
            unit: sample.unit,
            cadence: point.cadence(),
        };
        self.stats.readings.fetch_add(1, Ordering::Relaxed);
        if is_latest {
            self.keep(device, point, &reading);
        }
        publish(&self.bus, point.topic(), &reading, is_latest);
        Taken { reading, is_latest }
    }

    fn keep(&self, device: &str, point: &Point, reading: &Reading) {
        let key = format!("{device}/{}", point.name());
        if let Err(error) = self.last_values.put(&key, reading) {
            let before = self.stats.unwritten.fetch_add(1, Ordering::Relaxed);
            // A full disk fails every reading: one line for the first, then one for each thousandth.
            if before.is_multiple_of(1000) {
                let unwritten = before + 1;
                warn!(device, point = point.name(), %error, unwritten, "a last value could not be written down");
            }
        }
    }
}

/// A value that is too long to be kept is not shown either: what is shown must be there after a restart.
fn bounded(value: Value) -> Result<Value, NoData> {
    let bytes = match &value {
        Value::Text(text) => text.len(),
        Value::Json(document) => document.to_string().len(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
    };
    if bytes <= MAX_VALUE_BYTES {
        Ok(value)
    } else {
        Err(NoData::DeviceError)
    }
}

fn publish(bus: &Bus, topic: &Topic, reading: &Reading, is_latest: bool) {
    // Retained for as long as the device says nothing newer: without the spare room that encoding leaves.
    let body = serde_json::to_vec(reading).unwrap_or_default().into_boxed_slice();
    let message = Message::new(topic.clone(), bytes::Bytes::from(body)).at_least_once();
    bus.publish(if is_latest { message.retained() } else { message });
}

/// Puts the last values of an earlier run on the bus. Those of devices that are gone are forgotten.
pub(crate) fn restore(
    bus: &Bus,
    last_values: &LastValues,
    known: &[(String, Reading)],
    is_device: impl Fn(&str) -> bool,
) -> Result<usize, roost_store::StoreError> {
    let mut restored = 0;
    let mut gone = hashbrown::HashSet::new();
    for (key, reading) in known {
        let Some((device, point)) = key.split_once('/') else {
            continue;
        };
        if !is_device(device) {
            gone.insert(device);
        } else if let Some(topic) = points::topic(device, point) {
            publish(bus, &topic, reading, true);
            restored += 1;
        }
    }
    for device in gone {
        last_values.remove_device(device)?;
    }
    Ok(restored)
}
