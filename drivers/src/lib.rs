//! Drivers for chips wired to the board, codecs for devices that speak MQTT, boards to open a bus on.
//!
//! No tasks and no clock of its own: a bus thread or a device's task calls in here and waits for the answer.

mod board;
pub mod boards;
mod chips;
mod codec;
mod codecs;
mod driver;
mod guess;
mod register;
mod sample;

pub use board::{BoardDef, BoardError, BusError, BusSpec, SharedI2c};
pub use boards::BOARDS;
pub use chips::{DRIVERS, find};
pub use codec::{
    Ack, Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Described, Grants, Incoming,
    MAX_DESCRIBED_POINTS, MAX_DESCRIPTION_BYTES, MAX_SAMPLES_PER_MESSAGE, Outgoing,
};
pub use codecs::{BUILTIN_PROFILES, CODECS, builtin_profiles, codec_for};
pub use driver::{Driver, DriverDef, DriverError, measurement, poll};
pub use guess::{Guess, guess};
pub use register::Register;
pub use sample::{Sample, Samples};
