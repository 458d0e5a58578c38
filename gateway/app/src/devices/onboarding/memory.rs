//! What the desk of onboarding knows of clients that have no record. It outlives the desk's task: what they said was
//! acknowledged, and nobody will say it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use roost_model::Filter;
use roost_mqtt::QUARANTINE;
use roost_runtime::{Bus, Policy, QoS, Subscription};
use tokio::sync::Mutex;

use super::desk::Successor;
use super::roster::Roster;

/// Messages of unknown clients that wait.
const QUEUE: usize = 4096;
/// Where requests come in.
const REQUESTS: &str = "$roost/onboarding/+";

/// What is known.
pub(super) struct Memory {
    pub(super) inbox: Subscription,
    pub(super) roster: Roster,
    /// Clients that became devices and whose connections have not ended yet: what they say is the device's.
    pub(super) leaving: BTreeMap<String, Successor>,
}

/// Held by the desk's task for as long as it lives.
pub(super) type Shared = Arc<Mutex<Memory>>;

impl Memory {
    /// Nobody is known yet; whatever is said from here on is heard.
    pub(super) fn shared(bus: &Bus) -> Shared {
        let mut inbox = bus.subscriber(QUEUE, Policy::DropOldest);
        if let Ok(filter) = Filter::new(REQUESTS) {
            inbox.serve(filter);
        }
        if let Ok(filter) = Filter::new(format!("{QUARANTINE}/#")) {
            inbox.listen(filter, QoS::AtLeastOnce);
        }
        Arc::new(Mutex::new(Self {
            inbox,
            roster: Roster::default(),
            leaving: BTreeMap::new(),
        }))
    }
}
