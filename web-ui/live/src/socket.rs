//! Sockets: what a client connects to, by WebSocket or long poll, and over which it joins channels.

mod connect;
mod connection;
mod dispatch;
mod handshake;
mod inbound;
mod longpoll;
mod mount;
mod observer;
mod origin;
mod outbound;
mod queue;
mod rehearsal;
mod stream;
mod stretch;
mod websocket;

pub use connect::{Accepted, Connect, Refused};
pub use connection::{Connection, Transport};
pub use dispatch::TOPIC_BYTES;
pub use handshake::MAX_QUERY;
pub use mount::Mount;
pub use observer::{Direction, Observer};
pub use origin::{Origin, OriginRule};
pub use rehearsal::rehearse;

pub(crate) use connection::Held;
pub(crate) use handshake::upgrade;
pub(crate) use longpoll::{Sessions, poll};
pub(crate) use outbound::OVERHEAD;
