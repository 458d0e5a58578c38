//! The broker over real sockets, byte by byte.

mod client;
mod clients;
mod durable;
mod gateway;
mod packets;
mod probes;
mod refusals;
mod sessions;
mod tls;
mod websocket;

#[expect(
    unreachable_pub,
    clippy::expect_used,
    reason = "shared with the tests of the whole program"
)]
#[path = "../../../../tests/src/certificates.rs"]
mod certificates;
