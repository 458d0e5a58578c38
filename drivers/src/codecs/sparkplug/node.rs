//! What is remembered of an edge node: its metrics by alias and name, and the number of its next message.

use roost_model::{Access, ClockQuality, NoData, Timestamp, Topic, Unit, Value, name_from};

use super::payload::{Metric, Payload};
use crate::codecs::profile::ONLINE;
use crate::{CodecError, Decoded, Described, Incoming, MAX_DESCRIBED_POINTS, Sample};

/// Messages of a node are counted from 0 to 255 and around (section 6.4.3).
const NUMBERS: u64 = 256;
/// The metric that belongs a death to its birth (section 6.4.21); it is no point.
const BIRTH_NUMBER: &str = "bdSeq";
/// Longest name of a metric: it is kept for each of them.
const MAX_NAME_BYTES: usize = 1024;
/// How long a node may take for its rebirth before it is asked again, in milliseconds.
const REBIRTH_PATIENCE_MS: i64 = 10_000;

/// The kinds of messages, of the node itself and of a device behind it (section 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Birth,
    Data,
    Death,
}

impl Kind {
    /// The kind by its word; `None` for what a node does not say, or not at this place.
    pub(super) fn of(word: &str, is_behind: bool) -> Option<Self> {
        Some(match (word, is_behind) {
            ("NBIRTH", false) | ("DBIRTH", true) => Self::Birth,
            ("NDATA", false) | ("DDATA", true) => Self::Data,
            ("NDEATH", false) | ("DDEATH", true) => Self::Death,
            _ => return None,
        })
    }
}

/// A metric that a birth has named.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) point: String,
    pub(super) name: String,
    pub(super) alias: Option<u64>,
    pub(super) datatype: u64,
    /// The device behind the node that it belongs to.
    pub(super) behind: Option<Box<str>>,
    unit: Unit,
    access: Access,
}

/// An edge node.
#[derive(Default)]
pub(super) struct Node {
    group: String,
    metrics: Vec<Known>,
    birth_number: Option<u64>,
    /// The number that its next message should have; `None` before its birth.
    expected: Option<u64>,
    /// Whether something of it was missed since its birth.
    has_gap: bool,
    asked_ms: Option<i64>,
}

impl Node {
    /// The group that it is in.
    pub(super) fn group(&self) -> &str {
        &self.group
    }

    fn has(&self, point: &str) -> bool {
        self.metrics.iter().any(|known| known.point == point)
    }

    /// The metric of a point, if it takes commands.
    pub(super) fn commandable(&self, point: &str) -> Option<&Known> {
        let takes = |known: &&Known| known.point == point && known.access == Access::ReadWrite;
        self.metrics.iter().find(takes)
    }

    /// Whether the node is to be asked to say its births again; it is asked once, and then given time.
    pub(super) fn wants_rebirth(&mut self, at_ms: i64) -> bool {
        let is_patient = self
            .asked_ms
            .is_some_and(|asked| (0..REBIRTH_PATIENCE_MS).contains(&(at_ms - asked)));
        if !self.has_gap || is_patient {
            return false;
        }
        self.asked_ms = Some(at_ms);
        true
    }

