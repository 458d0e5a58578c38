//! Which devices are here: their presence, and their status on the bus.

use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::Topic;
use roost_runtime::{Message, PresenceGuard};
use serde_json::json;

use crate::broker::{Broker, PRESENCE};
use crate::codec::Version;

impl Broker {
    /// A device is here: present, and said so on its status topic.
    pub(crate) fn enter(&self, identity: &Arc<str>, version: Version) -> PresenceGuard {
        let _order = self.status_order.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = self.track(identity, version);
        self.publish_status(identity, true);
        guard
    }

    /// A device has gone, unless another connection of it is here.
    pub(crate) fn leave(&self, guard: PresenceGuard) {
        let identity = Arc::clone(guard.key());
        let _order = self.status_order.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        if !self.is_present(&identity) {
            self.publish_status(&identity, false);
        }
    }

    fn track(&self, identity: &Arc<str>, version: Version) -> PresenceGuard {
        let meta = &self.metas[usize::from(version == Version::V5)];
        self.presence
            .0
            .track(PRESENCE, Arc::clone(identity), Arc::clone(meta))
    }

    fn is_present(&self, identity: &str) -> bool {
        self.presence.0.contains(PRESENCE, identity)
    }

    /// Says on `devices/<id>/status` whether a device is connected.
    fn publish_status(&self, identity: &str, connected: bool) {
        let Ok(topic) = Topic::new(format!("devices/{identity}/status")) else {
            return;
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let body =
            json!({ "connected": connected, "since_ms": u64::try_from(since.as_millis()).unwrap_or(0) });
        // Retained as long as it stays so: without the spare room that encoding leaves.
        let body = body.to_string().into_bytes().into_boxed_slice();
        self.bus()
            .publish(Message::new(topic, body).at_least_once().retained());
    }
}
