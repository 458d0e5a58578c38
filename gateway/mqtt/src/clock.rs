//! A coarse clock that all connections share: looking at it costs a load, and ten thousand of them look all the time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often it is moved.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// Ticks since the broker was made.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicU32);

impl Clock {
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Moves it.
    pub(crate) fn tick(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }
}

/// Ticks of a duration, rounded up.
pub(crate) fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX)
}
