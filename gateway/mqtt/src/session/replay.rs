//! Retained messages on their way to a new subscriber: a place in the retained messages for each filter, and one page
//! of them. However much is retained, and however often it is asked for, a client that does not read makes the gateway
//! hold no more than that.

use std::collections::VecDeque;
use std::sync::Arc;

use roost_model::{Filter, Topic};
use roost_runtime::{Bus, Message, QoS};

/// Messages taken at a time.
const PAGE: usize = 64;

#[derive(Debug)]
struct Course {
    filter: Filter,
    qos: QoS,
    /// The last topic that was taken.
    after: Option<Topic>,
}

/// What is still to be sent; at most one course for each of the client's filters.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    courses: VecDeque<Course>,
    page: VecDeque<(Arc<Message>, QoS)>,
}

impl Replay {
    /// Sends what is retained under a filter, from the beginning if that is under way.
    pub(super) fn add(&mut self, filter: Filter, qos: QoS) {
        self.remove(&filter);
        self.courses.push_back(Course {
            filter,
            qos,
            after: None,
        });
    }

    /// The client does not want the filter any more.
    pub(super) fn remove(&mut self, filter: &Filter) {
        self.courses.retain(|course| course.filter != *filter);
    }

    /// Leaves out messages that the client may not have any more.
    pub(super) fn withdraw(&mut self, may_have: impl Fn(&Topic) -> bool) {
        self.page.retain(|(message, _)| may_have(&message.topic));
    }

    /// The next message, with the QoS that it is sent with.
    pub(super) fn next(&mut self, bus: &Bus) -> Option<(Arc<Message>, QoS)> {
        loop {
            if let Some(next) = self.page.pop_front() {
                return Some(next);
            }
            let course = self.courses.front_mut()?;
            let found = bus.retained_after(&course.filter, course.after.as_ref(), PAGE);
            let qos = course.qos;
            match found.last() {
                Some(last) if found.len() == PAGE => course.after = Some(last.topic.clone()),
                _ => drop(self.courses.pop_front()),
            }
            self.page = found
                .into_iter()
                .map(|message| {
                    let qos = message.qos.min(qos);
                    (message, qos)
                })
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_sent_once_page_by_page_and_asking_again_begins_anew() {
        let bus = Bus::default();
        for number in 0..3 * PAGE {
            let topic = Topic::new(format!("a/{number:04}")).unwrap();
            bus.publish(Message::new(topic, "x").at_least_once().retained());
        }
        let filter = Filter::new("a/#").unwrap();
        let mut replay = Replay::default();
        replay.add(filter.clone(), QoS::AtLeastOnce);
        for _ in 0..PAGE + 1 {
            replay.next(&bus).unwrap();
        }
        for _ in 0..10_000 {
            replay.add(filter.clone(), QoS::AtLeastOnce);
        }
        let rest: Vec<String> = std::iter::from_fn(|| replay.next(&bus))
            .map(|(message, _)| message.topic.to_string())
            .collect();
        // The page that was under way, then all of it.
        assert_eq!(rest.len(), PAGE - 1 + 3 * PAGE);
        assert!(rest[PAGE - 1..].is_sorted());
        replay.add(filter.clone(), QoS::AtLeastOnce);
        replay.remove(&filter);
        assert!(replay.next(&bus).is_none());
    }
}
