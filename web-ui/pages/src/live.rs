//! Live values out of the bus: last readings, statuses, results of commands.

use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::{Access, ClockQuality, Command, Filter, Freshness, Reading, Timestamp, Topic, Unit};
use roost_runtime::{Bus, Message};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far ahead a reading may lie before its time is not believed, in nanoseconds: two seconds.
const CLOCK_SLACK_NS: i64 = 2_000_000_000;

/// A point with its last reading.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) reading: Reading,
    /// What the gateway says of its age, by a clock that nobody sets.
    pub(crate) freshness: Freshness,
    pub(crate) about: About,
}

/// What a device, or its profile, says of a point beside its values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct About {
    /// What people call it; empty if nobody says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) label: String,
    /// What its values are counted in.
    #[serde(skip_serializing_if = "Unit::is_none")]
    #[schema(value_type = String)]
    pub(crate) unit: Unit,
    /// `read_write` if it takes commands, otherwise `read`.
    #[schema(value_type = String)]
    pub(crate) access: Access,
    /// What kind of thing it is, in the word of the device's family.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) class: String,
    /// The only values that it takes, if they can be counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
    /// Smallest value that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// Largest value that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
}

impl About {
    /// Whether the point takes commands.
    pub(crate) fn is_settable(&self) -> bool {
        self.access == Access::ReadWrite
    }
}

impl Point {
    /// What its values are counted in: as the last one says, or else as its description does.
    pub(crate) fn unit(&self) -> &Unit {
        match self.reading.unit.is_none() {
            true => &self.about.unit,
            false => &self.reading.unit,
        }
    }
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
                about: about_at(bus, message.topic.as_str()).unwrap_or_default(),
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
        about: about_at(bus, &topic).unwrap_or_default(),
        reading,
    })
}

fn about_at(bus: &Bus, topic: &str) -> Option<About> {
    at(bus, &format!("{topic}/about"))
}

/// What is known of a point beside its values, if anything was said.
pub(crate) fn about(bus: &Bus, device: &str, point: &str) -> Option<About> {
    about_at(bus, &format!("devices/{device}/points/{point}"))
}

/// The points that the device has described and not reported yet, by name.
pub(crate) fn unreported(bus: &Bus, device: &str) -> Vec<(String, About)> {
    let Ok(filter) = Filter::new(format!("devices/{device}/points/+/about")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for message in bus.retained(&filter) {
        let name = message.topic.levels().nth(3).unwrap_or_default();
        let reading = Topic::new(format!("devices/{device}/points/{name}"));
        if reading.is_ok_and(|topic| bus.retained_at(&topic).is_none())
            && let Some(about) = decode(&message)
        {
            found.push((name.to_owned(), about));
        }
    }
    found
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
