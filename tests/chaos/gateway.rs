//! A gateway that carries its own saboteur: through a socket it is told which of its tasks are to fail and to hang.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program for tests fails by panicking"
)]

mod door;
mod sequence;
mod victims;

use std::alloc::System;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cap::Cap;
use roost::config;
use roost_runtime::sabotage;

use door::Door;
use sequence::Sequences;
use victims::{Saboteur, Victims};

/// Counts the bytes in use: what the allocator keeps for later is no leak.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Where the socket is to be.
const SOCKET: &str = "ROOST_CHAOS_SOCKET";
/// Milliseconds between two looks for signs of life, if not those of the product.
const LOOK_EVERY_MS: &str = "ROOST_CHAOS_LOOK_EVERY_MS";

fn main() -> ExitCode {
    // `chaos_gateway --config FILE run`, as the harness starts every program.
    let path = PathBuf::from(std::env::args_os().nth(2).expect("--config FILE run"));
    let config = config::load(&path, true).expect("a good configuration");
    let socket = std::env::var_os(SOCKET).expect("a path for the socket");
    let look_every = std::env::var(LOOK_EVERY_MS).ok();
    let look_every = look_every.map(|ms| Duration::from_millis(ms.parse().unwrap()));

    let victims = Arc::new(Victims::default());
    assert!(sabotage(Saboteur::new(Arc::clone(&victims), look_every)));
    let code = roost::run_with(config, &[], |tree| {
        let sequences = Sequences::of(&tree.web.bus);
        let door = Door {
            victims,
            sequences,
            tree: tree.root.handle(),
            bus: tree.web.bus.clone(),
            runtime: tokio::runtime::Handle::current(),
        };
        door.open(&PathBuf::from(socket));
    });
    code.expect("a gateway that runs")
}
