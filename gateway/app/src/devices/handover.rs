//! The handover: a device's task is replaced by another, which inherits its inbox, so that nothing
//! of it is lost. The new one may listen to other topics than the old one did.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use roost_model::Filter;
use roost_runtime::{QoS, Subscription};
use tokio::sync::oneshot;

/// How long a task may take to leave its inbox: longer than a supervisor waits before it aborts one.
const WITHIN: Duration = Duration::from_secs(10);

/// Heirs that wait for inboxes.
#[derive(Default)]
pub(crate) struct Handover {
    heirs: Mutex<HashMap<String, oneshot::Sender<Subscription>>>,
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

    /// Leaves the inbox of a device to its heir, if there is one.
    pub(super) fn leave(&self, device: &str, inbox: Option<Subscription>) {
        let heir = self.lock().remove(device);
        if let Some((heir, inbox)) = heir.zip(inbox) {
            // Whoever waited may have given up; then the messages are nobody's.
            let _ = heir.send(inbox);
        }
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

/// Makes an inbox listen to `wanted` instead of what it listened to.
pub(super) fn tune(inbox: &mut Subscription, wanted: &[Filter]) {
    for filter in wanted {
        if !inbox.has(filter, None) {
            // First what is new, so that a topic that both cover is heard all the time.
            inbox.listen(filter.clone(), QoS::AtLeastOnce);
        }
    }
    let stale: Vec<Filter> = inbox
        .filters()
        .filter(|filter| !wanted.contains(filter))
        .cloned()
        .collect();
    for filter in stale {
        inbox.remove(&filter, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_model::Topic;
    use roost_runtime::{Bus, Message, Policy};

    fn filter(text: &str) -> Filter {
        Filter::new(text).unwrap()
    }

    #[tokio::test]
    async fn an_heir_gets_the_inbox_with_what_waits_in_it() {
        let (bus, handover) = (Bus::default(), Arc::new(Handover::default()));
        let mut inbox = bus.subscriber(8, Policy::DropOldest);
        tune(&mut inbox, &[filter("a/+"), filter("b")]);
        bus.publish(Message::new(Topic::new("a/1").unwrap(), "waits"));
        let heir = handover.announce("plug");
        handover.leave("plug", Some(inbox));
        let mut inbox = heir.inbox().await.unwrap();
        tune(&mut inbox, &[filter("b"), filter("c")]);
        for topic in ["a/2", "b", "c"] {
            bus.publish(Message::new(Topic::new(topic).unwrap(), topic));
        }
        let heard: Vec<_> = std::iter::from_fn(|| inbox.try_recv())
            .map(|delivery| delivery.message.body.clone())
            .collect();
        assert_eq!(heard, ["waits", "b", "c"]);
    }

    #[tokio::test]
    async fn an_inbox_without_an_heir_is_closed() {
        let (bus, handover) = (Bus::default(), Arc::new(Handover::default()));
        let topic = Topic::new("a").unwrap();
        let mut inbox = bus.subscriber(8, Policy::DropOldest);
        tune(&mut inbox, &[filter("a")]);
        drop(handover.announce("plug"));
        assert!(bus.has_takers(&topic));
        handover.leave("plug", Some(inbox));
        assert!(!bus.has_takers(&topic));
    }
}
