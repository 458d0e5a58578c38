//! Backoff: how long a failed child waits before it is started again.

use std::time::Duration;

/// Exponential backoff with jitter. It starts over once a child has run long enough to count as healthy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait before the first restart.
    pub min: Duration,
    /// Longest wait.
    pub max: Duration,
    /// Part of the wait that is random, 0.0 to 1.0: ten thousand devices that fail together must not return together.
    pub jitter: f32,
    /// A child that ran this long before it failed starts over with [`Backoff::min`].
    pub healthy_after: Duration,
}

impl Backoff {
    /// Restart at once, as OTP does.
    pub const NONE: Self = Self {
        min: Duration::ZERO,
        max: Duration::ZERO,
        jitter: 0.0,
        healthy_after: Duration::ZERO,
    };

    /// 100 ms doubling up to 60 s, a fifth of it random, healthy after 60 s: what devices and uplinks use.
    pub const DEVICE: Self = Self {
        min: Duration::from_millis(100),
        max: Duration::from_secs(60),
        jitter: 0.2,
        healthy_after: Duration::from_secs(60),
    };

    /// The wait before restart number `attempt`, counted from 0. `random` is in 0.0..1.0 and shortens the wait by at
    /// most the part that [`Backoff::jitter`] says.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: f32) -> Duration {
        let doubled = self
            .min
            .saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let full = doubled.min(self.max);
        full.mul_f32(1.0 - self.jitter.clamp(0.0, 1.0) * random.clamp(0.0, 1.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEVICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let waits: Vec<u128> = (0..12)
            .map(|attempt| Backoff::DEVICE.delay(attempt, 0.0).as_millis())
            .collect();
        assert_eq!(
            waits,
            [
                100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000
            ]
        );
        assert_eq!(Backoff::DEVICE.delay(u32::MAX, 0.0), Duration::from_secs(60));
    }

    #[test]
    fn jitter_takes_away_at_most_its_part() {
        assert_eq!(Backoff::DEVICE.delay(0, 1.0).as_millis(), 80);
        assert_eq!(Backoff::NONE.delay(5, 0.5), Duration::ZERO);
    }
}