    /// Takes a message.
    pub(super) fn take(
        &mut self,
        kind: Kind,
        behind: Option<&str>,
        group: &str,
        payload: &Payload,
        incoming: Incoming<'_>,
        decoded: &mut Decoded,
    ) {
        group.clone_into(&mut self.group);
        let topic = incoming.topic;
        match (kind, behind) {
            (Kind::Birth, None) => {
                let before = std::mem::take(&mut self.metrics);
                *self = Self {
                    group: group.to_owned(),
                    birth_number: payload.number(BIRTH_NUMBER),
                    expected: payload.seq.map(|seq| seq.wrapping_add(1) % NUMBERS),
                    ..Self::default()
                };
                self.learn(None, payload, topic, decoded);
                // Devices behind the node say their births after it: theirs are not gone.
                let of_the_node = before.into_iter().filter(|known| known.behind.is_none());
                let points = of_the_node.map(|known| known.point).collect();
                decoded.note_undescribed(points, |point| self.has(point));
                say_online(None, true, decoded);
            }
            (Kind::Death, None) => {
                let number = payload.number(BIRTH_NUMBER);
                // The death of an earlier connection, come late, ends nothing.
                if number.is_some() && self.birth_number.is_some() && number != self.birth_number {
                    return;
                }
                self.expected = None;
                say_online(None, false, decoded);
                self.lose_all(decoded);
            }
            (Kind::Birth, Some(device)) => {
                self.count(payload, topic, decoded);
                let of_it = self
                    .metrics
                    .extract_if(.., |known| known.behind.as_deref() == Some(device));
                let before = of_it.map(|known| known.point).collect();
                self.learn(Some(device), payload, topic, decoded);
                decoded.note_undescribed(before, |point| self.has(point));
                say_online(Some(device), true, decoded);
            }
            (Kind::Death, Some(device)) => {
                self.count(payload, topic, decoded);
                say_online(Some(device), false, decoded);
                self.lose(Some(device), decoded);
            }
            (Kind::Data, behind) => {
                self.count(payload, topic, decoded);
                self.read(behind, payload, topic, decoded);
            }
        }
    }

    /// Counts a message; one that has gone missing is a gap.
    fn count(&mut self, payload: &Payload, topic: &Topic, decoded: &mut Decoded) {
        let seq = payload.seq.unwrap_or(NUMBERS);
        if self.expected != Some(seq) && !self.has_gap {
            self.has_gap = true;
            let what = match self.expected {
                Some(expected) => format!("message {seq} in the place of message {expected}"),
                None => "a message before its node's birth".to_owned(),
            };
            decoded.rejected.push(CodecError::Unsupported {
                topic: topic.clone(),
                what,
            });
        }
        if self.expected.is_some() {
            self.expected = Some(seq.wrapping_add(1) % NUMBERS);
        }
    }

    /// Takes the metrics of a birth: names, aliases, types, units, first values.
    fn learn(&mut self, behind: Option<&str>, payload: &Payload, topic: &Topic, decoded: &mut Decoded) {
        for metric in &payload.metrics {
            let Some(name) = metric.name.as_deref().filter(|name| *name != BIRTH_NUMBER) else {
                continue;
            };
            let unsupported = |what: String| CodecError::Unsupported {
                topic: topic.clone(),
                what,
            };
            if name.len() > MAX_NAME_BYTES {
                decoded
                    .rejected
                    .push(unsupported(format!("a name of more than {MAX_NAME_BYTES} bytes")));
                continue;
            }
            let Some(point) = point(behind, name) else {
                continue;
            };
            if self.metrics.iter().any(|known| known.point == point) {
                decoded
                    .rejected
                    .push(unsupported(format!("a second metric like {name}")));
                continue;
            }
            if self.metrics.len() >= MAX_DESCRIBED_POINTS {
                decoded
                    .rejected
                    .push(CodecError::TooManyPoints { topic: topic.clone() });
                return;
            }
            let Some(value) = metric.value(metric.datatype) else {
                decoded.rejected.push(unsupported(format!(
                    "the data type {} of {name}",
                    metric.datatype
                )));
                continue;
            };
            let known = Known {
                point,
                name: name.to_owned(),
                alias: metric.alias,
                datatype: metric.datatype,
                behind: behind.map(Into::into),
                unit: Unit::new(metric.unit.as_deref().unwrap_or_default()),
                access: if metric.is_read_only {
                    Access::Read
                } else {
                    Access::ReadWrite
                },
            };
            decoded.described.push(Described {
                point: known.point.clone(),
                label: name.to_owned(),
                unit: known.unit.clone(),
                access: known.access,
                ..Described::default()
            });
            decoded.samples.push(sample(&known, value, metric, payload));
            self.metrics.push(known);
        }
    }

