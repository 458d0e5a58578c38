//! Messages that a view sends itself later.

use std::time::Duration;

use tokio::time::Instant;

use super::handle::Letter;

/// Timers that wait for one view.
pub const TIMERS: usize = 32;

/// Messages that wait for their time, the next one last.
#[derive(Default)]
pub(crate) struct Timers(Vec<(Instant, Letter)>);

impl Timers {
    /// Sets a timer. Beyond [`TIMERS`] the latest one goes.
    pub(crate) fn set(&mut self, after: Duration, letter: Letter) {
        // Later than the clock can say is never.
        let Some(at) = Instant::now().checked_add(after) else {
            return;
        };
        if self.0.len() >= TIMERS {
            tracing::error!(
                limit = TIMERS,
                "a view has too many timers; the latest one is dropped"
            );
            self.0.remove(0);
        }
        // Of two for the same time the one set first comes first.
        let place = self.0.partition_point(|(other, _)| *other > at);
        self.0.insert(place, (at, letter));
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.last().map(|(at, _)| *at)
    }

    /// The next one, if it is due.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Letter> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|(_, letter)| letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        for (after_s, word) in [(2, "b"), (1, "a"), (3, "c"), (2, "b2")] {
            timers.set(Duration::from_secs(after_s), Box::new(word));
        }
        let now = Instant::now();
        assert!(timers.take(now).is_none());
        let later = now + Duration::from_secs(2);
        let words: Vec<&str> = std::iter::from_fn(|| timers.take(later))
            .map(|letter| *letter.downcast().unwrap())
            .collect();
        assert_eq!(words, ["a", "b", "b2"]);
        assert!(timers.next().is_some());
    }

    #[test]
    fn timers_are_bounded() {
        let mut timers = Timers::default();
        for _ in 0..100 {
            timers.set(Duration::from_secs(1), Box::new(()));
        }
        assert_eq!(timers.0.len(), TIMERS);
    }
}
