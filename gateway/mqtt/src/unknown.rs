//! A client in quarantine: said on the bus when it comes and when it goes, so that somebody may take it in.

use std::net::SocketAddr;

use roost_model::Topic;
use roost_runtime::{Bus, Message};
use serde_json::json;

use crate::access::Grant;

/// Says that a client in quarantine is here; dropping it says that it has gone, whatever way its connection ended.
#[derive(Debug)]
pub(crate) struct Unknown {
    bus: Bus,
    topic: Topic,
    client_id: String,
    address: String,
}

impl Unknown {
    /// `None` for a client that is not in quarantine.
    pub(crate) fn new(bus: &Bus, grant: &Grant, client_id: &str, peer: SocketAddr) -> Option<Box<Self>> {
        let topic = Topic::new(&grant.identity)
            .ok()
            .filter(|_| grant.is_quarantined)?;
        // There are few of them, and each connection has a place for one.
        let unknown = Box::new(Self {
            bus: bus.clone(),
            topic,
            client_id: client_id.to_owned(),
            address: peer.ip().to_string(),
        });
        unknown.say(true);
        Some(unknown)
    }

    fn say(&self, connected: bool) {
        let body = json!({ "client_id": self.client_id, "address": self.address, "connected": connected });
        self.bus
            .publish(Message::new(self.topic.clone(), body.to_string()).at_least_once());
    }
}

impl Drop for Unknown {
    fn drop(&mut self) {
        self.say(false);
    }
}
