//! How much the bus holds.

/// Bytes that a retained message takes besides its topic, body and properties: the message, its place in the tree and
/// in the list of those to be written down.
const RETAINED_BYTES: usize = 512;

/// Limits of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusLimits {
    /// Most retained messages of clients.
    pub retained_messages: usize,
    /// Most bytes of the topics and bodies of those together.
    pub retained_bytes: usize,
    /// Most bytes of messages that wait in all queues together.
    pub queued_bytes: usize,
}

impl Default for BusLimits {
    fn default() -> Self {
        Self {
            retained_messages: 200_000,
            retained_bytes: 64 << 20,
            queued_bytes: 128 << 20,
        }
    }
}

impl BusLimits {
    /// Most bytes of memory that the messages on the bus take: retained ones of clients, and those that wait.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        let retained = self.retained_messages * RETAINED_BYTES + self.retained_bytes;
        // A queue that is empty takes a message beyond the limit, up to twice of it.
        (retained + 2 * self.queued_bytes) as u64
    }
}
