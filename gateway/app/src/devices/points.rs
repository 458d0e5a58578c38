//! The points of one device, as far as they are known: by name, with topic and cadence.

use std::time::Duration;

use roost_model::{Cadence, Filter, Reading, Timestamp, Topic, check_name};
use roost_runtime::Bus;

/// Most points of one device: a device that makes up names must not fill the memory.
const MAX_POINTS: usize = 1024;

/// One point.
#[derive(Debug)]
pub(crate) struct Point {
    topic: Topic,
    /// Where in the topic the name begins.
    name_at: usize,
    cadence: Cadence,
    last: Option<Timestamp>,
}

impl Point {
    /// A point without a value yet; `None` for a name that is none.
    pub(crate) fn new(device: &str, name: &str) -> Option<Self> {
        check_name(name).ok()?;
        let topic = Topic::new(format!("devices/{device}/points/{name}")).ok()?;
        let name_at = topic.as_str().len() - name.len();
        Some(Self {
            topic,
            name_at,
            cadence: Cadence::default(),
            last: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.topic.as_str()[self.name_at..]
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    pub(crate) fn cadence(&self) -> Option<Duration> {
        self.cadence.get()
    }

    /// Takes note of a value that was taken `at`.
    pub(crate) fn observe(&mut self, at: Timestamp, declared: Option<Duration>) {
        if declared.is_some() {
            self.cadence = Cadence::new(declared);
        } else if let Some(last) = self.last {
            self.cadence.observe(last.until(at));
        }
        self.last = Some(at);
    }
}

/// The points of a device.
#[derive(Debug)]
pub(crate) struct Points {
    device: String,
    declared: Option<Duration>,
    points: Vec<Point>,
}

impl Points {
    /// What an earlier run of the device's task, or of the gateway, has left on the bus. `declared` is the cadence that
    /// the device's record says, if it does.
    pub(crate) fn resume(bus: &Bus, device: &str, declared: Option<Duration>) -> Self {
        let mut points = Self {
            device: device.to_owned(),
            declared,
            points: Vec::new(),
        };
        let Ok(filter) = Filter::new(format!("devices/{device}/points/+")) else {
            return points;
        };
        for message in bus.retained(&filter) {
            let name = message.topic.levels().last().unwrap_or_default();
            let Ok(reading) = serde_json::from_slice::<Reading>(&message.body) else {
                continue;
            };
            if let Some(mut point) = Point::new(device, name) {
                point.cadence = Cadence::resume(declared, reading.cadence);
                point.last = Some(reading.at);
                points.points.push(point);
            }
        }
        points
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
        let mut point = Point::new(&self.device, name)?;
        point.cadence = Cadence::new(self.declared);
        self.points.push(point);
        self.points.last_mut()
    }

    /// The cadence that wins over what a payload or a profile says.
    pub(crate) fn declared(&self) -> Option<Duration> {
        self.declared
    }
}
