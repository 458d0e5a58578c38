//! A client that is no device: a dashboard, a bridge, somebody's program.

use serde::{Deserialize, Serialize};

/// One such client as it is kept in the store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Client {
    /// Unique name: its user name. No device has the same.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// Whether it may connect.
    pub enabled: bool,
    /// Hash of its secret: keyed, in hexadecimal, or argon2id in PHC string form. Never leaves the gateway.
    #[serde(default)]
    pub secret_hash: String,
    /// Filters that it may publish to. A level `%u` stands for its user name, `%c` for its client identifier.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// Filters that it may subscribe to.
    #[serde(default)]
    pub subscribes: Vec<String>,
}
