//! A profile: how a family of MQTT devices speaks, as data instead of code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Access, Unit};

/// How a family of devices names its topics and packs its values.
///
/// In topics and templates `{device}` stands for the device's id. Any other word in braces that stands for a whole
/// level of a topic, such as `{point}`, catches what stands there; names of points may be made of what was caught.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Unique name.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// The codec that reads it: a name in the list of codecs. Empty for the one of the profile's own name, or else for
    /// the interpreter of the rules below.
    #[serde(default)]
    pub codec: String,
    /// Settings of that codec, by name.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Whether such a device connects itself.
    #[serde(default)]
    pub via: Via,
    /// Filters that such a device may publish to.
    pub publishes: Vec<String>,
    /// Filters that such a device may subscribe to.
    pub subscribes: Vec<String>,
    /// Topics that the gateway says something on to all such devices: they may subscribe to these too.
    #[serde(default)]
    pub hears: Vec<String>,
    /// How payloads of `key=value` pairs are cut.
    #[serde(default)]
    pub pairs: Separators,
    /// How points are found in what it publishes. The first rule that names a point decides about it.
    #[serde(default)]
    pub points: Vec<PointRule>,
    /// How it is commanded; the first rule whose `point` fits is used.
    #[serde(default)]
    pub commands: Vec<CommandRule>,
}

/// How a device's messages reach the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The device is a client of the broker.
    #[default]
    Own,
    /// Another client speaks for it: it has no login, and its point `online` says whether it can be reached.
    Bridge,
}

/// What a payload is before a rule looks into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// JSON where the rule has a pointer, otherwise the value itself as text.
    #[default]
    Auto,
    /// CBOR (RFC 8949), looked into by the same pointers as JSON.
    Cbor,
    /// `key=value` pairs, looked into as an object of one level.
    Pairs,
    /// Bytes at fixed places; the rule's `binary` says where.
    Binary,
}

/// How payloads of pairs are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Separators {
    /// What stands between two pairs. White space around names and values is left out.
    pub between: String,
    /// What stands between a name and its value.
    pub equals: String,
}

impl Default for Separators {
    fn default() -> Self {
        Self {
            between: ",".into(),
            equals: "=".into(),
        }
    }
}

/// Where in a payload of bytes a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryField {
    /// Its first byte, counted from 0.
    pub at: u16,
    /// What it is.
    #[serde(rename = "type")]
    pub number: BinaryNumber,
    /// Which byte comes first.
    #[serde(default)]
    pub endian: Endian,
    /// For a bit: which one of its byte, 0 being the lowest.
    #[serde(default)]
    pub bit: u8,
}

/// A number of a payload of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say all: signed or not, and how many bits")]
pub enum BinaryNumber {
    U8,
    U16,
    U24,
    U32,
    U64,
    I8,
    I16,
    I24,
    I32,
    I64,
    F32,
    F64,
    Bit,
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endian {
    /// The most significant one, as networks do.
    #[default]
    Big,
    /// The least significant one.
    Little,
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
    /// Topic it is published to. A word in braces, such as `{point}`, may stand for a whole level.
    pub topic: String,
    /// What the payload is.
    #[serde(default)]
    pub payload: PayloadKind,
    /// Where in the payload the value stands (RFC 6901); empty for the whole payload. One segment may be `*`: every
    /// member, whose name then stands for `{member}` in `point`. Where a number or a switch is asked for and an array
    /// of them is found, each makes a point of its own, numbered from 1: `power.1`.
    #[serde(default)]
    pub pointer: String,
    /// For a binary payload: where the value stands.
    #[serde(default)]
    pub binary: Option<BinaryField>,
    /// The point's name, in which `{member}` and the words of the topic stand for what was found.
    pub point: String,
    /// What the payload is turned into.
    #[serde(default)]
    pub kind: ValueKind,
    /// What a number is multiplied by; 1 if nothing is said.
    #[serde(default)]
    pub scale: Option<f64>,
    /// What is added to a number then; 0 if nothing is said.
    #[serde(default)]
    pub add: Option<f64>,
    /// What a word of the device means: `{ open = true, closed = false }`. A word that is not here is refused.
    #[serde(default)]
    pub map: BTreeMap<String, serde_json::Value>,
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
    /// The point, or `*` for every point that has no rule of its own. Words in braces catch parts of the name:
    /// `switch.{object}`.
    pub point: String,
    /// Topic the device listens to, in which `{point}` and the words of `point` stand for what was caught.
    pub topic: String,
    /// What is sent: `{value}` stands for the value as JSON, `{text}` for the value as plain text, `{id}` for the
    /// command's id.
    pub payload: String,
    /// What the point multiplies the device's numbers by: a command's number is divided by it.
    #[serde(default)]
    pub scale: Option<f64>,
    /// What the point adds to the device's numbers: it is taken off before the division.
    #[serde(default)]
    pub add: Option<f64>,
    /// Smallest number that the point takes.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest number that the point takes.
    #[serde(default)]
    pub max: Option<f64>,
    /// The point whose reading proves that the command came true, where it is another one.
    #[serde(default)]
    pub confirm_point: String,
    /// What the device calls a value, where that differs: `"true" = "ON"`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Topic on which the device says that it has the command; empty if it never does and only a later reading tells.
    #[serde(default)]
    pub ack_topic: String,
}
