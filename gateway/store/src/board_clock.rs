//! The clock that runs since the board's start and that nobody sets, and which run of the board this is: what it takes
//! to tell how much time has passed on a board without a clock battery.

use std::time::{Duration, Instant};

/// Names this run of the board (proc_sys_kernel(5)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Seconds since the board's start (proc_uptime(5)).
const UPTIME: &str = "/proc/uptime";

/// The clock since the board's start. It goes on in the next run of the program.
#[derive(Debug)]
pub struct BoardClock {
    boot: String,
    /// How long the board was up when this was made.
    uptime: Duration,
    made: Instant,
}

impl Default for BoardClock {
    fn default() -> Self {
        Self {
            boot: boot_id(),
            uptime: uptime().unwrap_or_default(),
            made: Instant::now(),
        }
    }
}

/// This run of the board; where the system does not say, every run of the program is one.
fn boot_id() -> String {
    let id = std::fs::read_to_string(BOOT_ID).unwrap_or_default();
    match id.trim() {
        "" => format!("{:016x}", getrandom::u64().unwrap_or_default()),
        id => id.to_owned(),
    }
}

fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string(UPTIME).ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

impl BoardClock {
    /// Milliseconds since the board's start.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from((self.uptime + self.made.elapsed()).as_millis()).unwrap_or(u64::MAX)
    }

    /// Which run of the board this is.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.boot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_the_boards_start_goes_on_in_another_run_of_the_program() {
        let first = BoardClock::default();
        let second = BoardClock::default();
        assert_eq!(first.boot(), second.boot());
        assert!(second.uptime_ms().abs_diff(first.uptime_ms()) < 1000);
    }
}
