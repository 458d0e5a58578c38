//! Counters of the MQTT side.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has passed since the broker was made. All but `connected` only grow.
#[derive(Debug, Default)]
pub struct BrokerStats {
    /// Clients whose CONNECT was accepted and who are still here.
    pub connected: AtomicU64,
    /// Clients whose CONNECT was accepted, in all.
    pub accepted: AtomicU64,
    /// Clients whose CONNECT was refused, for whatever reason.
    pub refused: AtomicU64,
    /// Connections that were ended for breaking the protocol or a limit.
    pub violations: AtomicU64,
    /// Publishes and subscriptions outside a client's own topics.
    pub forbidden: AtomicU64,
    /// PUBLISH packets received.
    pub received: AtomicU64,
    /// PUBLISH packets sent.
    pub sent: AtomicU64,
    /// Bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes sent.
    pub bytes_out: AtomicU64,
    /// Wills published.
    pub wills: AtomicU64,
}

impl BrokerStats {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn count(counter: &AtomicU64) {
        Self::add(counter, 1);
    }

    pub(crate) fn uncount(counter: &AtomicU64) {
        counter.fetch_sub(1, Ordering::Relaxed);
    }

    /// The value of one of the counters.
    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
