//! What the web side is handed by the program: handles of the other parts, and its options.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use roost_runtime::{Bus, Presence, SupervisorHandle};
use roost_store::{Secrets, Store};

use crate::upgrade::Upgrade;

/// How the web side listens and whom it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOptions {
    /// Where it listens; port 0 lets the system choose. On a loopback address the pages need no token.
    pub address: SocketAddr,
    /// Most connections at a time.
    pub connections: usize,
    /// Names that the gateway is reached by, besides `localhost` and every address: `plant.example`,
    /// `roost.local`.
    pub hosts: Vec<String>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            connections: 256,
            hosts: Vec::new(),
        }
    }
}

/// What the program says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Version of the program.
    pub version: String,
    /// How long it has been running.
    pub uptime: Duration,
    /// Readings taken in the last seconds, by second, if somebody counts.
    pub readings_per_s: Option<f64>,
    /// Port of the MQTT listener, for the example that a first visitor copies.
    pub mqtt_port: u16,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            version: String::new(),
            uptime: Duration::ZERO,
            readings_per_s: None,
            mqtt_port: 1883,
        }
    }
}

/// The address that is listened on, once it is. Cloning gives another view of the same.
#[derive(Debug, Clone, Default)]
pub struct Bound(Arc<Mutex<Option<SocketAddr>>>);

impl Bound {
    /// The address, if there is one yet.
    #[must_use]
    pub fn get(&self) -> Option<SocketAddr> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, address: SocketAddr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }
}

/// Everything the web side works with.
pub struct Web {
    /// Records.
    pub store: Store,
    /// Checks tokens and signs sessions.
    pub secrets: Secrets,
    /// Keyed hash of the one access token. An empty one is nobody's: then nobody gets in.
    pub token_hash: String,
    /// Live values, and the way to whoever makes changes.
    pub bus: Bus,
    /// Who is connected.
    pub presence: Presence,
    /// The root of the supervision tree.
    pub tree: SupervisorHandle,
    /// The supervisor whose children are named by device id.
    pub devices: SupervisorHandle,
    /// Makes the text for Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Says how the program is.
    pub facts: Arc<dyn Fn() -> Facts + Send + Sync>,
    /// Paths on which clients are handed to others.
    pub upgrades: Vec<Upgrade>,
    /// How it listens and whom it answers.
    pub options: WebOptions,
    /// Where it listens; `Bound::default()` until then.
    pub bound: Bound,
}

impl Web {
    /// Where it listens, once it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.bound.get()
    }
}