    /// Takes the metrics of data.
    fn read(&mut self, behind: Option<&str>, payload: &Payload, topic: &Topic, decoded: &mut Decoded) {
        for metric in payload
            .metrics
            .iter()
            .filter(|metric| !metric.is_historical)
            .take(MAX_DESCRIBED_POINTS)
        {
            let is_meant = |known: &&Known| match (metric.alias, metric.name.as_deref()) {
                (Some(alias), None) => known.alias == Some(alias),
                (_, Some(name)) => known.name == name && known.behind.as_deref() == behind,
                (None, None) => false,
            };
            let Some(known) = self.metrics.iter().find(is_meant) else {
                self.miss(metric, topic, decoded);
                continue;
            };
            let value = metric.value(known.datatype).unwrap_or_else(|| {
                decoded.rejected.push(CodecError::Payload {
                    topic: topic.clone(),
                    rule: known.point.clone(),
                    expected: "a value of the type that its birth said",
                });
                Err(NoData::DeviceError)
            });
            decoded.samples.push(sample(known, value, metric, payload));
        }
    }

    /// A metric that no birth has named: the node is to say its births again.
    fn miss(&mut self, metric: &Metric, topic: &Topic, decoded: &mut Decoded) {
        let what = match (&metric.name, metric.alias) {
            (Some(name), _) if name == BIRTH_NUMBER => return,
            (Some(name), _) => format!("the metric {name}, which no birth has named,"),
            (None, alias) => format!(
                "the alias {}, which no birth has named,",
                alias.unwrap_or_default()
            ),
        };
        if !self.has_gap {
            decoded.rejected.push(CodecError::Unsupported {
                topic: topic.clone(),
                what,
            });
        }
        self.has_gap = true;
    }

    /// The node is gone, and with it all that is behind it.
    fn lose_all(&self, decoded: &mut Decoded) {
        self.lose(None, decoded);
        let mut devices: Vec<&str> = self
            .metrics
            .iter()
            .filter_map(|known| known.behind.as_deref())
            .collect();
        devices.sort_unstable();
        devices.dedup();
        for device in devices {
            say_online(Some(device), false, decoded);
            self.lose(Some(device), decoded);
        }
    }

    /// The node's own points, or those of a device behind it, have no value.
    fn lose(&self, behind: Option<&str>, decoded: &mut Decoded) {
        let lost = self
            .metrics
            .iter()
            .filter(|known| known.behind.as_deref() == behind);
        for known in lost {
            let gone = Err(NoData::DeviceAbsent);
            let sample = Sample::new(known.point.as_str(), gone, known.unit.clone(), known.access);
            decoded.samples.push(sample);
        }
    }
}

/// The point of a metric: the levels of its name become parts of the point's.
fn point(behind: Option<&str>, name: &str) -> Option<String> {
    let name = name.replace('/', ".");
    name_from(&match behind {
        Some(device) => format!("{device}.{name}"),
        None => name,
    })
}

fn sample(known: &Known, value: Result<Value, NoData>, metric: &Metric, payload: &Payload) -> Sample {
    // Nothing is known of the node's clock, so the time is taken with that reservation.
    let at_ms = metric
        .at_ms
        .or(payload.at_ms)
        .and_then(|ms| i64::try_from(ms).ok());
    Sample {
        at: at_ms.map(|ms| Timestamp::from_unix_ms(ms, ClockQuality::Unknown)),
        ..Sample::new(known.point.as_str(), value, known.unit.clone(), known.access)
    }
}

/// Says whether the node, or a device behind it, is there.
fn say_online(behind: Option<&str>, online: bool, decoded: &mut Decoded) {
    if behind.is_none() {
        decoded.online = Some(online);
    }
    let Some(point) = point(behind, ONLINE) else {
        return;
    };
    // A metric of that name has said it already.
    if decoded.samples.get(&point).is_some() {
        return;
    }
    let online = Ok(Value::Bool(online));
    decoded
        .samples
        .push(Sample::new(point, online, Unit::NONE, Access::Read));
}
