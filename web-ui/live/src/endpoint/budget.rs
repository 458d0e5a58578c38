//! A number of bytes that all connections share, and when it is time to make room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes that are held, of those that may be.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    held: AtomicUsize,
    begun: Instant,
    /// More is held than is good.
    tight: Notify,
    /// There is room again for those who wait.
    roomy: Notify,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: AtomicUsize::new(0),
            begun: Instant::now(),
            tight: Notify::new(),
            roomy: Notify::new(),
        }
    }

    /// Whether so many more may be held.
    pub(crate) fn has(&self, bytes: usize) -> bool {
        self.held().saturating_add(bytes) <= self.most
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, bytes: usize) {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.tight_at() {
            self.tight.notify_one();
        }
    }

    pub(crate) fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Beyond three quarters, room is made: until there is some, the rest is for those who have just come.
    fn tight_at(&self) -> usize {
        self.most / 4 * 3
    }

    pub(crate) fn is_tight(&self) -> bool {
        self.held() > self.tight_at()
    }

    /// How much is to be held once there is room again: five eighths, so that room is made for many at a time.
    pub(crate) fn relieved_at(&self) -> usize {
        self.most / 8 * 5
    }

    /// Beyond seven eighths, those who send long messages wait: the rest is for what can't.
    pub(crate) fn is_crowded(&self) -> bool {
        self.held() > self.most / 8 * 7
    }

    /// Ready when it may be time to make room.
    pub(crate) async fn pressed(&self) {
        self.tight.notified().await;
    }

    /// Ready when there is room for those who send long messages.
    pub(crate) async fn room(&self) {
        loop {
            // Before the look, so that no call is missed.
            let called = self.roomy.notified();
            if !self.is_crowded() {
                return;
            }
            called.await;
        }
    }

    /// Calls those who wait for room, if there is some.
    pub(crate) fn call(&self) {
        if !self.is_crowded() {
            self.roomy.notify_waiters();
        }
    }

    /// Milliseconds since a moment before everything else, 1 at least.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// The same bytes, which are held from now on until the last copy is dropped, and count once whatever their number.
    pub(crate) fn share(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        self.take(bytes.len());
        Bytes::from_owner(Shared {
            bytes,
            budget: Arc::clone(self),
        })
    }
}

/// Bytes that are given back when nobody holds them any more.
struct Shared {
    bytes: Bytes,
    budget: Arc<Budget>,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.budget.give(self.bytes.len());
    }
}
