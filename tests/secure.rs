//! TLS and WebSocket with real clients against the built program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use roost_tests::{Authority, Listener, Pair, Program, Settings, mosquitto_pub, python, wait_for};

const TLS_PORT: &str = "18883";
const TOPIC: &str = "devices/boiler/telemetry/temperature";

/// A program with a certificate for its own address, not started yet.
fn prepared(clients: &str) -> (Program, Authority) {
    let program = Program::prepare(Settings::default());
    let address = program.address();
    let authority = Authority::new(program.directory());
    let Pair { certificate, key } = authority.sign("gateway", Some(&format!("IP:{address}")));
    program.configure(&format!(
        "[mqtt.tls]\nlisten = \"{address}:{TLS_PORT}\"\ncertificate = {certificate:?}\nkey = {key:?}\n\
         client_ca = {:?}\nclient_certificates = \"{clients}\"",
        authority.certificate()
    ));
    (program, authority)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn value(program: &Program) -> serde_json::Value {
    wait_for("the reading", || program.api().point("boiler", "temperature"))["value"].clone()
}

#[test]
fn mosquitto_and_paho_publish_inside_tls() {
    let (mut program, authority) = prepared("off");
    program.boot();
    let secret = program.add_device("boiler");
    let ca = authority.certificate();
    for (version, number) in [("311", 21.5), ("5", 22.5)] {
        let said = number.to_string();
        let message = ["-q", "1", "-t", TOPIC, "-m", &said];
        let secured = [&["-p", TLS_PORT, "--cafile", text(&ca)], &message[..]].concat();
        let output = mosquitto_pub(&program, version, ("boiler", &secret), &secured);
        assert!(output.status.success(), "{output:?}");
        wait_for("the value", || (value(&program) == number).then_some(()));
    }
    let arguments = ["tls", text(&ca), TLS_PORT, "boiler", &secret, TOPIC, "23"];
    assert!(python(&program, "paho_secure.py", &arguments).contains("published"));
    wait_for("the value", || (value(&program) == 23).then_some(()));
}

#[test]
fn mosquitto_publishes_with_a_certificate_instead_of_a_password() {
    let (mut program, authority) = prepared("require");
    program.boot();
    let _secret = program.add_device("boiler");
    let ca = authority.certificate();
    let Pair { certificate, key } = authority.sign("boiler", None);
    let publish = |more: &[&str]| {
        std::process::Command::new("mosquitto_pub")
            .args(["-h", &program.address().to_string(), "-p", TLS_PORT, "-V", "5"])
            .args(["--cafile", text(&ca), "-q", "1", "-t", TOPIC, "-m", "21.5"])
            .args(more)
            .output()
            .unwrap()
    };
    assert!(!publish(&[]).status.success());
    let output = publish(&["--cert", text(&certificate), "--key", text(&key)]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(value(&program), 21.5);
}

#[test]
fn a_renewed_certificate_is_served_after_a_hang_up_signal() {
    let (mut program, authority) = prepared("off");
    program.boot();
    let secret = program.add_device("boiler");
    // Another authority signs from now on; whoever trusts only that one could not have connected before.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Authority::new(elsewhere.path());
    let renewed = other.sign("gateway", Some(&format!("IP:{}", program.address())));
    let publish = |authority: &Authority| {
        let ca = authority.certificate();
        let message = ["-q", "1", "-t", TOPIC, "-m", "21.5"];
        let secured = [&["-p", TLS_PORT, "--cafile", text(&ca)], &message[..]].concat();
        mosquitto_pub(&program, "5", ("boiler", &secret), &secured)
            .status
            .success()
    };
    assert!(publish(&authority) && !publish(&other));
    let place = |name: &str| program.directory().join(name);
    std::fs::copy(renewed.key, place("gateway.key")).unwrap();
    std::fs::copy(renewed.certificate, place("gateway.pem")).unwrap();
    program.signal("-HUP");
    wait_for("the new certificate", || publish(&other).then_some(()));
    assert!(!publish(&authority));
}

#[test]
fn paho_publishes_over_websocket_on_the_port_of_the_page() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let port = roost_tests::WEB_PORT.to_string();
    let arguments = ["websocket", "", &port, "boiler", &secret, TOPIC, "23.5"];
    assert!(python(&program, "paho_secure.py", &arguments).contains("published"));
    assert_eq!(value(&program), 23.5);
}

/// What the gateway answers to a request for `/mqtt` with these headers.
fn upgrade(program: &Program, headers: &str) -> String {
    let mut stream = TcpStream::connect((program.address(), roost_tests::WEB_PORT)).unwrap();
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
        program.address()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}

#[test]
fn only_pages_of_this_gateway_and_programs_are_handed_to_mqtt() {
    let program = Program::start(Settings {
        config: "hosts = [\"panel.example\"]".into(),
        ..Settings::default()
    });
    let asking = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let with = |more: &str| upgrade(&program, &format!("{asking}Sec-WebSocket-Protocol: {more}\r\n"));
    let own = format!("mqtt\r\nOrigin: http://{}", program.address());
    for welcome in [
        "mqtt",
        "mqttv3.1, mqtt",
        &own,
        "mqtt\r\nOrigin: https://panel.example",
    ] {
        let answer = with(welcome);
        assert!(answer.starts_with("http/1.1 101"), "{welcome}: {answer}");
        assert!(
            answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{answer}"
        );
        assert!(answer.contains("sec-websocket-protocol: mqtt\r\n"), "{answer}");
    }
    for foreign in ["http://evil.example", "null", "http://127.0.0.1"] {
        assert!(with(&format!("mqtt\r\nOrigin: {foreign}")).starts_with("http/1.1 403"));
    }
    for other in [
        with("chat"),
        upgrade(&program, ""),
        upgrade(&program, "Upgrade: websocket\r\n"),
    ] {
        assert!(other.starts_with("http/1.1 426"), "{other}");
        assert!(other.contains("sec-websocket-version: 13"), "{other}");
    }
}

#[test]
fn a_dashboard_is_a_client_of_its_own_and_is_judged_anew_when_its_record_changes() {
    let program = Program::start(Settings::default());
    let device = program.add_device("boiler");
    let api = program.api();
    let panel = serde_json::json!({
        "id": "panel", "secret": "correct horse", "subscribes": ["devices/+/points/#"],
        "publishes": ["devices/boiler/points/+/set"],
    });
    let answer = api.post("/api/v1/clients", &panel);
    assert_eq!(
        (answer.status, &answer.body["secret"]),
        (201, &serde_json::Value::Null)
    );
    let listener = Listener::start_as(&program, ("panel", "correct horse"), "devices/+/points/#");
    let message = ["-q", "1", "-t", TOPIC, "-m", "21.5"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &device), &message)
            .status
            .success()
    );
    assert!(listener.message("points/temperature").contains("21.5"));
    wait_for("the device to be gone, and not the dashboard", || {
        (api.metric("roost_mqtt_connected") == 1).then_some(())
    });

    let changed = api.patch("/api/v1/clients/panel", &serde_json::json!({ "enabled": false }));
    assert_eq!((changed.status, &changed.body["enabled"]), (200, &false.into()));
    wait_for("its connection to end", || {
        (api.metric("roost_mqtt_connected") == 0).then_some(())
    });
    drop(listener);
    let command = [
        "-q",
        "1",
        "-t",
        "devices/boiler/points/temperature/set",
        "-m",
        "1",
    ];
    let refused = mosquitto_pub(&program, "5", ("panel", "correct horse"), &command);
    assert!(!refused.status.success());
    assert!(!api.get("/api/v1/clients/panel").text.contains("hash"));

    for (wrong, field) in [
        (serde_json::json!({ "id": "boiler" }), "id"),
        (serde_json::json!({ "id": "x", "secret": "short" }), "secret"),
        (
            serde_json::json!({ "id": "x", "publishes": ["$roost/#"] }),
            "publishes[0]",
        ),
    ] {
        let answer = api.post("/api/v1/clients", &wrong);
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body["errors"][field].is_array(), "{}", answer.body);
    }
}

