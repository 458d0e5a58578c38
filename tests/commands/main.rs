//! Commands by API and by MQTT: what becomes of them, and that nothing is claimed that was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod life;
mod refusals;
mod waiting;

use roost_tests::{Program, mosquitto_pub, wait_for};
use serde_json::Value;

/// Time enough for anything that is going to happen.
const LONG_MS: u64 = 600_000;

fn command(program: &Program, device: &str, body: &Value) -> roost_tests::Response {
    program
        .api()
        .post(&format!("/api/v1/devices/{device}/points/relay/commands"), body)
}

fn followed(program: &Program, id: &str) -> Value {
    program.api().get(&format!("/api/v1/commands/{id}")).body
}

fn state(program: &Program, id: &str) -> Value {
    followed(program, id)["state"].clone()
}

fn id_of(answer: &roost_tests::Response) -> String {
    let id = answer.body["id"].as_str();
    id.unwrap_or_else(|| panic!("a command: {}", answer.text))
        .to_owned()
}

fn await_state(program: &Program, id: &str, wanted: &str) {
    wait_for(wanted, || (state(program, id) == wanted).then_some(()));
}

fn publish(program: &Program, login: (&str, &str), topic: &str, body: &str) {
    let output = mosquitto_pub(program, "5", login, &["-q", "1", "-t", topic, "-m", body]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
