//! Commands that reach their devices: sent, acknowledged, verified, in order, under load.

use roost_tests::{Listener, Program, Settings, mosquitto_pub, python, wait_for};
use serde_json::json;

use super::{LONG_MS, await_state, command, id_of, publish, state};

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
