//! How often a retained message is written down: what changes every second must not wear out the card.

use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use roost_model::Topic;

/// A topic whose retained message changes all the time is written down this often, and when the gateway stops.
const AGAIN_AFTER: Duration = Duration::from_secs(1800);

/// When each topic was written down last.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    written: HashMap<Topic, Instant>,
}

impl Pace {
    /// Divides topics into those to be written down now and those that were just a while ago.
    pub(super) fn split(&mut self, changed: HashSet<Topic>, all: bool) -> (Vec<Topic>, Vec<Topic>) {
        self.split_at(changed, all, Instant::now())
    }

    fn split_at(&mut self, changed: HashSet<Topic>, all: bool, now: Instant) -> (Vec<Topic>, Vec<Topic>) {
        self.written
            .retain(|_, at| now.saturating_duration_since(*at) < AGAIN_AFTER);
        let (due, later): (Vec<Topic>, Vec<Topic>) = changed
            .into_iter()
            .partition(|topic| all || !self.written.contains_key(topic));
        for topic in &due {
            self.written.insert(topic.clone(), now);
        }
        (due, later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_changes_all_the_time_is_written_down_now_and_then_and_at_the_end() {
        let mut pace = Pace::default();
        let topic = Topic::new("a").unwrap();
        let changed = || HashSet::from([topic.clone()]);
        let begin = Instant::now();
        let counts = |(now, later): (Vec<Topic>, Vec<Topic>)| (now.len(), later.len());
        assert_eq!(counts(pace.split_at(changed(), false, begin)), (1, 0));
        assert_eq!(counts(pace.split_at(changed(), false, begin)), (0, 1));
        assert_eq!(
            counts(pace.split_at(changed(), false, begin + AGAIN_AFTER)),
            (1, 0)
        );
        assert_eq!(
            counts(pace.split_at(changed(), true, begin + AGAIN_AFTER)),
            (1, 0)
        );
    }
}
