//! The conformance program's channels, driven from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod golden;
mod stock;

use roost_live_tests::Conformance;

/// The program, fresh for each test.
pub(crate) fn program() -> Conformance {
    Conformance::start(env!("CARGO_BIN_EXE_conformance"))
}
