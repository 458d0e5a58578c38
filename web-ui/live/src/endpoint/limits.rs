//! How much clients may make an endpoint hold.

use std::time::Duration;

/// Limits of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most connections; one more is answered 503.
    pub connections: usize,
    /// Most that connect in a second, at least 1; after a second without any, as many at once. One more is answered
    /// 503. The stock client comes again by itself, at first soon and then every five seconds: after a restart all are
    /// in after a while, and the program has time for those who are.
    pub connects_per_s: u32,
    /// Most topics that one connection may join (as Phoenix: 100).
    pub topics: usize,
    /// Largest message of a client, in bytes.
    pub message_bytes: usize,
    /// How long a client may be silent (the stock client says something every 30 s): then it is told so (1002). As long
    /// may it take nothing of what it is sent, whatever it says meanwhile: then it is hung up on (1013).
    pub idle: Duration,
    /// How long a poll waits for a message. A client that does not poll for half as long again is gone.
    pub poll_window: Duration,
    /// Most messages that wait to be sent to one client. One more, and the connection is closed (1013).
    pub outbound_messages: usize,
    /// Most bytes of those; a message that is alone may be larger.
    pub outbound_bytes: usize,
    /// Most bytes that wait for all clients together, that all clients together have sent of messages that are not
    /// complete, and that wait for their channels. A broadcast counts once, however many it waits for. From three
    /// quarters of it on, the connections that hold most for longest are closed (1013), and from seven eighths on,
    /// long messages are not read on until there is room. Beyond it, connections that hold more than 16 KiB are closed.
    pub waiting_bytes: usize,
    /// Connections that are closed together when the program stops (1012); the next ones 100 ms later, or sooner where
    /// that would take all together more than 4 s.
    pub drain_batch: usize,
}

/// What one connection takes that does nothing: its task, its stream, its place in the lists.
const CONNECTION_BYTES: usize = 16 * 1024;
/// What a joined channel takes besides what the application keeps in it.
const CHANNEL_BYTES: usize = 2 * 1024;
/// What a connection may hold of each, whatever others hold: what it sends, what it is sent, what is half written, and
/// what waits for its channels. What it sends may take twice the memory while it comes.
const FAIR_BYTES: usize = 5 * 16 * 1024;

impl Limits {
    /// Most bytes that clients can make an endpoint hold, besides what the application keeps for them: its channels'
    /// and views' own state.
    #[must_use]
    pub const fn most_bytes(&self) -> usize {
        let connection = CONNECTION_BYTES + FAIR_BYTES + self.topics * CHANNEL_BYTES;
        // Buffers double when they grow.
        self.connections * connection + 2 * self.waiting_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connects_per_s: 5_000,
            topics: 100,
            message_bytes: 1 << 20,
            idle: Duration::from_secs(60),
            poll_window: Duration::from_secs(10),
            outbound_messages: 1024,
            outbound_bytes: 1 << 20,
            waiting_bytes: 64 << 20,
            drain_batch: 500,
        }
    }
}
