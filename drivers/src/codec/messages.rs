//! What goes into a codec and what comes out of it.

use roost_model::{Access, Filter, Topic, Unit, Value};
use serde::Serialize;

use crate::{CodecError, Samples};

/// Which topics a device may publish to and subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Filters it may publish inside.
    pub publish: Vec<Filter>,
    /// Filters it may subscribe inside.
    pub subscribe: Vec<Filter>,
}

/// A message of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// Where it was published.
    pub topic: &'a Topic,
    /// What was published.
    pub payload: &'a [u8],
    /// When the gateway took it, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What a message said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Values of points.
    pub samples: Samples,
    /// Answers to commands.
    pub acks: Vec<Ack>,
    /// Whether the device says, or has its will say, that it is connected.
    pub online: Option<bool>,
    /// Points that the device has described for the first time, or anew.
    pub described: Vec<Described>,
    /// Points that it has described before and does not have any more.
    pub undescribed: Vec<String>,
    /// What the gateway says to the device because of it.
    pub outgoing: Vec<Outgoing>,
    /// What a rule expected and did not find, while the rest of the message was good. For the log.
    pub rejected: Vec<CodecError>,
}

impl Decoded {
    /// Notes which of the points that were described `before` are not any more.
    pub(crate) fn note_undescribed(&mut self, before: Vec<String>, is_known: impl Fn(&str) -> bool) {
        self.undescribed
            .extend(before.into_iter().filter(|point| !is_known(point)));
    }
}

/// What a device says about a point before its first value. Its JSON form is published for pages and programs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Described {
    /// Name of the point within its device.
    pub point: String,
    /// What people call it; empty if the device does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What its values are counted in.
    pub unit: Unit,
    /// Whether it takes commands.
    pub access: Access,
    /// What kind of thing it measures, in the family's own word, such as `temperature`; empty if it is not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The only values that it takes, if they can be counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Smallest value that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// A device's answer to a command. Families that don't send the id back are matched by the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The command's id, if the device repeats it.
    pub id: Option<String>,
    /// The point that was commanded, if the topic or the payload tells.
    pub point: Option<String>,
    /// Whether the device has the command, or why it refuses.
    pub result: Result<(), String>,
}

/// A command to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommandRequest<'a> {
    /// Its id, unique on this gateway.
    pub id: &'a str,
    /// The point it is for.
    pub point: &'a str,
    /// The value asked for.
    pub value: &'a Value,
    /// When it is sent, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A message to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it is published.
    pub topic: Topic,
    /// What is published.
    pub payload: Vec<u8>,
    /// Whether it is kept for those who listen later.
    pub retain: bool,
    /// For a command: the point whose reading proves it, where it is not the one that was commanded.
    pub confirm_point: Option<String>,
}

impl Outgoing {
    /// A message that is not kept and proves itself.
    #[must_use]
    pub fn new(topic: Topic, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            topic,
            payload: payload.into(),
            retain: false,
            confirm_point: None,
        }
    }

    /// The same message, kept for those who listen later.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }

    /// The same message, proven by another point.
    #[must_use]
    pub fn confirmed_by(self, point: impl Into<String>) -> Self {
        Self {
            confirm_point: Some(point.into()),
            ..self
        }
    }
}
