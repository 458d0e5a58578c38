//! Every limit of the MQTT side, with its default.

use std::time::Duration;

/// Limits of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connected clients; one more is answered "server unavailable" (5: "server busy").
    pub connections: usize,
    /// Bytes of a packet after its fixed header. MQTT allows 268,435,455.
    pub packet_bytes: usize,
    /// The same for CONNECT: what a client that is not known yet may make the gateway hold. A will must fit in.
    pub connect_bytes: usize,
    /// How long a client may take from its TCP connection to its complete CONNECT.
    pub connect_within: Duration,
    /// Messages that wait for a client that reads too slowly.
    pub queue_messages: usize,
    /// Messages of QoS 1 that a client has not acknowledged yet. A client of version 5 may ask for fewer.
    pub in_flight: u16,
    /// Filters of one client.
    pub subscriptions: usize,
    /// How long a connection may go on after another took its place.
    pub takeover_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            packet_bytes: 256 << 10,
            connect_bytes: 16 << 10,
            connect_within: Duration::from_secs(10),
            queue_messages: 1_000,
            in_flight: 100,
            subscriptions: 100,
            takeover_within: Duration::from_secs(2),
        }
    }
}
