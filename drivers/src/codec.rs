//! The contract of a codec: how an MQTT device's messages become samples, and commands become messages.

mod memory;
mod messages;

pub use memory::CodecMemory;
pub use messages::{Ack, CommandRequest, Decoded, Described, Grants, Incoming, Outgoing};

use roost_model::{Filter, Profile, Topic};
use thiserror::Error;

/// Most samples that one message may bring. A device with more to say sends more messages; without a limit a
/// message of a few kilobytes could make thousands of points.
pub const MAX_SAMPLES_PER_MESSAGE: usize = 256;
/// Most points that one device may describe.
pub const MAX_DESCRIBED_POINTS: usize = 1024;
/// Most bytes of text with which one device may describe itself, where its family sets no limits of its own.
pub const MAX_DESCRIPTION_BYTES: usize = 256 * 1024;

/// How a family of devices speaks. Ten thousand devices share one; what it has to remember of each of them is in the
/// device's [`CodecMemory`].
pub trait Codec: Send + Sync {
    /// What the gateway listens to for this device.
    fn filters(&self, device: &str) -> Vec<Filter>;

    /// What this device may do on the broker. Empty for a device whose id is not a name.
    fn access(&self, device: &str) -> Grants;

    /// What the device leaves retained to describe itself: handed to [`Codec::decode`] when its task starts, before
    /// anything new, so that the memory is filled again after a crash or a restart.
    fn remembers(&self, _device: &str) -> Vec<Filter> {
        Vec::new()
    }

    /// Where messages lie that nobody needs once the device is removed.
    fn leaves(&self, device: &str) -> Vec<Filter> {
        self.filters(device)
    }

    /// What the gateway says when the device's task starts.
    fn greet(&self, _device: &str, _at_ms: i64) -> Vec<Outgoing> {
        Vec::new()
    }

    /// Whether another client speaks for the device.
    fn is_bridged(&self) -> bool {
        false
    }

    /// Takes a message apart. One that no rule is about brings nothing, and neither does an empty one.
    ///
    /// # Errors
    /// [`CodecError::Payload`] if the payload as a whole is not what the rule for its topic says;
    /// [`CodecError::TooManySamples`] beyond [`MAX_SAMPLES_PER_MESSAGE`].
    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError>;

    /// The message that carries a command to the device.
    ///
    /// # Errors
    /// [`CodecError`] if the device's family has no such command, or not with that value.
    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError>;
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
    /// The device asks for something that this codec does not do; what it does is in the documentation.
    #[error("{topic}: {what} is not supported")]
    Unsupported {
        /// Where it was published.
        topic: Topic,
        /// What it is, in the device's words.
        what: String,
    },
    /// More samples than one message may bring.
    #[error("{topic}: more than {MAX_SAMPLES_PER_MESSAGE} values in one message")]
    TooManySamples {
        /// Where it was published.
        topic: Topic,
    },
    /// More points than one device may describe.
    #[error("{topic}: more than {MAX_DESCRIBED_POINTS} points")]
    TooManyPoints {
        /// Where it was published.
        topic: Topic,
    },
    /// More text than one device may describe itself with.
    #[error("{topic}: more than {MAX_DESCRIPTION_BYTES} bytes of descriptions of one device")]
    TooMuchDescription {
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
