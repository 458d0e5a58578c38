//! The command line of the built program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Program, Settings, mosquitto_pub, wait_for};

#[test]
fn a_wrong_configuration_ends_with_code_78_before_a_port_is_bound() {
    let mut program = Program::prepare(Settings {
        mqtt: "max_conections = 5".into(),
        ..Settings::default()
    });
    for arguments in [&["run"][..], &["check-config"], &["status"]] {
        let output = program.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(
            said.contains("roost.toml:4: unknown key `max_conections`"),
            "{said}"
        );
        assert!(said.contains("did you mean `max_connections`?"), "{said}");
    }
    assert_eq!(program.ended(), None);
}

#[test]
fn the_defaults_that_are_printed_are_a_configuration() {
    let program = Program::prepare(Settings::default());
    let defaults = program.output(&["check-config", "--defaults"]);
    std::fs::write(program.config(), defaults).unwrap();
    let good = program.output(&["check-config"]);
    let bound = format!(
        "at most {} MiB\n",
        roost::config::Config::default().mqtt.most_bytes() >> 20
    );
    assert!(
        good.starts_with("the configuration is good; ") && good.ends_with(&bound),
        "{good}"
    );
}

#[test]
fn the_token_is_printed_at_the_first_start_only() {
    let mut program = Program::start(Settings::default());
    let token = program.token();
    assert!(
        program
            .log()
            .contains(&format!("API token, shown this once: {token}"))
    );
    assert_eq!(program.stop(), Some(0));
    program.boot();
    assert_eq!(program.log().matches(&token).count(), 1);
    assert_eq!(program.token(), token);
}

#[test]
fn devices_are_added_listed_and_removed_while_the_gateway_runs_and_while_it_does_not() {
    let mut program = Program::start(Settings::default());
    let added = program.output(&["device", "add", "boiler", "--label", "Boiler room"]);
    let secret = added
        .lines()
        .find_map(|line| line.trim().strip_prefix("secret  "))
        .unwrap();
    let secret = secret.split_whitespace().next().unwrap();
    let topic = ["-q", "1", "-t", "devices/boiler/telemetry/x", "-m", "1"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", secret), &topic)
            .status
            .success()
    );
    wait_for("the reading", || program.api().point("boiler", "x"));
    let list = program.output(&["device", "list"]);
    assert!(
        list.contains("boiler  native  running") && list.contains("Boiler room"),
        "{list}"
    );

    assert_eq!(program.stop(), Some(0));
    assert!(program.output(&["device", "list"]).contains("not running"));
    assert!(program.output(&["device", "add", "lamp"]).contains("lamp added"));
    let twice = program.run(&["device", "add", "lamp"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("is taken"));

    program.boot();
    assert_eq!(program.api().get("/api/v1/devices/lamp").body["state"], "running");
    assert!(
        program
            .output(&["device", "remove", "boiler"])
            .contains("boiler removed")
    );
    let refused = mosquitto_pub(&program, "5", ("boiler", secret), &topic);
    assert!(!refused.status.success());
    let again = program.run(&["device", "remove", "boiler"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("there is no device boiler"));
    assert!(program.api().get("/api/v1/devices/boiler").status == 404);
}

#[test]
fn a_new_secret_ends_the_old_one() {
    let program = Program::start(Settings::default());
    let old = program.add_device("boiler");
    let printed = program.output(&["device", "secret", "boiler"]);
    let new = printed
        .split("secret  ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap();
    let topic = ["-q", "1", "-t", "devices/boiler/telemetry/x", "-m", "1"];
    assert!(
        !mosquitto_pub(&program, "5", ("boiler", &old), &topic)
            .status
            .success()
    );
    assert!(
        mosquitto_pub(&program, "5", ("boiler", new), &topic)
            .status
            .success()
    );
}

#[test]
fn a_wrong_device_is_refused_with_what_is_possible() {
    let program = Program::start(Settings::default());
    for (arguments, word) in [
        (&["device", "add", "a b"][..], "letters"),
        (&["device", "add", "x", "--profile", "tasmotta"], "tasmota"),
        (
            &[
                "device",
                "add",
                "x",
                "--driver",
                "tmp999",
                "--bus",
                "b",
                "--address",
                "0x48",
            ],
            "tmp117",
        ),
        (
            &[
                "device",
                "add",
                "x",
                "--driver",
                "tmp117",
                "--bus",
                "b",
                "--address",
                "0x48",
            ],
            "bus",
        ),
        (&["device", "add", "roost"], "dashboards"),
    ] {
        let output = program.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(word),
            "{arguments:?}: {said}"
        );
    }
    assert!(program.output(&["device", "list"]).contains("no devices yet"));
}

#[test]
fn status_shows_the_tree_and_says_what_to_do_without_a_gateway() {
    let mut program = Program::start(Settings::default());
    let status = program.output(&["status"]);
    for name in [
        "store",
        "buses",
        "devices",
        "registrar",
        "broker",
        "mqtt listener",
        "web",
        "memory",
        "watchdog",
    ] {
        assert!(status.contains(name), "{name} is missing in {status}");
    }
    assert_eq!(program.stop(), Some(0));
    let output = program.run(&["status"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("start one with `roost run`"));
}

#[test]
fn systemd_is_told_when_the_gateway_is_ready_and_when_it_stops() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(roost_tests::PATIENCE)).unwrap();
    let hear = || {
        let mut told = [0; 256];
        let length = socket.recv(&mut told).unwrap();
        String::from_utf8_lossy(&told[..length]).trim().to_owned()
    };
    let environment = vec![("NOTIFY_SOCKET".to_owned(), path)];
    let mut program = Program::start(Settings {
        environment,
        ..Settings::default()
    });
    assert_eq!(hear(), "READY=1");
    assert_eq!(program.stop(), Some(0));
    assert_eq!(hear(), "STOPPING=1");
}
