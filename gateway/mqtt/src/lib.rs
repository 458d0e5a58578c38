//! The MQTT side: 3.1.1 and 5 on one port, a supervised task per connection, the bus as router.
//!
//! What this crate knows of devices is their credentials and the filters they may use. What their payloads mean is the
//! business of others, who meet it on the bus.

mod access;
mod attendance;
mod broker;
mod clock;
pub mod codec;
mod connection;
mod keeper;
mod ledger;
mod limits;
mod listener;
mod lobby;
mod pace;
mod probe;
mod roster;
mod session;
mod stats;
mod sys;
mod tls;
mod transport;
mod unknown;
mod websocket;
mod will;
mod wire;

#[doc(hidden)]
pub use connection::rehearsal;

pub use access::{Access, Credentials, Grant, Presented, QUARANTINE, Refusal, quarantine_name};
pub use broker::{Broker, Listen, PRESENCE};
pub use limits::Limits;
pub use stats::BrokerStats;
pub use tls::{Certificates, ClientCertificates, TlsError, TlsOptions};
pub use websocket::WebSocketDoor;
