//! The gateway as a library: `main` is a few lines, and a program of one's own can bring codecs that Roost has not.

mod buses;
mod cli;
mod clients;
mod clock;
pub mod config;
mod devices;
mod gateway;
mod logs;
mod memory;
mod metrics;
mod requests;
mod run;
mod secrets;
pub mod sim;
mod token;
mod tree;
mod watchdog;

pub use cli::{main, main_with};
pub use gateway::Gateway;
pub use run::{run, run_with};
pub use tree::{Tree, tree};

/// Version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
