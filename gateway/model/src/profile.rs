//! A profile: how a family of MQTT devices speaks, as data instead of code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Access, Unit};

/// How a family of devices names its topics and packs its values.
///
/// In topics and templates `{device}` stands for the device's id and `{point}` for a point's name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Unique name.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// Filters that such a device may publish to.
    pub publishes: Vec<String>,
    /// Filters that such a device may subscribe to.
    pub subscribes: Vec<String>,
    /// How points are found in what it publishes. The first rule that names a point decides about it.
    #[serde(default)]
    pub points: Vec<PointRule>,
    /// How it is commanded; the first rule whose `point` fits is used.
    #[serde(default)]
    pub commands: Vec<CommandRule>,
}

/// What kind of value a rule makes of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// As it comes: JSON if it is JSON, text otherwise.
    #[default]
    Auto,
    /// A finite number, also out of text such as `"21.5"`.
    Number,
    /// `true/false`, `on/off`, `1/0`, `online/offline`, in any case.
    Bool,
    /// Text as it is.
    Text,
}

/// How one point, or a family of points, is found in what a device publishes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointRule {
    /// Topic it is published to. `{point}` may stand for one whole level and then gives the point's name.
    pub topic: String,
    /// Where in the JSON payload the value stands (RFC 6901); empty for the whole payload. One segment may be `*`:
    /// every member, whose name then stands for `{member}` in `point`.
    #[serde(default)]
    pub pointer: String,
    /// The point's name: a name, `{point}`, or a name with `{member}` in it.
    pub point: String,
    /// What the payload is turned into.
    #[serde(default)]
    pub kind: ValueKind,
    /// Unit of the value. A native payload may say its own.
    #[serde(default)]
    pub unit: Unit,
    /// Where the payload says which unit it uses (RFC 6901); empty if it does not.
    #[serde(default)]
    pub unit_pointer: String,
    /// What the device calls a unit, to what people call it.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// Whether the point takes commands.
    #[serde(default)]
    pub access: Access,
    /// How often a value is expected, in milliseconds; 0 lets the gateway learn it.
    #[serde(default)]
    pub cadence_ms: u64,
}

/// How a point is commanded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandRule {
    /// The point, or `*` for every point that has no rule of its own.
    pub point: String,
    /// Topic the device listens to.
    pub topic: String,
    /// What is sent: `{value}` stands for the value as JSON, `{text}` for the value as plain text, `{id}` for the
    /// command's id.
    pub payload: String,
    /// What the device calls a value, where that differs: `"true" = "ON"`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Topic on which the device says that it has the command; empty if it never does and only a later reading tells.
    #[serde(default)]
    pub ack_topic: String,
}
