//! What both sides of the siege know.

use std::time::Duration;

use roost_live::endpoint::Limits;

/// The key of the besieged, so that a token can be made that was right once.
pub(crate) const KEY: &[u8] = b"both sides of the siege know this";
/// Most bytes of a file.
pub(crate) const BIGGEST_FILE: u64 = 100_000_000;
/// Bytes of a file that come at once.
pub(crate) const CHUNK_BYTES: u32 = 1_000_000;
/// Little, so that what is beyond it shows.
pub(crate) const LIMITS: Limits = Limits {
    connections: 300,
    connects_per_s: 5_000,
    topics: 20,
    message_bytes: 1 << 20,
    idle: Duration::from_secs(60),
    poll_window: Duration::from_secs(10),
    outbound_messages: 1024,
    outbound_bytes: 1 << 20,
    waiting_bytes: 16 << 20,
    drain_batch: 500,
};
