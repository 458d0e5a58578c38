//! The nouns of the gateway. No I/O and no tasks here: plain data that every other crate shares.

mod client;
mod command;
mod device;
mod freshness;
mod point;
mod profile;
mod reading;
mod topic;
mod user;
mod value;

pub use client::Client;
pub use command::{Command, CommandState, Due, Priority, Step};
pub use device::{Device, DeviceId, Link};
pub use freshness::{Cadence, Freshness};
pub use point::{Access, NameError, PointSpec, check_name, name_from};
pub use profile::{
    BinaryField, BinaryNumber, CommandRule, Endian, PayloadKind, PointRule, Profile, Separators, ValueKind,
    Via,
};
pub use reading::{ClockQuality, Reading, Timestamp};
pub use topic::{DevicePattern, Filter, MAX_TOPIC_BYTES, MAX_TOPIC_LEVELS, Topic, TopicError};
pub use user::{Role, Setting, User};
pub use value::{NoData, Unit, Value};
