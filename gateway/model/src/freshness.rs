//! Freshness: whether a value is as young as its point's cadence lets one expect.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a value's age compares with its cadence. A sensor that fell silent must not look alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Younger than one and a half cadences.
    Fresh,
    /// One value is overdue.
    Late,
    /// Three or more are missing: do not act on this value.
    Stale,
    /// No cadence is known yet, so nothing can be said.
    Unknown,
}

impl Freshness {
    /// Judges a value of `age` from a point that reports every `cadence`.
    #[must_use]
    pub fn of(age: Duration, cadence: Option<Duration>) -> Self {
        match cadence {
            None => Self::Unknown,
            Some(cadence) if age <= cadence * 3 / 2 => Self::Fresh,
            Some(cadence) if age <= cadence * 3 => Self::Late,
            Some(_) => Self::Stale,
        }
    }

    /// One word for tables and style classes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

/// Shortest cadence that is learned: a burst of values is not a promise to go on like that.
const LEARNED_MIN: Duration = Duration::from_secs(1);
/// Longest cadence that is learned.
const LEARNED_MAX: Duration = Duration::from_secs(24 * 3600);

/// The cadence of a point: declared by its profile, or learned from its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cadence {
    declared: Option<Duration>,
    learned: Option<Duration>,
}

impl Cadence {
    /// A point whose profile says how often it reports, or one that has to be watched (`None`).
    #[must_use]
    pub fn new(declared: Option<Duration>) -> Self {
        Self {
            declared,
            learned: None,
        }
    }

    /// Goes on with what an earlier run had learned.
    #[must_use]
    pub fn resume(declared: Option<Duration>, last_known: Option<Duration>) -> Self {
        Self {
            declared,
            learned: last_known,
        }
    }

    /// Takes note that a value came `interval` after the one before. The learned figure follows a quarter of the way,
    /// and no interval counts for more than three times the figure: neither a late value nor an outage of hours undoes
    /// what was learned.
    pub fn observe(&mut self, interval: Duration) {
        let longest = self.learned.map_or(LEARNED_MAX, |learned| learned * 3);
        let interval = interval.min(longest).clamp(LEARNED_MIN, LEARNED_MAX);
        self.learned = Some(match self.learned {
            None => interval,
            Some(before) => (before * 3 + interval) / 4,
        });
    }

    /// The cadence to judge by.
    #[must_use]
    pub fn get(&self) -> Option<Duration> {
        self.declared.or(self.learned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_from_fresh_to_late_to_stale_with_its_cadence() {
        let cadence = Some(Duration::from_secs(10));
        let at = |seconds| Freshness::of(Duration::from_secs(seconds), cadence);
        assert_eq!(
            [at(0), at(15), at(16), at(30), at(31)],
            [
                Freshness::Fresh,
                Freshness::Fresh,
                Freshness::Late,
                Freshness::Late,
                Freshness::Stale
            ]
        );
        assert_eq!(Freshness::of(Duration::from_secs(1), None), Freshness::Unknown);
    }

    #[test]
    fn a_cadence_is_learned_and_a_declared_one_wins() {
        let mut cadence = Cadence::new(None);
        assert_eq!(cadence.get(), None);
        for _ in 0..20 {
            cadence.observe(Duration::from_secs(60));
        }
        assert_eq!(cadence.get(), Some(Duration::from_secs(60)));
        cadence.observe(Duration::from_secs(86_400));
        assert_eq!(
            cadence.get(),
            Some(Duration::from_secs(90)),
            "a day without values"
        );
        let mut declared = Cadence::new(Some(Duration::from_secs(5)));
        declared.observe(Duration::from_secs(60));
        assert_eq!(declared.get(), Some(Duration::from_secs(5)));
    }
}
