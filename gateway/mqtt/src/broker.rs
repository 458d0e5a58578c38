//! The broker: what all connections share, and its part of the supervision tree.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use roost_model::Topic;
use roost_runtime::{
    Bus, ChildSpec, Events, Message, Presence, PresenceGuard, Strategy, Supervisor, SupervisorHandle,
};
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::codec::Version;
use crate::limits::Limits;
use crate::listener;
use crate::roster::Roster;
use crate::stats::BrokerStats;

/// Presence topic of the devices that are connected by MQTT; the keys are their ids.
pub const PRESENCE: &str = "devices";

/// The broker. One per gateway, shared by its listeners and connections.
#[derive(Debug)]
pub struct Broker {
    bus: Bus,
    presence: PresenceBox,
    access: Arc<Access>,
    limits: Limits,
    stats: Arc<BrokerStats>,
    roster: Arc<Roster>,
    client_ids: AtomicU64,
    bound: Mutex<Option<SocketAddr>>,
    /// Held from a change of presence to the status that tells of it, so that the last word is the true one.
    status_order: Mutex<()>,
    /// What is said of a device that is present, by version; shared by all of them.
    metas: [Arc<Map<String, Value>>; 2],
}

struct PresenceBox(Presence);

impl std::fmt::Debug for PresenceBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presence")
    }
}

impl Broker {
    /// A broker that is not listening yet.
    #[must_use]
    pub fn new(bus: Bus, presence: Presence, access: Arc<Access>, limits: Limits) -> Arc<Self> {
        let meta = |version: &str| {
            let pairs = [
                ("via".to_owned(), "mqtt".into()),
                ("version".to_owned(), version.into()),
            ];
            Arc::new(pairs.into_iter().collect::<Map<String, Value>>())
        };
        Arc::new(Self {
            bus,
            presence: PresenceBox(presence),
            access,
            limits,
            stats: Arc::default(),
            roster: Arc::default(),
            client_ids: AtomicU64::new(1),
            bound: Mutex::new(None),
            status_order: Mutex::new(()),
            metas: [meta("3.1.1"), meta("5.0")],
        })
    }

    /// The broker's part of the tree: connections, and a listener on `address` (port 0 lets the system choose).
    /// A listener that fails takes no connection down with it.
    #[must_use]
    pub fn supervisor(
        self: &Arc<Self>,
        address: SocketAddr,
        events: &Events,
    ) -> (Supervisor, SupervisorHandle) {
        // Clients that have not sent their CONNECT yet take places too.
        let places = self.limits.connections + self.limits.connections / 4 + 16;
        let connections = Supervisor::dynamic("connections")
            .events(events)
            .max_children(places);
        let handle = connections.handle();
        let (broker, starter) = (Arc::clone(self), handle.clone());
        let listener = ChildSpec::new("mqtt listener", move |context| {
            listener::run(Arc::clone(&broker), address, starter.clone(), context)
        });
        let supervisor = Supervisor::new("broker", Strategy::OneForOne)
            .events(events)
            .child(connections)
            .child(listener.awaits_ready());
        (supervisor, handle)
    }

    /// Ends the connections of a device: its record was changed or removed. Returns how many there were.
    pub fn disconnect(&self, identity: &str) -> usize {
        self.roster.evict(identity)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<BrokerStats> {
        &self.stats
    }

    /// Where it listens, once it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bound(&self, address: SocketAddr) {
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// A name for a client that gave none (3.1.1 section 3.1.3.1).
    pub(crate) fn new_client_id(&self) -> String {
        format!("auto-{}", self.client_ids.fetch_add(1, Ordering::Relaxed))
    }

    /// A device is here: present, and said so on its status topic.
    pub(crate) fn enter(&self, identity: &Arc<str>, version: Version) -> PresenceGuard {
        let _order = self.status_order.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = self.track(identity, version);
        self.publish_status(identity, true);
        guard
    }

    /// A device has gone, unless another connection of it is here.
    pub(crate) fn leave(&self, identity: &str, guard: Option<PresenceGuard>) {
        let _order = self.status_order.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        if !self.is_present(identity) {
            self.publish_status(identity, false);
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
        self.bus
            .publish(Message::new(topic, body.to_string()).at_least_once().retained());
    }
}
