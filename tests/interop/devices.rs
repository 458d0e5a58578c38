//! Devices: what they publish becomes readings, and what they must not do is refused.

use roost_tests::{Listener, Program, Settings, mosquitto_pub, python, wait_for};

fn value_of(program: &Program, device: &str, point: &str) -> serde_json::Value {
    wait_for("the reading", || program.api().point(device, point))["value"].clone()
}

#[test]
fn mosquitto_publishes_in_both_versions_and_the_reading_survives_a_kill() {
    let mut program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let listener = Listener::start(&program, "devices/+/points/#");
    for (version, value) in [("311", "21.5"), ("5", "22.5")] {
        let topic = [
            "-q",
            "1",
            "-t",
            "devices/boiler/telemetry/temperature",
            "-m",
            value,
        ];
        let output = mosquitto_pub(&program, version, ("boiler", &secret), &topic);
        assert!(output.status.success(), "{output:?}");
        let line = listener.message("devices/boiler/points/temperature");
        assert!(line.contains(&format!("\"value\":{value}")), "{line}");
        assert_eq!(value_of(&program, "boiler", "temperature").to_string(), value);
    }
    let before = program.api().point("boiler", "temperature").unwrap();
    program.kill();
    program.boot();
    let after = program.api().point("boiler", "temperature").unwrap();
    assert_eq!(
        (&after["value"], &after["at_ms"], &after["seq"]),
        (&before["value"], &before["at_ms"], &before["seq"])
    );
    let topic = [
        "-q",
        "1",
        "-t",
        "devices/boiler/telemetry/temperature",
        "-m",
        "23",
    ];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    let next = wait_for("the next reading", || {
        program
            .api()
            .point("boiler", "temperature")
            .filter(|point| point["value"] == 23)
    });
    assert!(
        next["seq"].as_u64() > before["seq"].as_u64(),
        "a number is never given twice"
    );
}

#[test]
fn paho_publishes_in_both_versions() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    for (version, value) in [("311", 1.5), ("5", 2.5)] {
        let body = format!(r#"{{"pressure":{{"value":{value},"unit":"bar"}}}}"#);
        let arguments = [version, "boiler", &secret, "devices/boiler/telemetry", &body];
        let output = python(&program, "paho_device.py", &arguments);
        assert!(output.contains("published 0"), "{output}");
        let point = wait_for("the reading", || {
            program
                .api()
                .point("boiler", "pressure")
                .filter(|point| point["value"] == value)
        });
        assert_eq!(point["unit"], "bar");
    }
}

#[test]
fn a_retained_reading_reaches_a_dashboard_that_comes_later() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let topic = ["-q", "1", "-t", "devices/boiler/telemetry/level", "-m", "0.75"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    value_of(&program, "boiler", "level");
    let late = Listener::start(&program, "devices/boiler/points/level");
    assert!(late.message("devices/boiler/points/level").contains("0.75"));
}

#[test]
fn wrong_passwords_and_strangers_are_refused_with_the_code_of_the_version() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let message = ["-t", "devices/boiler/telemetry/x", "-m", "1"];
    for (version, word) in [
        ("311", "bad user name or password"),
        ("5", "Bad User Name or Password"),
    ] {
        for login in [("boiler", "wrong"), ("nobody", secret.as_str())] {
            let output = mosquitto_pub(&program, version, login, &message);
            let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
            assert!(
                !output.status.success() && said.contains(&word.to_lowercase()),
                "{version}: {said}"
            );
        }
    }
    assert_eq!(program.api().metric("roost_mqtt_refused_total"), 4);
    assert_eq!(program.api().metric("roost_readings_total"), 0);
}

#[test]
fn paho_is_told_in_version_5_why_a_foreign_topic_and_an_oversized_packet_are_refused() {
    let program = Program::start(Settings {
        mqtt: "max_packet_bytes = 2000".into(),
        ..Settings::default()
    });
    let secret = program.add_device("boiler");
    let _neighbour = program.add_device("lamp");
    let foreign = ["5", "boiler", &secret, "devices/lamp/telemetry/x", "1"];
    assert!(python(&program, "paho_device.py", &foreign).contains("published 135"));
    let body = "x".repeat(3000);
    let large = ["5", "boiler", &secret, "devices/boiler/telemetry/x", &body];
    assert!(python(&program, "paho_device.py", &large).contains("disconnected 149"));
    assert!(program.api().point("lamp", "x").is_none());
    assert_eq!(program.api().metric("roost_mqtt_forbidden_total"), 1);
}

#[test]
fn paho_is_hung_up_on_in_version_3_where_the_protocol_has_no_word_for_it() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let _neighbour = program.add_device("lamp");
    let foreign = ["311", "boiler", &secret, "devices/lamp/telemetry/x", "1"];
    let output = python(&program, "paho_device.py", &foreign);
    assert!(
        output.contains("disconnected") && !output.contains("published"),
        "{output}"
    );
    assert!(program.api().point("lamp", "x").is_none());
}

#[test]
fn a_tasmota_plug_shows_its_points_with_units() {
    let program = Program::start(Settings::default());
    let secret = program.add_device_of("plug", "tasmota");
    let body =
        r#"{"Time":"2026-01-01T00:00:00","AM2301":{"Temperature":24.6,"Humidity":58.2},"TempUnit":"C"}"#;
    let sensor = ["-q", "1", "-t", "tele/plug/SENSOR", "-m", body];
    assert!(
        mosquitto_pub(&program, "311", ("plug", &secret), &sensor)
            .status
            .success()
    );
    let point = wait_for("the reading", || {
        program.api().point("plug", "am2301.temperature")
    });
    assert_eq!((&point["value"], &point["unit"]), (&24.6.into(), &"°C".into()));
    let state = ["-q", "1", "-t", "stat/plug/RESULT", "-m", r#"{"POWER":"ON"}"#];
    assert!(
        mosquitto_pub(&program, "5", ("plug", &secret), &state)
            .status
            .success()
    );
    assert_eq!(value_of(&program, "plug", "power"), true);
}

#[test]
fn garbage_in_a_payload_is_shown_with_the_device_and_hurts_nothing() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let garbage = ["-q", "1", "-t", "devices/boiler/telemetry", "-m", "{not json"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &garbage)
            .status
            .success()
    );
    wait_for("the count", || {
        (program.api().metric("roost_messages_undecodable_total") == 1).then_some(())
    });
    let good = ["-q", "1", "-t", "devices/boiler/telemetry/x", "-m", "1"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &good)
            .status
            .success()
    );
    assert_eq!(value_of(&program, "boiler", "x"), 1);
    assert_eq!(program.api().metric("roost_device_restarts_total"), 0);
    assert!(
        program
            .api()
            .get("/devices/boiler")
            .text
            .contains("Trouble with its messages")
    );
}
