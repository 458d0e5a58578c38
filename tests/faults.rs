//! Faults: a codec that panics, kills under load, damaged files, a second program on the same data.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use roost::sim::{Fleet, Login, Plan};
use roost_tests::{Door, Listener, Program, Settings, Transport, mosquitto, mosquitto_pub, wait_for};
use serde_json::{Value, json};

const NEIGHBOURS: usize = 999;
/// Points of a simulated device; each report brings a value for each.
const POINTS: u64 = 3;

fn fleet_logins(program: &Program, count: usize) -> Vec<Login> {
    let devices: Vec<Value> = (0..count)
        .map(|index| json!({ "id": format!("n{index}"), "profile": "native" }))
        .collect();
    let answer = program
        .api()
        .post("/api/v1/devices/batch", &json!({ "devices": devices }));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let added = answer.body["added"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    added
        .iter()
        .map(|added| Login {
            user: text(&added["id"]),
            password: text(&added["secret"]),
        })
        .collect()
}

fn plan(program: &Program) -> Plan {
    let (host, port) = program.mqtt();
    let broker = std::net::SocketAddr::new(host.parse().unwrap(), port);
    Plan {
        broker,
        interval: Duration::from_millis(500),
    }
}

fn branch(tree: &Value, name: &str) -> Value {
    tree["children"]
        .as_array()
        .unwrap()
        .iter()
        .find(|child| child["name"] == name)
        .unwrap()
        .clone()
}

#[test]
fn a_codec_that_panics_costs_one_device_a_restart_and_its_999_neighbours_nothing() {
    let fragile = Some(PathBuf::from(env!("CARGO_BIN_EXE_fragile")));
    let program = Program::start(Settings {
        program: fragile,
        ..Settings::default()
    });
    let secret = program.add_device_of("plug", "tasmota");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let guard = runtime.enter();
    let fleet = Fleet::start(plan(&program), fleet_logins(&program, NEIGHBOURS));
    drop(guard);
    wait_for("the neighbours", || {
        (fleet.counts().connected == NEIGHBOURS as u64).then_some(())
    });

    let publish = |payload: &str| {
        let topic = ["-q", "1", "-t", "stat/plug/POWER", "-m", payload];
        assert!(
            mosquitto_pub(&program, "5", ("plug", &secret), &topic)
                .status
                .success()
        );
    };
    for _ in 0..3 {
        publish("boom");
        // What comes while the device waits to be restarted is not lost.
        publish("ON");
    }
    let device = wait_for("three restarts and a value", || {
        let device = program.api().get("/api/v1/devices/plug").body;
        let settled = device["restarts"] == 3 && device["state"] == "running";
        (settled && program.api().point("plug", "power").is_some()).then_some(device)
    });
    let reason = device["last_reason"].as_str().unwrap();
    assert!(
        reason.contains("this codec did not expect \"boom\"") && reason.contains("fragile.rs:"),
        "{reason}"
    );

    fleet.report(false);
    let own = 3;
    // Who was about to report does so once more.
    wait_for("every acknowledgement and every reading of theirs", || {
        let readings = program.api().metric("roost_readings_total");
        let acknowledged = fleet.counts().acknowledged;
        let sent = fleet.counts().sent;
        (acknowledged == sent && readings == sent * POINTS + own).then_some(())
    });
    let counts = fleet.counts();
    assert!(counts.sent >= NEIGHBOURS as u64);
    assert_eq!(
        (counts.errors, program.api().metric("roost_bus_dropped_total")),
        (0, 0)
    );

    let tree = program.api().get("/api/v1/system/tree?limit=20").body;
    let (broker, devices) = (branch(&tree, "broker"), branch(&tree, "devices"));
    assert_eq!(
        (&broker["restarts"], &devices["restarts"], &tree["restarts"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!(program.api().metric("roost_device_restarts_total"), 3);
    runtime.block_on(fleet.stop());
}

#[test]
fn a_command_is_followed_beyond_the_crash_of_its_devices_task() {
    let fragile = Some(PathBuf::from(env!("CARGO_BIN_EXE_fragile")));
    let program = Program::start(Settings {
        program: fragile,
        ..Settings::default()
    });
    let secret = program.add_device_of("plug", "tasmota");
    let plug = Listener::start_as(&program, ("plug", &secret), "cmnd/plug/#");
    let command = json!({ "value": true, "within_ms": 60_000 });
    let answer = program
        .api()
        .post("/api/v1/devices/plug/points/power/commands", &command);
    assert_eq!(answer.body["state"], "sent", "{}", answer.text);
    assert_eq!(plug.message("cmnd/plug/POWER"), "cmnd/plug/POWER ON");
    for (topic, payload) in [
        ("stat/plug/POWER", "boom"),
        ("stat/plug/RESULT", r#"{"POWER":"ON"}"#),
    ] {
        let message = ["-q", "1", "-t", topic, "-m", payload];
        assert!(
            mosquitto_pub(&program, "5", ("plug", &secret), &message)
                .status
                .success()
        );
    }
    let path = format!("/api/v1/commands/{}", answer.body["id"].as_str().unwrap());
    wait_for("the verification", || {
        (program.api().get(&path).body["state"] == "verified").then_some(())
    });
    assert_eq!(program.api().get("/api/v1/devices/plug").body["restarts"], 1);
}

#[test]
fn messages_that_a_full_queue_cost_are_shown_with_the_device() {
    let fragile = Some(PathBuf::from(env!("CARGO_BIN_EXE_fragile")));
    let config = "[devices]\ninbox_messages = 2".into();
    let program = Program::start(Settings {
        program: fragile,
        config,
        ..Settings::default()
    });
    let secret = program.add_device_of("plug", "tasmota");
    let mut door = Door::of(&program, Transport::Tcp);
    (door.user, door.password) = ("plug".into(), secret);
    let mut publisher = mosquitto(&door, "mosquitto_pub", "5", &["-t", "stat/plug/POWER", "-l"]);
    let mut publisher = publisher.stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = publisher.stdin.take().unwrap();
    // All at once: more comes while the device waits to be restarted than the queue holds.
    for payload in ["boom"; 5].iter().chain(&["ON"; 5]) {
        writeln!(lines, "{payload}").unwrap();
    }
    drop(lines);
    assert!(publisher.wait().unwrap().success());
    wait_for("the loss to be shown", || {
        program
            .api()
            .get("/devices/plug")
            .text
            .contains("messages were lost")
            .then_some(())
    });
    assert!(program.api().metric("roost_bus_dropped_total") > 0);
}

#[test]
fn a_kill_under_load_loses_no_value_that_was_shown_and_everybody_returns() {
    let mut program = Program::start(Settings::default());
    let logins = fleet_logins(&program, 200);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let guard = runtime.enter();
    let fleet = Fleet::start(plan(&program), logins);
    drop(guard);
    for _ in 0..3 {
        wait_for("all devices", || (fleet.counts().connected == 200).then_some(()));
        wait_for("a value of each", || {
            (program.api().metric("roost_readings_total") >= 600).then_some(())
        });
        let shown = program.api().get("/api/v1/devices?limit=1000").body;
        program.kill();
        program.boot();
        for device in shown["items"].as_array().unwrap() {
            for point in device["points"].as_array().unwrap() {
                let (id, name) = (device["id"].as_str().unwrap(), point["name"].as_str().unwrap());
                let now = program.api().point(id, name).unwrap();
                assert!(
                    now["seq"].as_u64() >= point["seq"].as_u64(),
                    "{id}/{name}: {now} after {point}"
                );
            }
        }
    }
    wait_for("all devices again", || {
        (fleet.counts().connected == 200).then_some(())
    });
    assert_eq!(program.stop(), Some(0));
    runtime.block_on(fleet.stop());
}

#[test]
fn damaged_last_values_are_set_aside_and_the_gateway_starts() {
    let mut program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    assert_eq!(program.stop(), Some(0));
    std::fs::write(program.data_dir().join("last-values"), [0xa5; 5000]).unwrap();
    program.boot();
    assert_eq!(program.api().get("/api/v1/devices/boiler").status, 200);
    let names: Vec<_> = std::fs::read_dir(program.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names.iter().any(|name| name.to_string_lossy().contains("broken")),
        "{names:?}"
    );
}

#[test]
fn a_second_gateway_on_the_same_data_says_so_and_harms_nothing() {
    let program = Program::start(Settings::default());
    let output = program.run(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("is in use"), "{said}");
    assert_eq!(program.api().get("/api/v1/health").status, 200);
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let mut program = Program::prepare(Settings::default());
    let (host, port) = program.mqtt();
    let _taken = std::net::TcpListener::bind((host.as_str(), port)).unwrap();
    program.launch();
    assert_eq!(program.ended(), Some(1));
    let log = program.log();
    assert!(
        log.contains(&format!("can't listen for MQTT on {host}:{port}")),
        "{log}"
    );
}

#[test]
fn a_wired_chip_shows_its_temperature_and_one_that_is_missing_says_so() {
    let config = "[[bus]]\nname = \"bench\"\nboard = \"simulated\"\nchips = [\"tmp117@0x48\"]";
    let program = Program::start(Settings {
        config: config.into(),
        ..Settings::default()
    });
    for (id, address) in [("here", "0x48"), ("missing", "0x49")] {
        let device =
            json!({ "id": id, "driver": "tmp117", "bus": "bench", "address": address, "cadence_ms": 100 });
        assert_eq!(program.api().post("/api/v1/devices", &device).status, 201);
    }
    let here = wait_for("a temperature", || {
        program
            .api()
            .point("here", "temperature")
            .filter(|point| !point["value"].is_null())
    });
    assert_eq!(here["unit"], "°C");
    assert!(
        (-55.0..=150.0).contains(&here["value"].as_f64().unwrap()),
        "{here}"
    );
    let missing = wait_for("a failed read", || program.api().point("missing", "temperature"));
    assert_eq!(missing["no_data"], "device_absent", "{missing}");
    assert_eq!(
        program.api().metric("roost_device_restarts_total"),
        0,
        "a failed read is data"
    );
}

#[test]
fn a_device_on_a_bus_that_cannot_be_opened_waits_while_the_others_run() {
    let config = "[[bus]]\nname = \"gone\"\nboard = \"linux\"\npath = \"/dev/i2c-99\"";
    let program = Program::start(Settings {
        config: config.into(),
        ..Settings::default()
    });
    let device = json!({ "id": "chip", "driver": "tmp117", "bus": "gone", "address": "0x48" });
    assert_eq!(program.api().post("/api/v1/devices", &device).status, 201);
    let tree = wait_for("the bus's reason", || {
        let tree = program.api().get("/api/v1/system/tree").body;
        let bus = branch(&branch(&tree, "buses"), "gone");
        bus["last_reason"].is_string().then_some(bus)
    });
    assert!(
        tree["last_reason"].as_str().unwrap().contains("/dev/i2c-99"),
        "{tree}"
    );
    let secret = program.add_device("boiler");
    let topic = ["-q", "1", "-t", "devices/boiler/telemetry/x", "-m", "1"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    wait_for("the neighbour's reading", || program.api().point("boiler", "x"));
}
