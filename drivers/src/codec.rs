//! The contract of a codec: how an MQTT device's messages become samples, and commands become messages.

use roost_model::{Filter, Profile, Topic, Value};
use thiserror::Error;

use crate::Samples;

/// Most samples that one message may bring. A device with more to say sends more messages; without a limit a
/// message of a few kilobytes could make thousands of points.
pub const MAX_SAMPLES_PER_MESSAGE: usize = 256;

/// How a family of devices speaks. Without state, so that ten thousand devices share one.
pub trait Codec: Send + Sync {
    /// What the gateway listens to for this device.
    fn filters(&self, device: &str) -> Vec<Filter>;

    /// What this device may do on the broker. Empty for a device whose id is not a name.
    fn access(&self, device: &str) -> Grants;

    /// Takes a message apart. One that no rule is about brings nothing, and neither does an empty one.
    ///
    /// # Errors
    /// [`CodecError::Payload`] if the payload as a whole is not what the rule for its topic says;
    /// [`CodecError::TooManySamples`] beyond [`MAX_SAMPLES_PER_MESSAGE`].
    fn decode(&self, device: &str, topic: &Topic, payload: &[u8]) -> Result<Decoded, CodecError>;

    /// The message that carries a command to the device.
    ///
    /// # Errors
    /// [`CodecError`] if the device's family has no such command, or not with that value.
    fn encode(&self, device: &str, command: CommandRequest<'_>) -> Result<Outgoing, CodecError>;
}

/// Which topics a device may publish to and subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Filters it may publish inside.
    pub publish: Vec<Filter>,
    /// Filters it may subscribe inside.
    pub subscribe: Vec<Filter>,
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
    /// What a rule expected and did not find, while the rest of the message was good. For the log.
    pub rejected: Vec<CodecError>,
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
}

/// A message to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it is published.
    pub topic: Topic,
    /// What is published.
    pub payload: Vec<u8>,
}

/// A codec in the list of codecs.
pub struct CodecDef {
    /// Its name; a codec that is written in code for one profile has that profile's id.
    pub name: &'static str,
    /// What it is for, for people who choose.
    pub summary: &'static str,
    /// Makes the codec of a profile.
    pub build: fn(Profile) -> Result<Box<dyn Codec>, CodecError>,
}

/// Why a profile, a message or a command could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The profile contradicts itself.
    #[error("profile {profile}: {place} {reason}")]
    Profile {
        /// The profile's id.
        profile: String,
        /// The field, such as `points[3].topic`.
        place: String,
        /// What is wrong with it, phrased to follow the field's name.
        reason: String,
    },
    /// The payload, or the part of it that a rule is about, is not what the rule says.
    #[error("{topic}: {rule} expects {expected}")]
    Payload {
        /// Where it was published.
        topic: Topic,
        /// The rule: the point it makes, and the pointer it follows.
        rule: String,
        /// What it expects.
        expected: &'static str,
    },
    /// More samples than one message may bring.
    #[error("{topic}: more than {MAX_SAMPLES_PER_MESSAGE} values in one message")]
    TooManySamples {
        /// Where it was published.
        topic: Topic,
    },
    /// No rule says how to command the point.
    #[error("profile {profile} has no command for {point}")]
    NoCommand {
        /// The profile's id.
        profile: String,
        /// The point.
        point: String,
    },
    /// The point can be commanded, but not to that value.
    #[error("{point} takes {expected}")]
    BadValue {
        /// The point.
        point: String,
        /// What it takes.
        expected: String,
    },
}
