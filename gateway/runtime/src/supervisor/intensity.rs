//! Restart intensity: how many restarts in which time a supervisor takes before it gives up and escalates.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// At most `max` restarts within `within`; one more makes the supervisor stop its children and fail itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are taken in the window.
    pub max: u32,
    /// Length of the sliding window.
    pub within: Duration,
}

impl Default for Intensity {
    /// Three restarts in a minute.
    fn default() -> Self {
        Self {
            max: 3,
            within: Duration::from_secs(60),
        }
    }
}

/// The restarts that still lie in the window.
#[derive(Debug, Default)]
pub(super) struct Window {
    restarts: VecDeque<Instant>,
}

impl Window {
    /// Takes note of a restart at `now`. Returns whether it is one too many.
    ///
    /// A restart exactly `within` ago still counts, as in OTP, where the period is inclusive.
    pub(super) fn exceeded(&mut self, limit: Intensity, now: Instant) -> bool {
        self.restarts.push_back(now);
        while self
            .restarts
            .front()
            .is_some_and(|first| now.duration_since(*first) > limit.within)
        {
            self.restarts.pop_front();
        }
        self.restarts.len() > limit.max as usize
    }
}
