//! Commands by API and by MQTT: what becomes of them, and that nothing is claimed that was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Listener, Program, Settings, mosquitto_pub, python, wait_for};
use serde_json::{Value, json};

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
fn a_command_to_a_device_that_is_not_connected_is_queued_at_once_and_sent_when_it_connects() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let answer = command(
        &program,
        "boiler",
        &json!({ "value": true, "within_ms": LONG_MS }),
    );
    assert_eq!(
        (answer.status, &answer.body["state"]),
        (202, &"queued".into()),
        "{}",
        answer.text
    );
    let reason = answer.body["reason"].as_str().unwrap();
    assert!(reason.starts_with("not connected, queued until 2"), "{reason}");
    let id = id_of(&answer);
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&id));
    await_state(&program, &id, "sent");
}

#[test]
fn a_command_that_may_not_wait_is_refused_at_once_by_a_device_that_is_not_connected() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let answer = command(&program, "boiler", &json!({ "value": true, "queue": "never" }));
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
    let answer = command(&program, "boiler", &json!({ "value": true, "queue": "never" }));
    assert_eq!(answer.status, 409, "{}", answer.text);
}

#[test]
fn a_command_expires_while_its_device_is_away_and_is_not_sent_later() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let late = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 1, "within_ms": 200 }),
    ));
    await_state(&program, &late, "expired");
    let reason = followed(&program, &late)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not connected"), "{reason}");
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let next = id_of(&command(&program, "boiler", &json!({ "value": 2 })));
    let first_line = device.message("devices/boiler/commands/relay");
    assert!(
        first_line.contains(&next) && !first_line.contains(&late),
        "{first_line}"
    );
}

#[test]
fn a_queued_command_can_be_taken_back_and_a_sent_one_cannot() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let queued = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 1, "within_ms": LONG_MS }),
    ));
    let cancelled = program.api().delete(&format!("/api/v1/commands/{queued}"));
    assert_eq!(
        (cancelled.status, &cancelled.body["state"]),
        (200, &"cancelled".into()),
        "{}",
        cancelled.text
    );
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let sent = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 2, "within_ms": LONG_MS }),
    ));
    assert!(device.message("devices/boiler/commands/relay").contains(&sent));
    let late = program.api().delete(&format!("/api/v1/commands/{sent}"));
    assert_eq!(
        (late.status, &late.body["command"]["state"]),
        (409, &"sent".into())
    );
}

#[test]
fn the_same_key_is_the_same_command_even_after_a_kill() {
    let mut program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let wanted = json!({ "value": 1, "within_ms": LONG_MS, "key": "order 17" });
    let first = id_of(&command(&program, "boiler", &wanted));
    assert_eq!(id_of(&command(&program, "boiler", &wanted)), first);
    program.kill();
    program.boot();
    let again = command(&program, "boiler", &wanted);
    assert_eq!(
        (again.status, id_of(&again)),
        (202, first.clone()),
        "{}",
        again.text
    );
    let other = command(&program, "boiler", &json!({ "value": 2, "key": "order 17" }));
    assert_eq!(other.status, 422, "{}", other.text);
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&first));
    publish(
        &program,
        ("boiler", &secret),
        "devices/boiler/commands/relay/result",
        &json!({ "id": first, "ok": true }).to_string(),
    );
    await_state(&program, &first, "acknowledged");
    let repeated = command(&program, "boiler", &wanted);
    assert_eq!(
        repeated.body["state"], "acknowledged",
        "the answer is the first one's state"
    );
    let next = id_of(&command(&program, "boiler", &json!({ "value": 3 })));
    let line = device.message("devices/boiler/commands/relay");
    assert!(line.contains(&next), "nothing was sent twice: {line}");
}

