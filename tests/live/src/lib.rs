//! Starts the conformance program and the clients that drive it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod http;
mod node;
mod peer;
mod program;
mod server;
mod visit;
mod waiting;

pub use http::{Answer, ask};
pub use node::run_script;
pub use peer::{Heard, Peer};
pub use program::Conformance;
pub use server::Server;
pub use visit::{Loaded, Visit};
pub use waiting::{in_time, next_of, until};
