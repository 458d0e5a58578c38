//! The points of one device, as far as they are known: by name, with topic, cadence and pulse.

use std::sync::Arc;
use std::time::Duration;

use roost_model::{Cadence, Filter, Reading, Topic, check_name};

use super::DeviceParts;
use super::freshness::{FreshnessWatch, Pulse, Whose};

/// Most points of one device: a device that makes up names must not fill the memory.
const MAX_POINTS: usize = 1024;
/// How far ahead a reading of an earlier run may lie before its time is not believed, in milliseconds.
const CLOCK_SLACK_MS: i64 = 2000;

/// How much earlier than something that the gateway knows the time of a device may say that a value was taken which
/// came after it, in milliseconds: many tell whole seconds.
pub(super) const DEVICE_CLOCK_SLACK_MS: i64 = 2000;

/// One point.
#[derive(Debug)]
pub(crate) struct Point {
    pulse: Arc<Pulse>,
    /// Where in the topic the name begins.
    name_at: usize,
    cadence: Cadence,
    /// Whether the last value is of an earlier run: the pause until the next one says nothing about the cadence.
    resumed: bool,
    /// Whether it was said on the bus that the point takes commands.
    settable: bool,
    /// The time that the device gave its last value, in milliseconds since the Unix epoch, if it did.
    said_ms: Option<i64>,
}

/// When a value was taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakenAt {
    /// As uptime in milliseconds.
    pub(crate) uptime_ms: i64,
    /// As the device says it, in milliseconds since the Unix epoch.
    pub(crate) said_ms: Option<i64>,
}

impl Point {
    /// A point without a value yet; `None` for a name that is none.
    fn new(watch: &Arc<FreshnessWatch>, device: &str, name: &str) -> Option<Self> {
        let topic = topic(device, name)?;
        let name_at = topic.as_str().len() - name.len();
        Some(Self {
            pulse: Pulse::new(watch, Whose::Point, topic),
            name_at,
            cadence: Cadence::default(),
            resumed: false,
            settable: false,
            said_ms: None,
        })
    }

    /// Whether it is news that the point takes commands. It is so once in the life of the device's task.
    pub(crate) fn becomes_settable(&mut self) -> bool {
        !std::mem::replace(&mut self.settable, true)
    }

    pub(crate) fn name(&self) -> &str {
        &self.topic().as_str()[self.name_at..]
    }

    pub(crate) fn topic(&self) -> &Topic {
        self.pulse.topic()
    }

    pub(crate) fn cadence(&self) -> Option<Duration> {
        self.cadence.get()
    }

    /// Takes note of a value, and tells whether it is the latest: a device that was away may say later what it has kept
    /// meanwhile.
    pub(crate) fn observe(&mut self, taken: TakenAt, declared: Option<Duration>) -> bool {
        if self.has_later_than(taken) {
            return false;
        }
        self.said_ms = taken.said_ms;
        let taken_ms = taken.uptime_ms;
        if declared.is_some() {
            self.cadence = Cadence::new(declared);
        } else if let Some(before_ms) = self.pulse.heard_ms()
            && !self.resumed
        {
            let interval_ms = u64::try_from(taken_ms.saturating_sub(before_ms)).unwrap_or(0);
            self.cadence.observe(Duration::from_millis(interval_ms));
        }
        self.resumed = false;
        self.pulse.heard(Some(taken_ms), self.cadence.get());
        true
    }

    /// Whether there is a later value than one taken then. Times that the device gives are compared with each other, so
    /// that a clock of the gateway that is set holds nothing up; otherwise the board's own clock decides.
    fn has_later_than(&self, taken: TakenAt) -> bool {
        match (taken.said_ms, self.said_ms) {
            (None, _) => false,
            (Some(said_ms), Some(last_ms)) => said_ms < last_ms,
            (Some(_), None) => self
                .pulse
                .heard_ms()
                .is_some_and(|heard_ms| taken.uptime_ms < heard_ms - DEVICE_CLOCK_SLACK_MS),
        }
    }
}

