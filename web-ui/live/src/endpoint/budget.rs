//! A number of bytes that all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Bytes that are held, of those that may be.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    held: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: AtomicUsize::new(0),
        }
    }

    /// Whether so many more may be held.
    pub(crate) fn has(&self, bytes: usize) -> bool {
        self.held.load(Ordering::Relaxed).saturating_add(bytes) <= self.most
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
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
