//! How often a retained message is written down: what changes every second must not wear out the card, and what changes
//! now and then must not be lost.

use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use roost_model::Topic;

/// A topic whose retained message changes all the time is written down this often, and when the gateway stops.
const AGAIN_AFTER: Duration = Duration::from_secs(1800);
/// Changes of a topic that are written down as they come, if none was for a while.
const SPARE: u8 = 8;

/// What is on the disk, and when each topic was written down last.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Topics with a retained message in the log: as many as there are, and those to be cleared.
    written: HashMap<Topic, Written>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    at: Instant,
    /// Changes that may be written down at once.
    spare: u8,
}

/// What is to be done about topics that have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Those whose message is written down.
    pub(super) write: Vec<Topic>,
    /// Those that hold nothing any more, and the log does not know it.
    pub(super) clear: Vec<Topic>,
    /// Those whose change waits.
    pub(super) later: Vec<Topic>,
}

impl Pace {
    /// A pace for a log that has a message of each of these topics.
    pub(super) fn of(topics: impl IntoIterator<Item = Topic>) -> Self {
        let now = Written {
            at: Instant::now(),
            spare: SPARE,
        };
        Self {
            written: topics.into_iter().map(|topic| (topic, now)).collect(),
        }
    }

    /// Says what to do about topics that have changed; `all` if nothing may wait.
    pub(super) fn judge(
        &mut self,
        changed: HashSet<Topic>,
        is_retained: impl Fn(&Topic) -> bool,
        all: bool,
    ) -> Changes {
        self.judge_at(changed, is_retained, all, Instant::now())
    }

    fn judge_at(
        &mut self,
        changed: HashSet<Topic>,
        is_retained: impl Fn(&Topic) -> bool,
        all: bool,
        now: Instant,
    ) -> Changes {
        let mut changes = Changes::default();
        for topic in changed {
            if !is_retained(&topic) {
                // What came and went between two looks is in no log.
                if self.written.remove(&topic).is_some() {
                    changes.clear.push(topic);
                }
            } else if self.is_due(&topic, now) || all {
                changes.write.push(topic);
            } else {
                changes.later.push(topic);
            }
        }
        changes
    }

    fn is_due(&mut self, topic: &Topic, now: Instant) -> bool {
        let Some(written) = self.written.get_mut(topic) else {
            let first = Written {
                at: now,
                spare: SPARE - 1,
            };
            self.written.insert(topic.clone(), first);
            return true;
        };
        let passed = now.saturating_duration_since(written.at).as_secs() / AGAIN_AFTER.as_secs();
        if passed > 0 {
            written.at = now;
            written.spare = written
                .spare
                .saturating_add(u8::try_from(passed).unwrap_or(SPARE))
                .min(SPARE);
        }
        let is_due = written.spare > 0;
        written.spare = written.spare.saturating_sub(1);
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::new(text).unwrap()
    }

    fn counts(changes: &Changes) -> [usize; 3] {
        [changes.write.len(), changes.clear.len(), changes.later.len()]
    }

    #[test]
    fn a_topic_that_changes_now_and_then_is_written_down_each_time_and_one_that_always_does_now_and_then() {
        let mut pace = Pace::default();
        let begin = Instant::now();
        let mut change = |after: Duration, all| {
            let changed = HashSet::from([topic("a")]);
            counts(&pace.judge_at(changed, |_| true, all, begin + after))
        };
        for second in 0..u64::from(SPARE) {
            assert_eq!(change(Duration::from_secs(second), false), [1, 0, 0]);
        }
        assert_eq!(change(Duration::from_secs(10), false), [0, 0, 1]);
        assert_eq!(change(AGAIN_AFTER, false), [1, 0, 0]);
        assert_eq!(change(AGAIN_AFTER, false), [0, 0, 1]);
        assert_eq!(change(AGAIN_AFTER, true), [1, 0, 0], "nothing waits at the end");
        assert_eq!(change(10 * AGAIN_AFTER, false), [1, 0, 0]);
    }

    #[test]
    fn what_is_cleared_is_written_down_at_once_and_what_was_never_there_is_not() {
        let mut pace = Pace::of([topic("old")]);
        let changed = || HashSet::from([topic("old"), topic("never")]);
        let now = Instant::now();
        let changes = pace.judge_at(changed(), |_| false, false, now);
        assert_eq!(
            (counts(&changes), &changes.clear),
            ([0, 1, 0], &vec![topic("old")])
        );
        assert_eq!(
            counts(&pace.judge_at(changed(), |_| false, false, now)),
            [0, 0, 0]
        );
        assert!(pace.written.is_empty(), "and nothing is remembered of it");
    }
}
