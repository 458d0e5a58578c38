//! A moment on both clocks, and how much time is left to a command after the gateway was off.

use roost_model::{ClockQuality, Command, Due, Timestamp};

use crate::clock::Clock;

/// A moment: the time of day, and the time since the board's start, which nobody sets.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The time of day, and what it is worth.
    pub(super) wall: Timestamp,
    /// Milliseconds since the board's start.
    pub(super) uptime_ms: u64,
    /// Which run of the board.
    pub(super) boot: String,
}

impl Moment {
    pub(super) fn of(clock: &Clock) -> Self {
        Self {
            wall: clock.now(),
            uptime_ms: clock.uptime_ms(),
            boot: clock.boot().to_owned(),
        }
    }

    pub(super) fn wall_ms(&self) -> i64 {
        self.wall.unix_ms()
    }

    /// How "due at `uptime_ms`" is written down now.
    pub(super) fn due(&self, uptime_ms: u64) -> Due {
        Due {
            boot: self.boot.clone(),
            uptime_ms,
            left_ms: uptime_ms.saturating_sub(self.uptime_ms),
            written_ms: self.wall_ms(),
            clock: self.wall.clock,
        }
    }

    /// When a command that an earlier run has left falls due, as uptime in milliseconds.
    ///
    /// While the board stayed on, its own clock has counted. After it was off, the time that was left is lessened by
    /// what the time of day says has passed. A clock that went back says nothing; then at least the time since the
    /// board's start has passed, so that nothing lives for ever. A clock that went on is believed, synchronised or not:
    /// to send too late is worse than not to send.
    pub(super) fn due_of(&self, command: &Command) -> u64 {
        let Some(due) = &command.due else {
            return self.uptime_ms;
        };
        if due.boot == self.boot {
            return due.uptime_ms;
        }
        let trusted = due.clock == ClockQuality::Synced && self.wall.clock == ClockQuality::Synced;
        let passed_ms = match u64::try_from(self.wall_ms().saturating_sub(due.written_ms)) {
            Ok(passed_ms) if trusted => passed_ms,
            Ok(passed_ms) => passed_ms.max(self.uptime_ms),
            Err(_) => self.uptime_ms,
        };
        self.uptime_ms
            .saturating_add(due.left_ms.saturating_sub(passed_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::commands::tests::{moment, queued};

    /// A command that had 60 s left at uptime 1,000 s of the first run, at 10,000,000 ms of the time of day.
    fn left() -> Command {
        let mut command = queued("c1");
        command.due = Some(moment(1_000_000, 10_000_000, "first").due(1_060_000));
        command
    }

    #[test]
    fn a_clock_that_jumped_while_the_board_stayed_on_changes_nothing() {
        for wall_ms in [0, 10_005_000, 99_999_999_999] {
            let now = moment(1_005_000, wall_ms, "first");
            assert_eq!(now.due_of(&left()), 1_060_000, "at {wall_ms}");
        }
    }

    #[test]
    fn after_the_board_was_off_the_time_of_day_says_what_is_left() {
        let now = moment(8_000, 10_020_000, "second");
        assert_eq!(now.due_of(&left()) - now.uptime_ms, 40_000);
        let late = moment(8_000, 10_500_000, "second");
        assert_eq!(late.due_of(&left()), late.uptime_ms, "its time is over");
    }

    #[test]
    fn a_clock_that_went_back_neither_expires_a_command_nor_makes_it_live_for_ever() {
        let now = moment(8_000, 5_000, "second");
        assert_eq!(now.due_of(&left()) - now.uptime_ms, 52_000);
        let later = moment(600_000, 5_000, "second");
        assert_eq!(later.due_of(&left()), later.uptime_ms);
    }
}
