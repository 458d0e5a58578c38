//! Lines about children that panic: a crowd of them is counted, not written down one by one.

use std::time::Duration;

use tokio::time::Instant;

/// Lines that are written within [`WITHIN`], for one supervisor.
const LINES: u32 = 20;
const WITHIN: Duration = Duration::from_secs(10);

/// How many lines were written lately, and how many were not.
#[derive(Debug, Default)]
pub(super) struct Hush {
    since: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Hush {
    /// Whether one more may be written at `now`: with the number of those before it that were not.
    pub(super) fn line(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.duration_since(since) >= WITHIN) {
            self.since = Some(now);
            self.said = 0;
        }
        if self.said < LINES {
            self.said += 1;
            return Some(std::mem::take(&mut self.unsaid));
        }
        self.unsaid += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_lines_in_ten_seconds_are_written_and_the_next_says_how_many_were_not() {
        let mut hush = Hush::default();
        let start = Instant::now();
        let lines: Vec<_> = (0..1000).map(|_| hush.line(start)).collect();
        assert!(lines[..20].iter().all(|line| *line == Some(0)));
        assert!(lines[20..].iter().all(Option::is_none));
        assert_eq!(hush.line(start + WITHIN), Some(980));
        assert_eq!(hush.line(start + WITHIN), Some(0));
    }
}
