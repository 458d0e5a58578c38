//! The clocks: the time and what it is worth on a board without a clock battery, and the one that nobody sets.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::{ClockQuality, Timestamp};
use roost_store::BoardClock;

/// systemd-timesyncd makes this file when it has set the clock from the network (systemd-timesyncd.service(8)).
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// How often the file is looked for, in nanoseconds.
const LOOK_EVERY_NS: i64 = 10_000_000_000;

/// The system clock with its quality, and the clock that runs since the board's start.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    looked_at: AtomicI64,
    synced: std::sync::atomic::AtomicBool,
    board: BoardClock,
}

impl Clock {
    /// The present moment.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ns = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        // A clock that was set moves by years; the absolute difference notices in both directions.
        if (unix_ns - self.looked_at.load(Ordering::Relaxed)).abs() > LOOK_EVERY_NS {
            self.looked_at.store(unix_ns, Ordering::Relaxed);
            self.synced
                .store(Path::new(SYNCHRONIZED).exists(), Ordering::Relaxed);
        }
        let clock = if self.synced.load(Ordering::Relaxed) {
            ClockQuality::Synced
        } else {
            ClockQuality::Unknown
        };
        Timestamp { unix_ns, clock }
    }

    /// Milliseconds since the board's start. Nobody sets this clock: time that is left is measured by it.
    #[must_use]
    pub(crate) fn uptime_ms(&self) -> u64 {
        self.board.uptime_ms()
    }

    /// Which run of the board this is.
    #[must_use]
    pub(crate) fn boot(&self) -> &str {
        self.board.boot()
    }
}

/// A moment as people write it, in UTC: `2026-11-21 09:30:05 UTC`. `unix_ms` counts from the Unix epoch.
#[must_use]
pub(crate) fn utc(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC",
        second % 60
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years are taken to begin in March,
/// so that the leap day is the last of a year; 400 of them have 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_1970: i64 = 719_468;
    let days = days + DAYS_1970;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March to July and August to December have 153 days each.
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_people_write_them() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_795_253_405_999), "2026-11-21 09:30:05 UTC");
        assert_eq!(utc(-1), "1969-12-31 23:59:59 UTC");
    }
}
