//! A timer wheel: many things, each to be looked at again at some time, in slots of a tenth of a second.

/// Width of a slot, in milliseconds. Nothing is looked at more than this too late.
const TICK_MS: u64 = 100;
/// Slots: 51 s ahead. What is due later is looked at then, and put further.
const SLOTS: usize = 512;

/// The wheel. Times are milliseconds of one clock.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// The last tick that was taken out.
    at: u64,
    len: usize,
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            at: 0,
            len: 0,
        }
    }
}

fn slot(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or_default()
}

impl<T> Wheel<T> {
    /// Puts a thing where it is found at `due_ms`, or at the wheel's horizon if that is sooner.
    pub(super) fn place(&mut self, item: T, due_ms: u64) {
        let tick = due_ms.div_ceil(TICK_MS);
        let tick = tick.clamp(self.at + 1, self.at + SLOTS as u64 - 1);
        self.slots[slot(tick)].push(item);
        self.len += 1;
    }

    /// When the next thing is due; `None` while there is none.
    pub(super) fn next_ms(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let ahead = self.at + 1..=self.at + SLOTS as u64;
        ahead
            .into_iter()
            .find(|tick| !self.slots[slot(*tick)].is_empty())
            .map(|tick| tick * TICK_MS)
    }

    /// Takes out everything that is due.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<T> {
        let now = now_ms / TICK_MS;
        let mut due = Vec::new();
        // After a pause of more than one turn every slot is due, once.
        let first = (self.at + 1).max(now.saturating_sub(SLOTS as u64 - 1));
        for tick in first..=now {
            due.append(&mut self.slots[slot(tick)]);
        }
        self.at = self.at.max(now);
        self.len -= due.len();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn things_come_out_when_they_are_due_and_not_before() {
        let mut wheel = Wheel::default();
        assert_eq!(wheel.next_ms(), None);
        wheel.due(1_000_000);
        wheel.place("soon", 1_000_250);
        wheel.place("past", 5);
        assert_eq!(wheel.next_ms(), Some(1_000_100));
        assert_eq!(wheel.due(1_000_100), ["past"]);
        assert_eq!(wheel.due(1_000_299), [""; 0]);
        assert_eq!(wheel.due(1_000_300), ["soon"]);
        assert_eq!(wheel.next_ms(), None);
    }

    #[test]
    fn what_is_due_beyond_the_horizon_is_looked_at_at_the_horizon() {
        let mut wheel = Wheel::default();
        wheel.place("day", 86_400_000);
        assert_eq!(wheel.next_ms(), Some((SLOTS as u64 - 1) * TICK_MS));
        assert_eq!(wheel.due(86_400_000), ["day"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_comes_early_or_late(
            steps in proptest::collection::vec((0..60_000u64, 0..3000u64), 1..200)
        ) {
            let (mut wheel, mut now, mut placed, mut taken) = (Wheel::default(), 0u64, 0usize, 0usize);
            for (ahead, pass) in steps {
                wheel.place(now + ahead, now + ahead);
                placed += 1;
                now += pass;
                for due in wheel.due(now) {
                    let horizon = (SLOTS as u64 - 2) * TICK_MS;
                    if due > now {
                        // It was put at the horizon; it is put again.
                        prop_assert!(due + 3000 > horizon);
                    }
                    taken += 1;
                }
                prop_assert_eq!(wheel.len, placed - taken);
                if let Some(next) = wheel.next_ms() {
                    prop_assert!(next > now, "{} at {}", next, now);
                }
            }
            wheel.due(now + SLOTS as u64 * TICK_MS);
            prop_assert_eq!(wheel.len, 0);
        }
    }
}
