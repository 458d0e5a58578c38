//! Commands that come to nothing: refused, expired, forbidden, or no commands at all.

use roost_tests::{Listener, Program, Settings, mosquitto_pub, wait_for};
use serde_json::json;

use super::{LONG_MS, await_state, command, followed, id_of, publish, state};

#[test]
fn a_request_over_mqtt_that_makes_no_sense_is_answered_where_results_are() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let results = Listener::start(&program, "devices/boiler/points/relay/result");
    let token = program.token();
    let wrong = r#"{"value": 1, "prority": "high"}"#;
    publish(
        &program,
        ("roost", &token),
        "devices/boiler/points/relay/set",
        wrong,
    );
    let line = results.message("\"error\"");
    assert!(line.contains("prority"), "{line}");
}

#[test]
fn a_command_to_a_chip_that_takes_none_is_refused_with_its_reason() {
    let config = "[[bus]]\nname = \"bench\"\nboard = \"simulated\"\nchips = [\"tmp117@0x48\"]";
    let program = Program::start(Settings {
        config: config.into(),
        ..Settings::default()
    });
    let chip = json!({ "id": "chip", "driver": "tmp117", "bus": "bench", "address": "0x48" });
    assert_eq!(program.api().post("/api/v1/devices", &chip).status, 201);
    let path = "/api/v1/devices/chip/points/temperature/commands";
    let id = id_of(&program.api().post(path, &json!({ "value": 1 })));
    await_state(&program, &id, "refused");
    assert!(followed(&program, &id)["reason"].is_string());
}

#[test]
fn a_command_without_an_answer_expires_at_its_deadline() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let _deaf = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let answer = command(&program, "boiler", &json!({ "value": true, "within_ms": 200 }));
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
fn bad_commands_are_refused_beside_the_field() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    for body in [
        json!({}),
        json!({ "value": null }),
        json!({ "value": true, "within_ms": 1 }),
    ] {
        let answer = command(&program, "boiler", &body);
        assert_eq!(answer.kind, "application/problem+json", "{body}");
        assert!((400..=422).contains(&answer.status), "{body}: {}", answer.text);
    }
    assert_eq!(command(&program, "nobody", &json!({ "value": true })).status, 404);
}

#[test]
fn when_too_many_wait_one_more_is_refused_and_only_one_with_a_key_is_written_down() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let long = json!({ "value": true, "within_ms": LONG_MS });
    let most = 64;
    for _ in 0..most {
        assert_eq!(command(&program, "boiler", &long).status, 202);
    }
    let count = || {
        let list = program.api().get("/api/v1/commands?limit=1000").body;
        list["items"].as_array().unwrap().len()
    };
    let more = command(&program, "boiler", &long);
    assert_eq!(
        (more.status, more.kind.as_str()),
        (409, "application/problem+json")
    );
    assert!(more.text.contains("64 commands"), "{}", more.text);
    assert_eq!(count(), most);

    let keyed = json!({ "value": true, "within_ms": LONG_MS, "key": "order 17" });
    let refused = command(&program, "boiler", &keyed).body["command"].clone();
    assert_eq!(refused["state"], "refused");
    assert_eq!(count(), most + 1);
    let again = command(&program, "boiler", &keyed);
    assert_eq!(again.body["command"]["id"], refused["id"], "{}", again.text);

    let instead = json!({ "value": false, "within_ms": LONG_MS, "supersede": true });
    let answer = command(&program, "boiler", &instead);
    assert_eq!(answer.status, 202, "those before make room: {}", answer.text);
}
