//! Families of devices at the built program: a device that answers questions, and one that another client speaks for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Listener, Program, Settings, mosquitto_pub, wait_for};
use serde_json::{Value, json};

fn publish(program: &Program, login: (&str, &str), topic: &str, payload: &str) {
    let output = mosquitto_pub(
        program,
        "311",
        login,
        &["-q", "1", "-r", "-t", topic, "-m", payload],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn command(program: &Program, device: &str, point: &str, value: &Value) -> roost_tests::Response {
    let path = format!("/api/v1/devices/{device}/points/{point}/commands");
    program.api().post(&path, &json!({ "value": value }))
}

#[test]
fn a_shelly_is_asked_for_its_status_when_it_comes_and_commanded_in_its_words() {
    let program = Program::start(Settings::default());
    let secret = program.add_device_of("shellyplus1-a8032abe54dc", "shelly");
    let login = ("shellyplus1-a8032abe54dc", secret.as_str());
    let device = Listener::start_as(&program, login, "shellyplus1-a8032abe54dc/rpc");
    publish(&program, login, "shellyplus1-a8032abe54dc/online", "true");
    let question = device.message("Shelly.GetStatus");
    assert!(question.contains("shellyplus1-a8032abe54dc/roost"), "{question}");
    let status = r#"{"id":"status","result":{"switch:0":{"id":0,"output":false,"temperature":{"tC":41.5}}}}"#;
    publish(&program, login, "shellyplus1-a8032abe54dc/roost/rpc", status);
    let point = wait_for("the temperature", || {
        program
            .api()
            .point("shellyplus1-a8032abe54dc", "switch0.temperature")
    });
    assert_eq!((&point["value"], &point["unit"]), (&json!(41.5), &json!("°C")));
    assert_eq!(point.get("about"), None, "a temperature takes no commands");
    let relay = program
        .api()
        .point("shellyplus1-a8032abe54dc", "switch0")
        .unwrap();
    assert_eq!(relay["about"]["access"], "read_write");
    let answer = command(&program, "shellyplus1-a8032abe54dc", "switch0", &json!(true));
    assert_eq!(answer.status, 202, "{}", answer.text);
    let sent = device.message("Switch.Set");
    assert!(sent.contains(r#""params":{"id":0,"on":true}"#), "{sent}");
}

#[test]
fn a_zigbee_device_is_described_reached_and_commanded_through_its_bridge() {
    let program = Program::start(Settings::default());
    let secret = program.add_device_of("zigbee2mqtt", "zigbee2mqtt-bridge");
    let _of_no_use = program.add_device_of("bulb", "zigbee2mqtt");
    let login = ("zigbee2mqtt", secret.as_str());
    let about = Listener::start(&program, "devices/bulb/points/+/about");
    let bridge = Listener::start_as(&program, login, "zigbee2mqtt/+/set");
    let devices = r#"[{"friendly_name":"bulb","definition":{"exposes":[{"type":"light","features":[
        {"type":"binary","name":"state","property":"state","value_on":"ON","value_off":"OFF","access":7},
        {"type":"numeric","name":"brightness","property":"brightness","value_min":0,"value_max":254,"access":7}]}]}}]"#
        .replace('\n', " ");
    publish(&program, login, "zigbee2mqtt/bridge/devices", &devices);
    let brightness = about.message("brightness");
    assert!(brightness.contains(r#""max":254.0"#), "{brightness}");
    publish(
        &program,
        login,
        "zigbee2mqtt/bridge/state",
        r#"{"state":"online"}"#,
    );
    publish(
        &program,
        login,
        "zigbee2mqtt/bulb",
        r#"{"state":"OFF","brightness":100}"#,
    );
    wait_for("the lamp", || program.api().point("bulb", "state"));
    let answer = command(&program, "bulb", "state", &json!(true));
    assert_eq!(answer.status, 202, "{}", answer.text);
    let sent = bridge.message("ON");
    assert!(sent.contains(r#"zigbee2mqtt/bulb/set {"state":"ON"}"#), "{sent}");
    // What the bridge says of one device is not taken away with another.
    publish(
        &program,
        login,
        "zigbee2mqtt/bulb/availability",
        r#"{"state":"offline"}"#,
    );
    wait_for("the lamp to be away", || {
        let online = program.api().point("bulb", "online")?;
        (online["value"] == false).then_some(())
    });
    assert_eq!(program.api().delete("/api/v1/devices/bulb").status, 204);
    let still = Listener::start(&program, "zigbee2mqtt/bridge/devices");
    assert!(still.message("friendly_name").contains("bulb"));
}
