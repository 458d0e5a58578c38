//! TLS: certificates that can be renewed while the gateway runs, and connections that carry MQTT inside it.

mod certificates;
mod handshake;
mod name;
pub(crate) mod renewal;
mod stream;

pub use certificates::{Certificates, ClientCertificates, TlsError, TlsOptions};
pub(crate) use handshake::Handshakes;
pub(crate) use stream::TlsStream;
