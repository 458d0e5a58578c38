//! Commands by API and by MQTT: what becomes of them, and that nothing is claimed that was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Listener, Program, Settings, mosquitto_pub, python, wait_for};
use serde_json::{Value, json};

fn command(program: &Program, device: &str, body: &Value) -> roost_tests::Response {
    program
        .api()
        .post(&format!("/api/v1/devices/{device}/points/relay/commands"), body)
}

fn state(program: &Program, id: &str) -> Value {
    program.api().get(&format!("/api/v1/commands/{id}")).body["state"].clone()
}

#[test]
fn a_command_is_sent_acknowledged_and_verified_by_the_devices_own_reading() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let results = Listener::start(&program, "devices/boiler/points/relay/result");
    std::thread::scope(|scope| {
        let device = scope.spawn(|| {
            let arguments = [
                "5",
                "boiler",
                &secret,
                "devices/boiler/telemetry/relay",
                "false",
                "1",
            ];
            python(&program, "paho_device.py", &arguments)
        });
        wait_for("the device", || program.api().point("boiler", "relay"));
        let answer = command(&program, "boiler", &json!({ "value": true }));
        assert_eq!(
            (answer.status, &answer.body["state"]),
            (202, &"sent".into()),
            "{}",
            answer.text
        );
        let id = answer.body["id"].as_str().unwrap().to_owned();
        for expected in ["queued", "sent", "acknowledged", "verified"] {
            let line = results.message(&format!("\"state\":\"{expected}\""));
            assert!(line.contains(&id), "{line}");
        }
        assert_eq!(state(&program, &id), "verified");
        assert!(
            device
                .join()
                .expect("the device ends well")
                .contains("commanded relay True")
        );
    });
}

#[test]
fn a_command_to_a_device_that_is_not_connected_is_refused_at_once() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let answer = command(&program, "boiler", &json!({ "value": true }));
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (409, "application/problem+json")
    );
    assert_eq!(answer.body["command"]["state"], "refused");
    assert!(answer.text.contains("not connected"), "{}", answer.text);
}

#[test]
fn a_dashboard_that_listens_to_everything_is_not_taken_for_the_device() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let _dashboard = Listener::start(&program, "#");
    assert_eq!(command(&program, "boiler", &json!({ "value": true })).status, 409);
}

#[test]
fn a_command_without_an_answer_expires_at_its_deadline() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let _deaf = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let answer = command(&program, "boiler", &json!({ "value": true, "deadline_ms": 200 }));
    assert_eq!(answer.body["state"], "sent", "{}", answer.text);
    let id = answer.body["id"].as_str().unwrap();
    wait_for("the deadline", || {
        (state(&program, id) == "expired").then_some(())
    });
}

#[test]
fn a_refusal_of_the_device_is_the_commands_end_with_its_reason() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let answer = command(&program, "boiler", &json!({ "value": true }));
    let id = answer.body["id"].as_str().unwrap();
    assert!(device.message("devices/boiler/commands/relay").contains(id));
    let refusal = json!({ "id": id, "error": "the valve is locked" }).to_string();
    let topic = [
        "-q",
        "1",
        "-t",
        "devices/boiler/commands/relay/result",
        "-m",
        &refusal,
    ];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    wait_for("the refusal", || (state(&program, id) == "refused").then_some(()));
    assert_eq!(
        program.api().get(&format!("/api/v1/commands/{id}")).body["reason"],
        "the valve is locked"
    );
}

#[test]
fn a_dashboard_commands_a_tasmota_plug_over_mqtt() {
    let program = Program::start(Settings::default());
    let secret = program.add_device_of("plug", "tasmota");
    let plug = Listener::start_as(&program, ("plug", &secret), "cmnd/plug/#");
    let results = Listener::start(&program, "devices/plug/points/power/result");
    let token = program.token();
    let set = ["-q", "1", "-t", "devices/plug/points/power/set", "-m", "on"];
    assert!(
        mosquitto_pub(&program, "5", ("roost", &token), &set)
            .status
            .success()
    );
    assert_eq!(plug.message("cmnd/plug/POWER"), "cmnd/plug/POWER ON");
    let answer = ["-q", "1", "-t", "stat/plug/RESULT", "-m", r#"{"POWER":"ON"}"#];
    assert!(
        mosquitto_pub(&program, "311", ("plug", &secret), &answer)
            .status
            .success()
    );
    let _verified = results.message("\"state\":\"verified\"");
}

#[test]
fn a_device_cannot_command_another_and_not_itself() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let _victim = program.add_device("lamp");
    for topic in ["devices/lamp/points/relay/set", "devices/boiler/points/relay/set"] {
        let set = ["-q", "1", "-t", topic, "-m", "true"];
        let output = mosquitto_pub(&program, "5", ("boiler", &secret), &set);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.to_lowercase().contains("not authorized"), "{said}");
    }
    assert_eq!(program.api().get("/api/v1/commands").body["items"], json!([]));
}

#[test]
fn commands_that_a_stop_interrupted_are_expired_and_not_forgotten() {
    let mut program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let deaf = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let answer = command(
        &program,
        "boiler",
        &json!({ "value": true, "deadline_ms": 60_000 }),
    );
    let id = answer.body["id"].as_str().unwrap().to_owned();
    program.kill();
    drop(deaf);
    program.boot();
    assert_eq!(state(&program, &id), "expired");
}

#[test]
fn bad_commands_are_refused_beside_the_field() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    for body in [
        json!({}),
        json!({ "value": null }),
        json!({ "value": true, "deadline_ms": 1 }),
    ] {
        let answer = command(&program, "boiler", &body);
        assert_eq!(answer.kind, "application/problem+json", "{body}");
        assert!((400..=422).contains(&answer.status), "{body}: {}", answer.text);
    }
    assert_eq!(command(&program, "nobody", &json!({ "value": true })).status, 404);
}
