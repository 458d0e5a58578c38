//! The handover: a device's task is replaced by another, which inherits its inbox, so that nothing
//! of it is lost. The new one may listen to other topics than the old one did.
//!
//! If all tasks end because their supervisor does, each inbox is kept, and goes on taking, until the device is started
//! again. A task that keeps its thread may end later than that: then its successor takes over what waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use roost_runtime::{Bell, Subscription};
use tokio::sync::oneshot;

/// How long a task may take to leave its inbox: longer than a supervisor waits before it aborts one.
const WITHIN: Duration = Duration::from_secs(10);

/// Heirs that wait for inboxes.
#[derive(Default)]
pub(crate) struct Handover {
    heirs: Mutex<HashMap<String, oneshot::Sender<Subscription>>>,
    kept: Mutex<Kept>,
}

/// Inboxes without a task.
#[derive(Default)]
struct Kept {
    inboxes: HashMap<String, Subscription>,
    /// Those of tasks that were given up, or whose end was not seen yet.
    lingering: HashMap<String, Bell>,
    /// Devices whose task is ended for good.
    dismissed: HashSet<String>,
}

/// The wait for the inbox of one device.
pub(super) struct Heir {
    handover: Arc<Handover>,
    device: String,
    inbox: oneshot::Receiver<Subscription>,
}

impl Handover {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Subscription>>> {
        self.heirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Declares that the task of a device will be replaced.
    pub(super) fn announce(self: &Arc<Self>, device: &str) -> Heir {
        let (sender, inbox) = oneshot::channel();
        self.lock().insert(device.to_owned(), sender);
        Heir {
            handover: Arc::clone(self),
            device: device.to_owned(),
            inbox,
        }
    }

