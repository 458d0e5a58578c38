//! The broker over real sockets, byte by byte.

mod client;
mod refusals;
mod sessions;