#[test]
fn a_kill_loses_neither_queued_nor_sent_commands_and_sends_none_twice() {
    let mut program = Program::start(Settings::default());
    let (boiler, lamp) = (program.add_device("boiler"), program.add_device("lamp"));
    let listens = Listener::start_as(&program, ("lamp", &lamp), "devices/lamp/commands/+");
    let long = json!({ "value": true, "within_ms": LONG_MS });
    let queued = id_of(&command(&program, "boiler", &long));
    let sent = id_of(&command(&program, "lamp", &long));
    assert!(listens.message("devices/lamp/commands/relay").contains(&sent));
    program.kill();
    drop(listens);
    program.boot();
    assert_eq!(
        (state(&program, &queued), state(&program, &sent)),
        ("queued".into(), "sent".into())
    );
    // What was sent is followed on: its answer and its reading come after the restart.
    let listens = Listener::start_as(&program, ("lamp", &lamp), "devices/lamp/commands/+");
    let result = json!({ "id": sent, "ok": true }).to_string();
    publish(
        &program,
        ("lamp", &lamp),
        "devices/lamp/commands/relay/result",
        &result,
    );
    await_state(&program, &sent, "acknowledged");
    publish(&program, ("lamp", &lamp), "devices/lamp/telemetry/relay", "true");
    await_state(&program, &sent, "verified");
    let next = id_of(&command(&program, "lamp", &long));
    let line = listens.message("devices/lamp/commands/relay");
    assert!(line.contains(&next), "what was sent is not sent again: {line}");
    // What was queued is sent once, however often the gateway starts before.
    program.kill();
    program.boot();
    let device = Listener::start_as(&program, ("boiler", &boiler), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&queued));
    await_state(&program, &queued, "sent");
    let urgent = json!({ "value": 1, "within_ms": LONG_MS });
    let other = program
        .api()
        .post("/api/v1/devices/boiler/points/valve/commands", &urgent);
    let line = device.message("devices/boiler/commands/");
    assert!(line.contains(&id_of(&other)), "{line}");
}

#[test]
fn a_flood_of_telemetry_loses_no_command() {
    let program = Program::start(Settings {
        config: "[devices]\ninbox_messages = 2".into(),
        ..Settings::default()
    });
    let secret = program.add_device("boiler");
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let flood = [
                    "-q",
                    "0",
                    "-t",
                    "devices/boiler/telemetry/x",
                    "-m",
                    "1",
                    "--repeat",
                    "20000",
                ];
                assert!(
                    mosquitto_pub(&program, "5", ("boiler", &secret), &flood)
                        .status
                        .success()
                );
            });
        }
        wait_for("the flood", || {
            (program.api().metric("roost_readings_total") > 0).then_some(())
        });
        for number in 0..30 {
            let path = format!("/api/v1/devices/boiler/points/p{number}/commands");
            let id = id_of(
                &program
                    .api()
                    .post(&path, &json!({ "value": number, "within_ms": LONG_MS })),
            );
            assert!(
                device
                    .message(&format!("devices/boiler/commands/p{number} "))
                    .contains(&id)
            );
            let result = json!({ "id": id, "ok": true }).to_string();
            let topic = format!("devices/boiler/commands/p{number}/result");
            publish(&program, ("boiler", &secret), &topic, &result);
        }
    });
}

#[test]
fn fifty_commands_at_once_to_one_point_arrive_in_the_order_of_their_issue() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let said = std::thread::scope(|scope| {
        let device = scope.spawn(|| {
            let topic = "devices/boiler/telemetry/relay";
            python(
                &program,
                "paho_device.py",
                &["5", "boiler", &secret, topic, "-1", "50"],
            )
        });
        wait_for("the device", || program.api().point("boiler", "relay"));
        let (program, senders) = (&program, 10);
        let askers: Vec<_> = (0..senders)
            .map(|sender| {
                scope.spawn(move || {
                    (0..5)
                        .map(|number| {
                            let value = sender * 5 + number;
                            let wanted = json!({ "value": value, "within_ms": LONG_MS });
                            (id_of(&command(program, "boiler", &wanted)), value)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut issued: Vec<_> = askers
            .into_iter()
            .flat_map(|asker| asker.join().unwrap())
            .collect();
        // Names sort in the order of issue.
        issued.sort();
        (device.join().unwrap(), issued)
    });
    let arrived: Vec<_> = said
        .0
        .lines()
        .filter(|line| line.starts_with("commanded"))
        .collect();
    let expected: Vec<_> = said
        .1
        .iter()
        .map(|(_, value)| format!("commanded relay {value}"))
        .collect();
    assert_eq!(arrived, expected);
    for (id, _) in &said.1 {
        await_state(&program, id, "verified");
    }
    let list = program.api().get("/api/v1/commands?device=boiler&limit=20").body;
    assert_eq!(list["items"][0]["id"], said.1[49].0.as_str(), "newest first");
    assert_eq!(list["next"], said.1[30].0.as_str());
}

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