    /// Whether somebody waits for the inbox of a device.
    pub(super) fn has_heir(&self, device: &str) -> bool {
        self.lock().contains_key(device)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the inbox of a device to its heir, or keeps it for the next one, unless the device was dismissed or has
    /// another by now.
    pub(super) fn leave(&self, device: &str, inbox: Subscription, has_another: bool) {
        let heir = self.lock().remove(device);
        if let Some(heir) = heir {
            // Whoever waited may have given up; then the messages are nobody's.
            let _ = heir.send(inbox);
            return;
        }
        let mut kept = self.kept();
        if kept.lingering.get(device).is_some_and(|bell| bell.rings(&inbox)) {
            kept.lingering.remove(device);
        }
        // One that is closed was inherited already.
        if !kept.dismissed.contains(device) && !has_another && !inbox.is_closed() {
            kept.inboxes.insert(device.to_owned(), inbox);
        }
    }

    /// The inbox that was kept of a device.
    pub(super) fn take(&self, device: &str) -> Option<Subscription> {
        let kept = self.kept().inboxes.remove(device);
        kept.filter(|inbox| !inbox.is_closed())
    }

    /// Notes that the task of a device is nobody's any more, although it may not have ended.
    pub(super) fn let_linger(&self, device: &str, inbox: &Subscription) {
        let mut kept = self.kept();
        if !kept.dismissed.contains(device) {
            kept.lingering.insert(device.to_owned(), inbox.bell());
        }
    }

    /// The inbox of a task of the device that has not ended, though it should have.
    pub(super) fn lingering(&self, device: &str) -> Option<Bell> {
        self.kept().lingering.remove(device)
    }

    /// Declares that a device's task ends and its inbox with it, until what is returned is dropped.
    pub(super) fn dismiss(self: &Arc<Self>, device: &str) -> Dismissed {
        let mut kept = self.kept();
        kept.inboxes.remove(device);
        kept.lingering.remove(device);
        kept.dismissed.insert(device.to_owned());
        Dismissed {
            handover: Arc::clone(self),
            device: device.to_owned(),
        }
    }
}

/// A device whose inbox nobody is to have.
pub(super) struct Dismissed {
    handover: Arc<Handover>,
    device: String,
}

impl Drop for Dismissed {
    fn drop(&mut self) {
        self.handover.kept().dismissed.remove(&self.device);
    }
}

impl Heir {
    /// The inbox, once the task that had it is gone; `None` if there was none.
    pub(super) async fn inbox(mut self) -> Option<Subscription> {
        let left = tokio::time::timeout(WITHIN, &mut self.inbox).await;
        left.ok().and_then(Result::ok)
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        self.handover.lock().remove(&self.device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_model::{Filter, Topic};
    use roost_runtime::{Bus, Message, Policy};

    fn filter(text: &str) -> Filter {
        Filter::new(text).unwrap()
    }

    #[tokio::test]
    async fn an_heir_gets_the_inbox_with_what_waits_in_it() {
        let (bus, handover) = (Bus::default(), Arc::new(Handover::default()));
        let mut inbox = bus.subscriber(8, Policy::DropOldest);
        inbox.tune("plug", &[filter("a/+"), filter("b")]);
        bus.publish(Message::new(Topic::new("a/1").unwrap(), "waits"));
        let heir = handover.announce("plug");
        handover.leave("plug", inbox, false);
        let mut inbox = heir.inbox().await.unwrap();
        inbox.tune("plug", &[filter("b"), filter("c")]);
        for topic in ["a/2", "b", "c"] {
            bus.publish(Message::new(Topic::new(topic).unwrap(), topic));
        }
        let heard: Vec<_> = std::iter::from_fn(|| inbox.try_recv())
            .map(|delivery| delivery.message.body.clone())
            .collect();
        assert_eq!(heard, ["waits", "b", "c"]);
    }

    #[tokio::test]
    async fn a_task_that_has_not_ended_leaves_what_waits_to_its_successor_and_nothing_twice() {
        let (bus, handover) = (Bus::default(), Handover::default());
        let inbox = || {
            let mut inbox = bus.subscriber(8, Policy::HoldThenShut);
            inbox.tune("plug", &[filter("a")]);
            inbox
        };
        let publish = |body: &'static str| bus.publish(Message::new(Topic::new("a").unwrap(), body));
        let before = inbox();
        publish("1");
        publish("2");
        handover.let_linger("plug", &before);
        assert!(handover.take("plug").is_none());
        let after = inbox();
        publish("3");
        after.inherit(&handover.lingering("plug").unwrap());
        publish("4");
        assert!(before.is_closed() && before.try_recv().is_none());
        handover.leave("plug", before, false);
        assert!(handover.take("plug").is_none(), "what was inherited is not kept");
        let heard: Vec<_> = std::iter::from_fn(|| after.try_recv())
            .map(|delivery| delivery.message.body.clone())
            .collect();
        assert_eq!(heard, ["1", "2", "3", "4"]);

        handover.let_linger("plug", &after);
        handover.leave("plug", after, false);
        assert!(handover.lingering("plug").is_none());
        assert!(handover.take("plug").is_some());
    }

    #[tokio::test]
    async fn an_inbox_is_kept_unless_its_device_is_dismissed_or_has_another() {
        let (bus, handover) = (Bus::default(), Arc::new(Handover::default()));
        let topic = Topic::new("a").unwrap();
        let inbox = || {
            let mut inbox = bus.subscriber(8, Policy::DropOldest);
            inbox.tune("plug", &[filter("a")]);
            inbox
        };
        handover.leave("plug", inbox(), false);
        bus.publish(Message::new(topic.clone(), "waits"));
        let kept = handover.take("plug").unwrap();
        assert_eq!(kept.try_recv().unwrap().message.body, "waits");
        drop(kept);
        assert!(handover.take("plug").is_none());

        handover.leave("plug", inbox(), true);
        assert!(!bus.has_takers(&topic));
        handover.leave("plug", inbox(), false);
        let dismissed = handover.dismiss("plug");
        assert!(!bus.has_takers(&topic));
        handover.leave("plug", inbox(), false);
        assert!(!bus.has_takers(&topic));
        drop(dismissed);
        handover.leave("plug", inbox(), false);
        assert!(bus.has_takers(&topic));
    }
}
