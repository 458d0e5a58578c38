//! How much waits for a taker, and what happens when more comes.

/// What happens when a taker's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The oldest delivery goes: right for live values, where only the newest matter.
    DropOldest,
    /// The new delivery is not taken: right for requests, whose asker then hears "busy".
    DropNewest,
    /// Publishers of QoS 1 and 2 are asked to wait while the queue is half full. Then the oldest delivery of QoS 0
    /// goes; where there is none, one of QoS 0 is not taken, and one of QoS 1 or 2 has to stay where it is until there
    /// is room ([`super::Bus::shut_taker`]): right for what a device says, which is acknowledged when it is in the
    /// queue.
    HoldThenShut,
    /// Publishers are asked to wait likewise. Then the oldest QoS 0 delivery goes, or the new one if it is the only
    /// one. If there is none, the queue is closed and its taker disconnected: right for network sessions, where a
    /// delivery of QoS 1 must not vanish in silence.
    ShedThenClose,
}

/// How much a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Deliveries.
    pub messages: u32,
    /// Bytes of their messages. One message always has room.
    pub bytes: u32,
}

impl From<usize> for Capacity {
    /// So many deliveries, of any size.
    fn from(messages: usize) -> Self {
        Self {
            messages: u32::try_from(messages).unwrap_or(u32::MAX).max(1),
            bytes: u32::MAX,
        }
    }
}
