//! Pace: how many of something a second, as plain arithmetic on points in time.

use std::time::Duration;

use tokio::time::Instant;

/// So many a second, and how far above that a moment may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Time that one costs.
    each: Duration,
    /// Time that may be owed: how many may come at once.
    burst: Duration,
}

impl Rate {
    /// `per_s` in a second, and in one moment as many as in `burst` of time. `None` for 0: no limit.
    pub(crate) fn new(per_s: u32, burst: Duration) -> Option<Self> {
        let each = Duration::from_secs(1).checked_div(per_s)?;
        Some(Self {
            each,
            burst: burst.max(each),
        })
    }
}

/// A bucket of tokens, kept as the time at which it will be full again (the generic cell rate algorithm of ITU-T
/// I.371): one point in time, whatever the rate is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    full_at: Instant,
}

impl Pace {
    /// A full bucket.
    pub(crate) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes `count` tokens, also those that are not there yet: what has come has come.
    pub(crate) fn spend(&mut self, rate: Rate, count: u32, now: Instant) {
        self.full_at = self.full_at.max(now) + rate.each.saturating_mul(count);
    }

    /// When there will be a token again; `None` if there is one.
    pub(crate) fn ready_at(&self, rate: Rate, now: Instant) -> Option<Instant> {
        let ready = self.full_at.checked_sub(rate.burst)? + rate.each;
        (ready > now).then_some(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many get through until `end`, if there is always one more that waits.
    fn let_through(rate: Rate, begin: Instant, end: Instant) -> u32 {
        let (mut pace, mut now, mut count) = (Pace::new(begin), begin, 0);
        while now < end {
            match pace.ready_at(rate, now) {
                Some(at) => now = at,
                None => {
                    pace.spend(rate, 1, now);
                    count += 1;
                }
            }
        }
        count
    }

    #[test]
    fn a_burst_goes_through_at_once_and_the_rest_at_its_rate() {
        let now = Instant::now();
        let rate = Rate::new(100, SECOND).unwrap();
        assert_eq!(let_through(rate, now, now + Duration::from_nanos(1)), 100);
        assert_eq!(let_through(rate, now, now + 10 * SECOND), 100 + 999);
    }

    #[test]
    fn who_was_silent_may_send_a_burst_again_and_no_more() {
        let begin = Instant::now();
        let rate = Rate::new(10, SECOND).unwrap();
        let mut pace = Pace::new(begin);
        pace.spend(rate, 10, begin);
        assert!(pace.ready_at(rate, begin).is_some());
        let later = begin + 60 * SECOND;
        assert_eq!(pace.ready_at(rate, later), None);
        pace.spend(rate, 10, later);
        assert_eq!(pace.ready_at(rate, later), Some(later + SECOND / 10));
    }

    #[test]
    fn more_than_is_there_is_taken_and_paid_for_afterwards() {
        let now = Instant::now();
        let rate = Rate::new(10, SECOND).unwrap();
        let mut pace = Pace::new(now);
        pace.spend(rate, 35, now);
        assert_eq!(pace.ready_at(rate, now), Some(now + Duration::from_millis(2600)));
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Rate::new(0, SECOND), None);
    }

    proptest! {
        #[test]
        fn in_the_long_run_nobody_is_faster_than_the_rate(per_s in 1_u32..50_000, seconds in 1_u32..5) {
            let begin = Instant::now();
            let rate = Rate::new(per_s, SECOND).unwrap();
            let most = u64::from(per_s) * u64::from(seconds + 1);
            let count = u64::from(let_through(rate, begin, begin + seconds * SECOND));
            // A nanosecond is the smallest time, so that odd rates are a little off.
            prop_assert!(count <= most + most / 10_000 + 1 && count + 2 + most / 10_000 >= most, "{count} of {most}");
        }
    }
}
