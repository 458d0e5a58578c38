//! Messages of the Channels protocol, as they are on the wire: version 2 (arrays, and frames of bytes) and version 1
//! (objects). Plain functions of data.
//!
//! The format is that of Phoenix's `V2.JSONSerializer` and `V1.JSONSerializer`, as the `phoenix` client reads it.

mod decode;
mod encode;
mod names;
mod payload;
mod reference;
#[cfg(test)]
mod tests;

pub use decode::{EVENT_BYTES, Incoming, MAX_DEPTH, Malformed, decode_binary, decode_text};
pub use encode::{Outgoing, Wire, encode};
pub(crate) use names::{Names, write_names};
pub use payload::{Payload, PayloadError, Reply};
pub use reference::{REF_BYTES, Ref};

/// Version of the protocol, as the parameter `vsn` of a connection says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// Objects, text only: `1.0.x`, and clients that say nothing.
    #[default]
    V1,
    /// Arrays, and frames of bytes: `2.0.x`.
    V2,
}

impl Version {
    /// The version that a client asks for, if it is spoken here: three numbers, of which the last does not matter.
    #[must_use]
    pub fn parse(vsn: Option<&str>) -> Option<Self> {
        let Some(vsn) = vsn else { return Some(Self::V1) };
        let mut numbers = vsn.split('.').map(|part| part.parse::<u32>().ok());
        let version = match (numbers.next()??, numbers.next()??) {
            (1, 0) => Self::V1,
            (2, 0) => Self::V2,
            _ => return None,
        };
        (numbers.next()?.is_some() && numbers.next().is_none()).then_some(version)
    }
}

/// Topic of the heartbeat, which nobody joins.
pub const HEARTBEAT_TOPIC: &str = "phoenix";
/// Event of the heartbeat.
pub const HEARTBEAT: &str = "heartbeat";
/// Event by which a client joins.
pub const JOIN: &str = "phx_join";
/// Event by which a client leaves.
pub const LEAVE: &str = "phx_leave";
/// Event of an answer.
pub const REPLY: &str = "phx_reply";
/// Event that says that a channel has ended as it should.
pub const CLOSE: &str = "phx_close";
/// Event that says that a channel has crashed.
pub const ERROR: &str = "phx_error";
