//! How fast clients are let in: places that run out when many come at once, and come back with time.

use std::sync::Mutex;

use crate::lock;

/// Parts of a place: as many as a second has milliseconds, so that a millisecond brings as many as a second brings
/// places.
const PARTS: u64 = 1_000;

#[derive(Debug)]
struct State {
    parts: u64,
    seen_ms: u64,
}

/// How fast clients are let in.
#[derive(Debug)]
pub(super) struct Pace {
    per_s: u64,
    state: Mutex<State>,
}

impl Pace {
    /// So many a second, at least one, and as many at once after a second without any.
    pub(super) fn new(per_s: u32) -> Self {
        let per_s = u64::from(per_s.max(1));
        let state = State {
            parts: per_s * PARTS,
            seen_ms: 0,
        };
        Self {
            per_s,
            state: Mutex::new(state),
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn takes(&self, now_ms: u64) -> bool {
        let mut state = lock(&self.state);
        let passed_ms = now_ms.saturating_sub(state.seen_ms);
        state.seen_ms = state.seen_ms.max(now_ms);
        let grown = state.parts.saturating_add(passed_ms.saturating_mul(self.per_s));
        state.parts = grown.min(self.per_s * PARTS);
        let left = state.parts.checked_sub(PARTS);
        state.parts = left.unwrap_or(state.parts);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn let_in(pace: &Pace, now_ms: u64, asking: usize) -> usize {
        (0..asking).filter(|_| pace.takes(now_ms)).count()
    }

    #[test]
    fn as_many_as_a_second_brings_are_let_in_at_once_and_then_as_time_passes() {
        let pace = Pace::new(500);
        assert_eq!(let_in(&pace, 0, 2_000), 500);
        assert_eq!(let_in(&pace, 1, 2_000), 0, "half a place has come back");
        assert_eq!(let_in(&pace, 2, 2_000), 1);
        assert_eq!(let_in(&pace, 102, 2_000), 50);
        assert_eq!(let_in(&pace, 60_000, 2_000), 500, "no more are kept");
    }

    #[test]
    fn all_who_come_again_after_a_restart_are_let_in_at_the_pace() {
        let pace = Pace::new(1_000);
        let mut waiting = 5_000;
        let mut now_ms = 0;
        while waiting > 0 {
            waiting -= let_in(&pace, now_ms, waiting);
            now_ms += 100;
        }
        assert_eq!(now_ms, 4_100);
    }

    #[test]
    fn a_clock_that_stands_brings_nobody_in() {
        let pace = Pace::new(1);
        assert!(pace.takes(5_000) && !pace.takes(5_000) && !pace.takes(4_000));
    }
}
