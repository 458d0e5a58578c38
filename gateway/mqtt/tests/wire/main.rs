//! The broker over real sockets, byte by byte.

mod client;
mod durable;
mod refusals;
mod sessions;
