//! The clock: the time, and what it is worth on a board without a clock battery.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::{ClockQuality, Timestamp};

/// systemd-timesyncd makes this file when it has set the clock from the network (systemd-timesyncd.service(8)).
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// How often the file is looked for, in nanoseconds.
const LOOK_EVERY_NS: i64 = 10_000_000_000;

/// The system clock with its quality.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    looked_at: AtomicI64,
    synced: std::sync::atomic::AtomicBool,
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
}
