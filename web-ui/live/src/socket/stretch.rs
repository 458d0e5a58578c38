//! How much a client makes the endpoint hold of one kind, and since when at a stretch. When room is short, those are
//! hung up on first who hold much for long: bytes times time is what memory costs the others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::outbound::FAIR_BYTES;
use crate::endpoint::Budget;

/// To hold no more bytes than this of a kind is no burden, and needs no clock.
const LITTLE: usize = 2 * 1024;
/// To hold no more than [`FAIR_BYTES`] is none either for so long, in milliseconds.
const FAIR_MS: u64 = 5_000;

/// Bytes of one kind that are held for a client.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    bytes: AtomicUsize,
    /// Since when it has been more than a little, by the clock of the budget; 0 if it is not.
    since_ms: AtomicU64,
}

impl Stretch {
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// So many are held now.
    pub(super) fn set(&self, bytes: usize, budget: &Budget) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.note(bytes, budget);
    }

    /// So many more are held. Returns how many it is now.
    pub(super) fn grow(&self, bytes: usize, budget: &Budget) -> usize {
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.note(all, budget);
        all
    }

    /// So many less are held.
    pub(super) fn shrink(&self, bytes: usize, budget: &Budget) {
        let before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.note(before.saturating_sub(bytes), budget);
    }

    fn note(&self, bytes: usize, budget: &Budget) {
        let begun = self.since_ms.load(Ordering::Relaxed) != 0;
        if begun != (bytes > LITTLE) {
            let since = if begun { 0 } else { budget.now_ms() };
            self.since_ms.store(since, Ordering::Relaxed);
        }
    }

    /// What is held, if it is a burden, and how much that weighs: bytes times milliseconds.
    pub(super) fn load(&self, now_ms: u64) -> Load {
        let since_ms = self.since_ms.load(Ordering::Relaxed);
        let (bytes, lasts_ms) = (self.bytes(), now_ms.saturating_sub(since_ms));
        // The clock may be late: neither is changed together with the other.
        if since_ms == 0 || bytes <= LITTLE || (bytes <= FAIR_BYTES && lasts_ms < FAIR_MS) {
            return Load::default();
        }
        Load {
            bytes,
            weight: (bytes as u64).saturating_mul(lasts_ms.saturating_add(1)),
        }
    }
}

/// What is held for a client, as far as it is a burden.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) bytes: usize,
    /// Bytes times milliseconds.
    pub(crate) weight: u64,
}

impl std::iter::Sum for Load {
    fn sum<I: Iterator<Item = Self>>(loads: I) -> Self {
        loads.fold(Self::default(), |all, load| Self {
            bytes: all.bytes + load.bytes,
            weight: all.weight.saturating_add(load.weight),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_lasts_from_much_to_little_and_weighs_by_bytes_and_time() {
        let budget = Budget::new(1 << 20);
        let stretch = Stretch::default();
        stretch.grow(LITTLE, &budget);
        assert_eq!(stretch.load(u64::MAX), Load::default());
        stretch.grow(1, &budget);
        let since = stretch.since_ms.load(Ordering::Relaxed);
        assert_ne!(since, 0);
        assert_eq!(
            stretch.load(since + FAIR_MS - 1),
            Load::default(),
            "not much, and not for long"
        );
        let mut bytes = LITTLE + 1;
        let mut weight = (FAIR_MS + 1) * bytes as u64;
        assert_eq!(stretch.load(since + FAIR_MS), Load { bytes, weight });
        stretch.grow(FAIR_BYTES, &budget);
        bytes += FAIR_BYTES;
        weight = 10 * bytes as u64;
        assert_eq!(stretch.load(since + 9), Load { bytes, weight });
        stretch.shrink(FAIR_BYTES + 1, &budget);
        assert_eq!(stretch.load(u64::MAX), Load::default());
        stretch.set(bytes, &budget);
        assert_eq!(stretch.load(0).weight, bytes as u64, "it begins anew");
    }
}
