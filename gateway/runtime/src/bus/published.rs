//! What the bus is told with a message, and what it says became of it.

use super::{Pressure, Receipt, Subscription};

/// Where a message comes from, as far as its delivery depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// The publisher's own taker, which may not want what comes from itself.
    pub publisher: Option<&'a Subscription>,
    /// What is written down together with the message.
    pub receipt: Option<Receipt>,
}

/// What became of a message.
#[derive(Debug, Default)]
#[must_use]
pub struct Published {
    /// How many took it.
    pub takers: usize,
    /// What the ledger has to have written before the publisher may be told; 0 if nothing.
    pub barrier: u64,
    /// The taker that its publisher should wait for.
    pub pressure: Option<Pressure>,
    /// Whether somebody who must lose nothing had no room for it: its publisher must not be told that it was taken.
    pub denied: bool,
    /// Whether a taker has so much to take that the publisher should let it run before it goes on.
    pub crowded: bool,
}
