//! Live values out of the bus: last readings, statuses, results of commands.

use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::{ClockQuality, Command, Filter, Freshness, Reading, Timestamp, Topic};
use roost_runtime::{Bus, Message};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How far ahead a reading may lie before its time is not believed, in nanoseconds: two seconds.
const CLOCK_SLACK_NS: i64 = 2_000_000_000;

/// A point with its last reading.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) reading: Reading,
    /// What the gateway says of its age, by a clock that nobody sets.
    pub(crate) freshness: Freshness,
}

/// What the gateway says of the age of a value, or of a device.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Said {
    pub(crate) freshness: String,
}

impl Said {
    fn freshness(&self) -> Freshness {
        match self.freshness.as_str() {
            "fresh" => Freshness::Fresh,
            "late" => Freshness::Late,
            "stale" => Freshness::Stale,
            _ => Freshness::Unknown,
        }
    }
}

/// How fresh a value is. The gateway says on the bus what is not as it should be. It watches the devices that have a
/// task; of others only the time of day tells, as far as it is to be believed.
fn freshness(bus: &Bus, topic: &str, reading: &Reading, watched: bool) -> Freshness {
    let said = at::<Said>(bus, &format!("{topic}/freshness"));
    match (said, reading.cadence) {
        (Some(said), _) if watched => said.freshness(),
        (None, Some(_)) if watched => Freshness::Fresh,
        (_, None) => Freshness::Unknown,
        (_, cadence) => {
            let now = now();
            if reading.at.unix_ns > now.unix_ns.saturating_add(CLOCK_SLACK_NS) {
                return Freshness::Unknown;
            }
            Freshness::of(reading.at.until(now), cadence)
        }
    }
}

/// Whether the gateway says that nothing is heard of a device.
pub(crate) fn is_silent(bus: &Bus, device: &str) -> bool {
    let said = at::<Said>(bus, &format!("devices/{device}/freshness"));
    said.is_some_and(|said| said.freshness == "silent")
}

/// Whether a device is connected.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Status {
    pub(crate) connected: bool,
    #[serde(default)]
    pub(crate) since_ms: Option<i64>,
}

/// The last message of a device that could not be taken apart.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fault {
    pub(crate) at_ms: i64,
    pub(crate) reason: String,
}

/// This moment. Ages are computed with the clock that the readings were stamped with, whatever it is worth.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let unix_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(unix_ms, ClockQuality::Unknown)
}

/// A body that is not what it should be is as good as none: it was not written by this gateway.
fn decode<T: DeserializeOwned>(message: &Message) -> Option<T> {
    serde_json::from_slice(&message.body).ok()
}

fn at<T: DeserializeOwned>(bus: &Bus, topic: &str) -> Option<T> {
    let topic = Topic::new(topic).ok()?;
    decode(&*bus.retained_at(&topic)?)
}

/// All points of a device that have reported, by name. `watched` says whether the device has a task.
pub(crate) fn points(bus: &Bus, device: &str, watched: bool) -> Vec<Point> {
    // `/points` closes the id: the filter `devices/<id>/#` would walk over all ids that begin with this one.
    let Ok(filter) = Filter::new(format!("devices/{device}/points/+")) else {
        return Vec::new();
    };
    let messages = bus.retained(&filter);
    messages
        .iter()
        .filter_map(|message| {
            let reading = decode(message)?;
            Some(Point {
                name: message.topic.levels().nth(3)?.to_owned(),
                freshness: freshness(bus, message.topic.as_str(), &reading, watched),
                reading,
            })
        })
        .collect()
}

/// One point, if it has reported. `watched` says whether the device has a task.
pub(crate) fn point(bus: &Bus, device: &str, point: &str, watched: bool) -> Option<Point> {
    let topic = format!("devices/{device}/points/{point}");
    let reading = at(bus, &topic)?;
    Some(Point {
        name: point.to_owned(),
        freshness: freshness(bus, &topic, &reading, watched),
        reading,
    })
}

/// The status of a device, if it has ever been connected.
pub(crate) fn status(bus: &Bus, device: &str) -> Option<Status> {
    at(bus, &format!("devices/{device}/status"))
}

/// The last message of the device that could not be taken apart, if there was one since the gateway's start.
pub(crate) fn fault(bus: &Bus, device: &str) -> Option<Fault> {
    at(bus, &format!("devices/{device}/fault"))
}

/// The command as the bus knows it, if that is newer than what was read from the store.
pub(crate) fn newest(bus: &Bus, command: Command) -> Command {
    let topic = format!("devices/{}/points/{}/result", command.device, command.point);
    match at::<Command>(bus, &topic) {
        Some(live) if live.id == command.id && live.changed_ms >= command.changed_ms => live,
        _ => command,
    }
}
