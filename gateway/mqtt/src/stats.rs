//! Counters of the MQTT side.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has passed since the broker was made. All only grow but those of which the documentation says "now".
#[derive(Debug, Default)]
pub struct BrokerStats {
    /// Clients whose CONNECT was accepted and who are here now.
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
    /// Connections whose CONNECT was not judged yet now.
    pub connects_waiting: AtomicU64,
    /// Connections that were closed at once: their address had half of the places for waiting.
    pub turned_away: AtomicU64,
    /// TLS handshakes that wait for their turn to be computed now.
    pub handshakes_waiting: AtomicU64,
    /// TLS connections that ended before their handshake did.
    pub handshakes_failed: AtomicU64,
    /// Times that a client was asked, by TCP, whether it is still there: something of it was overdue.
    pub probed: AtomicU64,
    /// Connections whose other side did not answer any more.
    pub vanished: AtomicU64,
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

/// Counts one among those that are under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Gauge<'a>(&'a AtomicU64);

impl<'a> Gauge<'a> {
    pub(crate) fn new(counter: &'a AtomicU64) -> Self {
        BrokerStats::count(counter);
        Self(counter)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        BrokerStats::uncount(self.0);
    }
}
