//! Freshness on the bus: a device that falls silent is found out while its connection looks alive, and so is a
//! connection that only looks alive.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Cable, Door, Listener, Program, Settings, Transport, mosquitto_pub, wait_for};
use serde_json::json;

fn publish(program: &Program, secret: &str, body: &str) {
    publish_as(program, ("boiler", secret), body);
}

fn publish_as(program: &Program, login: (&str, &str), body: &str) {
    let topic = format!("devices/{}/telemetry/t", login.0);
    let output = mosquitto_pub(program, "5", login, &["-q", "1", "-t", &topic, "-m", body]);
    assert!(output.status.success());
}

#[test]
fn a_device_that_stops_while_its_connection_lives_is_late_stale_and_silent_on_the_bus() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let said = Listener::start(&program, "devices/boiler/points/t/freshness");
    let silence = Listener::start(&program, "devices/boiler/freshness");
    // It stays connected and says nothing; nobody asks it for signs of life.
    let _alive = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    // It is late for three seconds, in which the gateway has to look.
    publish(&program, &secret, r#"{"value": 1, "cadence_ms": 2000}"#);
    for word in ["late", "stale"] {
        let _seen = said.message(&format!("\"freshness\":\"{word}\""));
    }
    let _seen = silence.message("silent");
    let device = program.api().get("/api/v1/devices/boiler").body;
    assert_eq!(
        (&device["connected"], &device["silent"]),
        (&json!(true), &json!(true)),
        "{device}"
    );
    assert_eq!(device["points"][0]["freshness"], "stale");
    let counts = || {
        let api = program.api();
        ["roost_points_fresh", "roost_points_stale", "roost_devices_silent"].map(|name| api.metric(name))
    };
    assert_eq!(counts(), [0, 1, 1]);
    // It is heard again, and is expected to be for an hour.
    publish(&program, &secret, r#"{"value": 2, "cadence_ms": 3600000}"#);
    wait_for("the point to be fresh", || (counts() == [1, 0, 0]).then_some(()));
    let line = said.message("freshness {");
    assert!(line.contains("\"fresh\""), "{line}");
    assert_eq!(program.api().get("/api/v1/devices/boiler").body["silent"], false);
}

#[test]
fn what_a_device_has_kept_for_later_does_not_take_the_place_of_what_it_says_now() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let all = Listener::start(&program, "devices/boiler/points/t");
    publish(&program, &secret, r#"{"value": 25}"#);
    publish(&program, &secret, r#"{"value": 20, "at_ms": 1764000000000}"#);
    assert!(all.message("\"value\":25").starts_with("devices/boiler/points/t"));
    assert!(
        all.message("\"value\":20").contains("\"seq\":2"),
        "it is a reading"
    );
    let shown = || program.api().point("boiler", "t").unwrap()["value"].clone();
    assert_eq!(shown(), 25);
    // Its next value, with a time of its own, is the latest again, and after that only a later one is.
    for (value, at_ms, shows) in [
        (26, 1_764_000_005_000_i64, 25),
        (27, i64::MAX, 27),
        (28, 1_764_000_010_000, 27),
    ] {
        publish(
            &program,
            &secret,
            &json!({ "value": value, "at_ms": at_ms }).to_string(),
        );
        let _seen = all.message(&format!("\"value\":{value}"));
        assert_eq!(shown(), shows, "after {value}");
    }
}

#[test]
fn an_old_value_is_stale_after_a_restart_and_a_removed_device_is_counted_nowhere() {
    let mut program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    publish(&program, &secret, r#"{"value": 1, "cadence_ms": 100}"#);
    let stale = |program: &Program| {
        wait_for("the value to be stale", || {
            (program.api().metric("roost_points_stale") == 1).then_some(())
        });
    };
    stale(&program);
    program.kill();
    program.boot();
    stale(&program);
    assert_eq!(program.api().point("boiler", "t").unwrap()["freshness"], "stale");
    assert_eq!(program.api().delete("/api/v1/devices/boiler").status, 204);
    wait_for("nothing to be counted", || {
        let api = program.api();
        let counts = ["roost_points_stale", "roost_devices_silent"].map(|name| api.metric(name));
        (counts == [0, 0]).then_some(())
    });
}

#[test]
fn a_device_whose_cable_was_pulled_is_not_connected_and_its_commands_wait_and_a_quiet_one_stays() {
    let program = Program::start(Settings::default());
    let (boiler, lamp) = (program.add_device("boiler"), program.add_device("lamp"));
    let mut door = Door::of(&program, Transport::Tcp);
    (door.user, door.password) = ("boiler".into(), boiler.clone());
    let mut cable = Cable::to(door.at);
    let commands = ["-v", "-q", "1", "-t", "devices/boiler/commands/+", "-k", "3600"];
    let _cut_off = Listener::through(&door.by_way_of(cable.at()), "311", &commands);
    let quiet = Listener::start_as(&program, ("lamp", &lamp), "devices/lamp/commands/+");
    let device = |id: &str| program.api().get(&format!("/api/v1/devices/{id}")).body;
    assert_eq!(device("boiler")["connected"], true);
    cable.pull();
    for login in [("lamp", &*lamp), ("boiler", &*boiler)] {
        publish_as(&program, login, r#"{"value": 1, "cadence_ms": 400}"#);
    }
    wait_for("the dead link to be found out", || {
        (device("boiler")["connected"] == false).then_some(())
    });
    wait_for("the quiet one to be silent", || {
        (device("lamp")["silent"] == true).then_some(())
    });
    assert_eq!(device("lamp")["connected"], true);
    assert_eq!(program.api().metric("roost_mqtt_vanished_total"), 1);
    let command = |id: &str| {
        let path = format!("/api/v1/devices/{id}/points/relay/commands");
        program
            .api()
            .post(&path, &json!({ "value": true, "within_ms": 600_000 }))
    };
    let answer = command("boiler");
    assert_eq!(answer.body["state"], "queued", "{}", answer.text);
    let reason = answer.body["reason"].as_str().unwrap();
    assert!(reason.starts_with("not connected, queued until"), "{reason}");
    let sent = command("lamp");
    let line = quiet.message("devices/lamp/commands/relay");
    assert!(line.contains(sent.body["id"].as_str().unwrap()), "{line}");
    let back = Listener::start_as(&program, ("boiler", &boiler), "devices/boiler/commands/+");
    let line = back.message("devices/boiler/commands/relay");
    assert!(line.contains(answer.body["id"].as_str().unwrap()), "{line}");
}
