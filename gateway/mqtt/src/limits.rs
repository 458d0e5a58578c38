//! Every limit of the MQTT side, with its default.

use std::time::Duration;

use roost_runtime::Capacity;

/// Bytes that an idle connection takes: its task, its socket's registration, its session, its places in the tables.
const CONNECTION_BYTES: usize = 8 << 10;
/// Bytes of a session whose client is away, without its messages and filters.
const SESSION_BYTES: usize = 2 << 10;
/// Bytes of a topic alias besides its topic: its place in a table, and what the topic takes as an object.
pub(crate) const ALIAS_BYTES: usize = 128;
/// Bytes of unfinished packets and unsent answers that a connection may hold whatever others hold.
pub(crate) const FREE_BUFFER_BYTES: usize = 4 << 10;

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
    /// Bytes of those messages.
    pub queue_bytes: usize,
    /// Messages of QoS 1 and 2 that a client has not acknowledged yet. A client of version 5 may ask for fewer.
    pub in_flight: u16,
    /// Messages of QoS 2 that a client of version 5 may have under way to the gateway.
    pub receive_maximum: u16,
    /// Topic aliases of a client of version 5, in each direction.
    pub topic_aliases: u16,
    /// How long publishers wait for a client that is slower than they are before it hurts itself alone.
    pub slow_within: Duration,
    /// Sessions that outlive their connections.
    pub sessions: usize,
    /// Such sessions of one device, or of the service account.
    pub sessions_each: usize,
    /// Messages that wait in such a session.
    pub session_messages: usize,
    /// Bytes of those messages.
    pub session_bytes: usize,
    /// Bytes of the messages of all such sessions.
    pub sessions_bytes: usize,
    /// Longest that a session may outlive its connection.
    pub session_expiry: Duration,
    /// Longest silence that a client of version 5 may ask for.
    pub keep_alive_max: Duration,
    /// Filters of one client.
    pub subscriptions: usize,
    /// Bytes that all filters on the bus may take; beyond it no client gets another.
    pub filter_bytes: usize,
    /// Bytes of packets that are not complete yet and of answers that are not sent yet, of all connections together.
    /// Beyond it a connection that holds more than its share of them is ended.
    pub buffer_bytes: usize,
    /// How long a connection may go on after another took its place.
    pub takeover_within: Duration,
    /// Connections whose CONNECT was not judged yet. More wait in the kernel's queue.
    pub connects_waiting: usize,
    /// Such connections of one address before its clients are hurried: they have 2 s for their CONNECT then, so that
    /// silent ones do not keep places. Devices behind one router have one address, so nobody is refused for it until
    /// that address has half of all places.
    pub connects_waiting_per_address: usize,
    /// Connections that are accepted in a second; 0 for as many as come.
    pub connects_per_s: u32,
    /// Messages that one device may publish in a second, over two seconds; 0 for as many as it likes. Beyond it the
    /// device is not read from for a while, and nothing is lost.
    pub publishes_per_s: u32,
    /// What of a CONNECT is kept for as long as its client is here, in bytes: its identifier and its will.
    pub kept_bytes: usize,
    /// Bytes of the topics that aliases stand for, of all clients together. Beyond it a client that has more than its
    /// share, this limit divided by [`Self::connections`], is ended; the gateway itself takes no more aliases.
    pub alias_bytes: usize,
    /// Changes of its filters that a session which outlives its connection may make in a moment; one more every second.
    pub filter_changes: u32,
    /// Messages of QoS 2 that a client of 3.1.1 may have under way to the gateway. It can't be told, and some send all
    /// that they hold when they connect: hence more than [`Self::receive_maximum`].
    pub receive_maximum_v4: u16,
    /// Connections of one device or client; the service account may have as many as there are.
    pub connections_each: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            packet_bytes: 256 << 10,
            connect_bytes: 16 << 10,
            connect_within: Duration::from_secs(10),
            queue_messages: 1_000,
            queue_bytes: 4 << 20,
            in_flight: 100,
            receive_maximum: 100,
            topic_aliases: 32,
            slow_within: Duration::from_secs(1),
            sessions: 20_000,
            sessions_each: 100,
            session_messages: 10_000,
            session_bytes: 16 << 20,
            sessions_bytes: 128 << 20,
            session_expiry: Duration::from_secs(7 * 24 * 3600),
            keep_alive_max: Duration::from_secs(3600),
            subscriptions: 100,
            filter_bytes: 64 << 20,
            buffer_bytes: 64 << 20,
            takeover_within: Duration::from_secs(2),
            connects_waiting: 4096,
            connects_waiting_per_address: 256,
            connects_per_s: 20_000,
            publishes_per_s: 0,
            kept_bytes: 4 << 10,
            alias_bytes: 32 << 20,
            filter_changes: 1_000,
            receive_maximum_v4: 2_000,
            connections_each: 100,
        }
    }
}

impl Limits {
    /// Most bytes of memory that clients can make the broker hold, whatever they do. What the bus holds comes on top:
    /// [`roost_runtime::BusLimits::most_bytes`].
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        let [connections, waiting, sessions] = [self.connections, self.connects_waiting, self.sessions];
        // An identifier stands in the session and in the list of those who are here.
        let connection = CONNECTION_BYTES + FREE_BUFFER_BYTES + 2 * self.kept_bytes;
        let lobby = CONNECTION_BYTES + 2 * self.connect_bytes;
        let session = SESSION_BYTES + self.kept_bytes;
        let parts = [
            connections * connection,
            waiting * lobby,
            sessions * session,
            // A session always has its share of what all may hold, even if that is taken; see `ledger`.
            2 * self.sessions_bytes,
            self.filter_bytes,
            // All may have theirs, and each its share on top.
            2 * self.alias_bytes,
            // Buffers double when they grow, and what is beyond the limit is at most as much again; see `wire`.
            4 * self.buffer_bytes,
        ];
        parts.iter().map(|bytes| *bytes as u64).sum()
    }

    /// What waits for a client.
    pub(crate) fn queue(&self) -> Capacity {
        Capacity {
            messages: u32::try_from(self.queue_messages).unwrap_or(u32::MAX),
            bytes: u32::try_from(self.queue_bytes).unwrap_or(u32::MAX),
        }
    }
}