#[test]
fn the_command_line_keeps_clients_with_and_without_a_running_gateway() {
    let mut program = Program::start(Settings::default());
    let added = program.output(&[
        "client",
        "add",
        "bridge",
        "--subscribe",
        "devices/#",
        "--label",
        "North",
    ]);
    let secret = added
        .split_whitespace()
        .skip_while(|word| *word != "secret")
        .nth(1)
        .unwrap()
        .to_owned();
    let _listener = Listener::start_as(&program, ("bridge", &secret), "devices/#");
    assert!(
        !program.run(&["device", "add", "bridge"]).status.success(),
        "the name is taken"
    );
    program.stop();
    let renewed = program.output(&["client", "secret", "bridge"]);
    assert!(!renewed.contains(&secret));
    assert!(program.output(&["client", "list"]).contains("devices/#"));
    let _ = program.output(&["client", "add", "other"]);
    program.boot();
    let list = program.output(&["client", "list", "--json"]);
    assert!(
        list.contains("\"bridge\"") && list.contains("\"other\""),
        "{list}"
    );
    let _ = program.output(&["client", "remove", "bridge"]);
    assert!(!program.run(&["client", "remove", "bridge"]).status.success());
    assert!(!program.output(&["client", "list"]).contains("bridge"));
}

#[test]
fn a_device_may_have_a_chosen_secret_and_filters_of_its_own() {
    let program = Program::start(Settings::default());
    let device = serde_json::json!({
        "id": "boiler", "profile": "native", "secret": "correct horse", "publishes": ["rooms/%u/+"],
    });
    assert_eq!(program.api().post("/api/v1/devices", &device).status, 201);
    let login = ("boiler", "correct horse");
    let publish = |topic: &str| {
        let message = ["-q", "1", "-t", topic, "-m", "21.5"];
        mosquitto_pub(&program, "311", login, &message).status.success()
    };
    assert!(publish(TOPIC) && publish("rooms/boiler/x"));
    assert!(!publish("rooms/lamp/x"));
}