/// The topic of a point; `None` for a name that is none.
pub(crate) fn topic(device: &str, name: &str) -> Option<Topic> {
    check_name(name).ok()?;
    Topic::new(format!("devices/{device}/points/{name}")).ok()
}

/// The points of a device.
#[derive(Debug)]
pub(crate) struct Points {
    device: Arc<str>,
    declared: Option<Duration>,
    points: Vec<Point>,
    watch: Watch,
    /// The device's own, once it was heard.
    pulse: Option<Arc<Pulse>>,
}

/// The watch, without its inside in debug texts.
struct Watch(Arc<FreshnessWatch>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Points {
    /// What an earlier run of the device's task, or of the gateway, has left on the bus. `declared` is the cadence that
    /// the device's record says, if it does.
    pub(crate) fn resume(parts: &DeviceParts, device: &Arc<str>, declared: Option<Duration>) -> Self {
        let watch = &parts.freshness;
        let mut points = Self {
            device: Arc::clone(device),
            declared,
            points: Vec::new(),
            watch: Watch(Arc::clone(watch)),
            pulse: None,
        };
        let Ok(filter) = Filter::new(format!("devices/{device}/points/+")) else {
            return points;
        };
        let now_ms = parts.intake.now().unix_ms();
        let uptime_ms = i64::try_from(parts.intake.clock().uptime_ms()).unwrap_or(i64::MAX);
        let mut last = None;
        for message in parts.bus.retained(&filter) {
            let name = message.topic.levels().last().unwrap_or_default();
            let Ok(reading) = serde_json::from_slice::<Reading>(&message.body) else {
                continue;
            };
            if let Some(mut point) = Point::new(watch, device, name) {
                point.cadence = Cadence::resume(declared, reading.cadence);
                point.resumed = true;
                let age_ms = now_ms - reading.at.unix_ms();
                // Written when the clock was ahead, or read while it is behind: its age is not known.
                let heard_ms = (age_ms > -CLOCK_SLACK_MS).then_some(uptime_ms - age_ms.max(0));
                last = last.max(heard_ms);
                point.pulse.heard(heard_ms, point.cadence.get());
                points.points.push(point);
            }
        }
        if last.is_some() {
            points.heard_at(last);
        }
        points
    }

    /// The device has said something, at this uptime in milliseconds.
    pub(crate) fn heard(&mut self, now_ms: u64) {
        self.heard_at(i64::try_from(now_ms).ok());
    }

    fn heard_at(&mut self, at_ms: Option<i64>) {
        if self.pulse.is_none() {
            let topic = Topic::new(format!("devices/{}", self.device)).ok();
            self.pulse = topic.map(|topic| Pulse::new(&self.watch.0, Whose::Device, topic));
        }
        if let Some(pulse) = &self.pulse {
            pulse.heard(at_ms, self.slowest());
        }
    }

    /// The cadence of the point that reports least often.
    fn slowest(&self) -> Option<Duration> {
        self.points.iter().filter_map(Point::cadence).max()
    }

    /// The point of this name, made known if it was not; `None` for a name that is none, or beyond the limit.
    pub(crate) fn get_or_add(&mut self, name: &str) -> Option<&mut Point> {
        // A few points a device: looking through them beats a table in time and memory.
        if let Some(at) = self.points.iter().position(|point| point.name() == name) {
            return self.points.get_mut(at);
        }
        if self.points.len() >= MAX_POINTS {
            return None;
        }
        let mut point = Point::new(&self.watch.0, &self.device, name)?;
        point.cadence = Cadence::new(self.declared);
        self.points.push(point);
        self.points.last_mut()
    }

    /// The cadence that wins over what a payload or a profile says.
    pub(crate) fn declared(&self) -> Option<Duration> {
        self.declared
    }
}
