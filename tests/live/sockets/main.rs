//! Sockets and channels of an application's own, served in the test's process and driven from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod channels;
mod connecting;
mod ending;
mod hostile;
mod lanes;
mod polling;
mod rejoining;
mod stage;

use serde_json::{Value, json};

/// A message of version 2.
pub(crate) fn message(
    join_ref: Option<&str>,
    reference: &str,
    topic: &str,
    event: &str,
    payload: Value,
) -> Value {
    json!([join_ref, reference, topic, event, payload])
}

/// The answer to it.
pub(crate) fn answer(
    join_ref: Option<&str>,
    reference: &str,
    topic: &str,
    status: &str,
    response: Value,
) -> Value {
    let payload = json!({"status": status, "response": response});
    json!([join_ref, reference, topic, "phx_reply", payload])
}
