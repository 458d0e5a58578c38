//! Times in records: they are times of day, since the board's own clock begins anew with each start, and the time of
//! day jumps on a board without a clock battery. So each change of it against the board's clock is written down, too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roost_store::BoardClock;

/// Before this the clock of a board was not set when it wrote: 2025-01-01 00:00 UTC, in milliseconds since the Unix
/// epoch. No gateway is older.
const NOT_SET_BEFORE_MS: i64 = 1_735_689_600_000;
/// A change of the time of day against the board's clock that is written down, in milliseconds. Smaller ones are a
/// clock being adjusted.
const JUMP_MS: i64 = 1000;

/// How the time of day stands to the board's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Era {
    /// Which run of the board it is (proc_sys_kernel(5), `boot_id`).
    pub(super) boot: String,
    /// Milliseconds since the Unix epoch when the board's clock was at 0.
    pub(super) began_ms: i64,
}

/// The present moment, on both clocks.
#[derive(Debug, Clone)]
pub(super) struct Now {
    era: Era,
    uptime_ms: i64,
}

/// Reads times in records.
#[derive(Debug, Clone)]
pub(super) struct Times {
    now: Now,
    /// What was written down last; `None` in a log of an older program.
    written: Option<Era>,
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Era {
    /// The one that it is now.
    pub(super) fn now(clock: &BoardClock) -> Self {
        Now::of(clock).era
    }

    /// Whether another one differs by more than a clock that is being adjusted does.
    pub(super) fn differs_from(&self, other: &Self) -> bool {
        self.boot != other.boot || self.began_ms.abs_diff(other.began_ms) > JUMP_MS.unsigned_abs()
    }
}

impl Now {
    fn of(clock: &BoardClock) -> Self {
        let uptime_ms = i64::try_from(clock.uptime_ms()).unwrap_or(i64::MAX);
        let era = Era {
            boot: clock.boot().to_owned(),
            began_ms: wall_ms().saturating_sub(uptime_ms),
        };
        Self { era, uptime_ms }
    }

    fn wall_ms(&self) -> i64 {
        self.era.began_ms.saturating_add(self.uptime_ms)
    }
}

impl Times {
    pub(super) fn of(clock: &BoardClock) -> Self {
        Self {
            now: Now::of(clock),
            written: None,
        }
    }

    /// The records that follow were written in this era.
    pub(super) fn enter(&mut self, era: Era) {
        self.written = Some(era);
    }

    /// How long ago a time in a record is. Within one run of the board its own clock tells; after another start the
    /// time of day does, if it was set when that was written. If not, the time since this start is what surely has
    /// passed.
    pub(super) fn since(&self, at_ms: u64) -> Duration {
        let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
        let passed_ms = match &self.written {
            Some(era) if era.boot == self.now.era.boot => {
                let at_uptime_ms = at_ms.saturating_sub(era.began_ms);
                self.now.uptime_ms.saturating_sub(at_uptime_ms)
            }
            Some(_) if at_ms < NOT_SET_BEFORE_MS => self.now.uptime_ms,
            _ => self.now.wall_ms().saturating_sub(at_ms),
        };
        Duration::from_millis(u64::try_from(passed_ms).unwrap_or(0))
    }

    /// How long it is until a time in a record. Nothing is left if nobody knows.
    pub(super) fn until(&self, at_ms: u64) -> Duration {
        let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
        let left_ms = match &self.written {
            Some(era) if era.boot == self.now.era.boot => at_ms
                .saturating_sub(era.began_ms)
                .saturating_sub(self.now.uptime_ms),
            _ => at_ms.saturating_sub(self.now.wall_ms()),
        };
        Duration::from_millis(u64::try_from(left_ms).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const NOW_MS: i64 = 1_800_000_000_000;

    /// A board that has been up for an hour, whose time of day is set by now.
    fn times(written: Option<(&str, i64)>) -> Times {
        let era = |(boot, began_ms): (&str, i64)| Era {
            boot: boot.to_owned(),
            began_ms,
        };
        Times {
            now: Now {
                era: era(("this", NOW_MS - 3_600_000)),
                uptime_ms: 3_600_000,
            },
            written: written.map(era),
        }
    }

    fn at(ms: i64) -> u64 {
        u64::try_from(ms).unwrap()
    }

    #[test]
    fn a_clock_that_was_set_since_neither_lengthens_nor_shortens_what_has_passed_in_one_run_of_the_board() {
        // Written ten minutes after the start, when the board took it for 1970, or for a year ahead.
        for began_ms in [0, NOW_MS + 365 * DAY_MS] {
            let times = times(Some(("this", began_ms)));
            assert_eq!(times.since(at(began_ms + 600_000)), Duration::from_secs(3000));
            assert_eq!(times.until(at(began_ms + 4_200_000)), Duration::from_secs(600));
            assert_eq!(times.until(at(began_ms + 600_000)), Duration::ZERO);
        }
    }

    #[test]
    fn after_another_start_the_time_of_day_tells_unless_it_was_not_set() {
        let before = times(Some(("before", NOW_MS - DAY_MS)));
        assert_eq!(before.since(at(NOW_MS - 60_000)), Duration::from_secs(60));
        assert_eq!(before.until(at(NOW_MS + 60_000)), Duration::from_secs(60));
        let unset = times(Some(("before", 0)));
        assert_eq!(unset.since(at(600_000)), Duration::from_secs(3600));
        assert_eq!(unset.until(at(900_000)), Duration::ZERO);
    }

    #[test]
    fn a_log_of_an_older_program_is_read_by_the_time_of_day() {
        assert_eq!(times(None).since(at(NOW_MS - 60_000)), Duration::from_secs(60));
        assert_eq!(times(None).until(at(NOW_MS + 60_000)), Duration::from_secs(60));
    }

    #[test]
    fn no_number_in_a_record_overflows() {
        for written in [
            None,
            Some(("this", i64::MIN)),
            Some(("this", i64::MAX)),
            Some(("x", i64::MIN)),
        ] {
            for at in [0, 1, u64::MAX] {
                let times = times(written);
                let _ = (times.since(at), times.until(at));
            }
        }
    }
}
