//! TLS with real clients against the built program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use roost_tests::{Authority, Pair, Program, Settings, mosquitto_pub, python, wait_for};

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
