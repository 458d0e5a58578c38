//! The harness of the end-to-end tests: the built program on an address of its own, its API, and real MQTT clients.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod api;
mod cable;
mod certificates;
mod clients;
mod cutter;
mod door;
mod program;
mod scripts;

pub use api::{Api, Response, Silence};
pub use cable::Cable;
pub use certificates::{Authority, Pair};
pub use clients::{Listener, mosquitto, mosquitto_pub};
pub use cutter::Cutter;
pub use door::{Door, Transport};
pub use program::{Program, Settings, WEB_PORT};
pub use scripts::{browser, mqttjs, paho, paho_command, python};

use std::time::{Duration, Instant};

/// Longest wait for something that is going to happen: generous, because a loaded machine is slow and a failure rare.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `happened` gives something.
///
/// # Panics
/// If it has not within [`PATIENCE`]; `what` says what was waited for.
pub fn wait_for<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = happened() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        // Between two looks, so that the looking does not slow down what is looked at.
        std::thread::sleep(Duration::from_millis(5));
    }
}
