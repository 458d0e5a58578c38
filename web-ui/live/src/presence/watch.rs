//! Views that watch who is on a topic: each is told of every change, or at least that there were some.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use crate::lock;
use crate::view::Inbox;

/// Who has come to a topic and who has left it since the last change that a view was told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The topic.
    pub topic: Arc<str>,
    /// Who has come, as in a `presence_state`: `{"key": {"metas": [{"phx_ref": "…", …}]}}`. Somebody of whom something
    /// else is said has come with that, and left with what was said before.
    pub joins: Map<String, Value>,
    /// Who has left, in the same shape. A key is still there if it is present by another meta. Somebody who has come
    /// and left since the last change is among them if anybody has listed him meanwhile, and nowhere otherwise.
    pub leaves: Map<String, Value>,
    /// Whether there were others before this one, for which the view's inbox had no room: what a view has put together
    /// from changes is wrong then, and [`Context::present`](crate::Context::present) has it right.
    pub missed: bool,
}

impl Change {
    /// What a `presence_diff` says.
    fn of(topic: &Arc<str>, diff: Option<&Value>) -> Self {
        let side = |name| match diff.and_then(|diff| diff.get(name)) {
            Some(Value::Object(side)) => side.clone(),
            _ => Map::new(),
        };
        Self {
            topic: Arc::clone(topic),
            joins: side("joins"),
            leaves: side("leaves"),
            missed: false,
        }
    }
}

/// A view that watches a topic.
struct Watcher {
    number: u64,
    inbox: Inbox,
    missed: bool,
}

/// Who watches which topic.
#[derive(Default)]
pub(crate) struct Watchers {
    topics: Mutex<HashMap<Box<str>, Vec<Watcher>>>,
    numbers: AtomicU64,
}

impl Watchers {
    /// What changes on `topic` is put into `inbox`, as an `Arc` of a [`Change`], until what is returned is dropped.
    pub(crate) fn watch(self: &Arc<Self>, topic: &str, inbox: Inbox) -> Watching {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let watcher = Watcher {
            number,
            inbox,
            missed: false,
        };
        let mut topics = lock(&self.topics);
        topics.entry(topic.into()).or_default().push(watcher);
        Watching {
            watchers: Arc::clone(self),
            topic: topic.into(),
            number,
        }
    }

    /// Tells of a change, and those who have missed one of that. Returns whether somebody has missed one still.
    pub(super) fn tell(&self, topic: &Arc<str>, diff: Option<&Value>) -> bool {
        let mut topics = lock(&self.topics);
        let Some(watchers) = topics.get_mut(&**topic) else {
            return false;
        };
        let is_news = diff.is_some();
        let change = Arc::new(Change::of(topic, diff));
        let mut late = None;
        for watcher in watchers.iter_mut().filter(|watcher| is_news || watcher.missed) {
            let change = match watcher.missed {
                false => &change,
                true => late.get_or_insert_with(|| {
                    let missed = true;
                    Arc::new(Change {
                        missed,
                        ..Change::clone(&change)
                    })
                }),
            };
            watcher.missed = (watcher.inbox)(Box::new(Arc::clone(change))).is_err();
        }
        watchers.iter().any(|watcher| watcher.missed)
    }
}

/// A view watches a topic while this lives.
pub(crate) struct Watching {
    watchers: Arc<Watchers>,
    topic: Box<str>,
    number: u64,
}

impl Watching {
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Dropped outside of the lock, with whatever else goes with an inbox.
        let _watcher = {
            let mut topics = lock(&self.watchers.topics);
            let Some(watchers) = topics.get_mut(&self.topic) else {
                return;
            };
            let at = watchers.iter().position(|watcher| watcher.number == self.number);
            let watcher = at.map(|at| watchers.swap_remove(at));
            if watchers.is_empty() {
                topics.remove(&self.topic);
            }
            watcher
        };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::SendError;

    /// An inbox with room for one change, and what it holds.
    fn inbox() -> (Inbox, Arc<Mutex<Option<Arc<Change>>>>) {
        let held: Arc<Mutex<Option<Arc<Change>>>> = Arc::default();
        let place = Arc::clone(&held);
        let inbox = move |letter: crate::view::Letter| {
            let mut place = lock(&place);
            if place.is_some() {
                return Err(SendError);
            }
            *place = letter.downcast().ok().map(|change| *change);
            Ok(())
        };
        (Arc::new(inbox), held)
    }

    fn diff(key: &str) -> Value {
        json!({"joins": {key: {"metas": []}}, "leaves": {}})
    }

    #[test]
    fn a_view_whose_inbox_was_full_is_told_that_it_has_missed_something_as_soon_as_it_has_room() {
        let watchers = Arc::new(Watchers::default());
        let topic: Arc<str> = Arc::from("room");
        let ((slow, held), (other, heard)) = (inbox(), inbox());
        let watching = [watchers.watch("room", slow), watchers.watch("room", other)];
        let told = |key| {
            let missing = watchers.tell(&topic, Some(&diff(key)));
            let change = lock(&heard).take().unwrap();
            assert!(change.joins.contains_key(key) && !change.missed);
            missing
        };
        assert!(!told("a"));
        assert!(told("b"), "the first change is still in its inbox");
        assert!(told("c"));
        assert!(watchers.tell(&topic, None));
        assert!(!lock(&held).take().unwrap().missed);
        assert!(!watchers.tell(&topic, None));
        let late = lock(&held).take().unwrap();
        assert!(late.missed && late.joins.is_empty());
        assert_eq!(*lock(&heard), None, "nothing is news to who has missed nothing");
        drop(watching);
        assert!(!watchers.tell(&topic, Some(&diff("d"))));
        assert_eq!(*lock(&held), None);
        assert!(lock(&watchers.topics).is_empty());
    }

    #[test]
    fn who_has_missed_something_is_told_of_it_with_the_next_change() {
        let watchers = Arc::new(Watchers::default());
        let topic: Arc<str> = Arc::from("room");
        let (slow, held) = inbox();
        let _watching = watchers.watch("room", slow);
        let missing = ["a", "b"].map(|key| watchers.tell(&topic, Some(&diff(key))));
        assert_eq!(missing, [false, true]);
        lock(&held).take();
        assert!(!watchers.tell(&topic, Some(&diff("c"))));
        let late = lock(&held).take().unwrap();
        assert!(late.missed && late.joins.contains_key("c"));
    }
}
