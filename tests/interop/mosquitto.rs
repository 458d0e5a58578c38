//! mosquitto's clients: every QoS, sessions that outlive a killed gateway, wills, what is retained, properties.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use roost_tests::{Door, Listener, PATIENCE, Program, Settings, Transport, mosquitto};

const ALL: &str = "devices/mosquitto/points/+/set";
const TOPIC: &str = "devices/mosquitto/points/x/set";
const VERSIONS: [&str; 2] = ["311", "5"];

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    said(&output)
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `mosquitto_sub`, which ends by itself.
fn subscriber(door: &Door, version: &str, arguments: &[&str]) -> Command {
    let mut command = mosquitto(door, "mosquitto_sub", version, arguments);
    command.args(["-W", &PATIENCE.as_secs().to_string()]);
    command
}

fn publish(door: &Door, version: &str, arguments: &[&str]) {
    let _ = output(&mut mosquitto(door, "mosquitto_pub", version, arguments));
}

/// Publishes each line as a message.
fn publish_lines(door: &Door, version: &str, qos: &str, topic: &str, lines: &str) {
    let arguments = ["-q", qos, "-t", topic, "-l"];
    let mut command = mosquitto(door, "mosquitto_pub", version, &arguments);
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let _ = said(&child.wait_with_output().unwrap());
}

#[test]
fn every_qos_goes_and_comes_in_both_versions_plain_and_inside_tls() {
    let program = Door::all();
    for transport in [Transport::Tcp, Transport::Tls] {
        let door = Door::of(&program, transport);
        for version in VERSIONS {
            let heard = ["-q", "2", "-t", ALL, "-F", "heard %t %q %p"];
            let listener = Listener::through(&door, version, &heard);
            for qos in ["0", "1", "2"] {
                let body = format!("{version} {qos}");
                publish(&door, version, &["-q", qos, "-t", TOPIC, "-m", &body]);
                assert_eq!(listener.message("heard"), format!("heard {TOPIC} {qos} {body}"));
            }
        }
    }
}

#[test]
fn a_thousand_messages_wait_in_order_and_come_once_after_the_gateway_was_killed() {
    let mut program = Program::start(Settings::default());
    let door = Door::of(&program, Transport::Tcp);
    let numbers: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let combinations = VERSIONS.map(|version| ["1", "2"].map(|qos| (version, qos)));
    let session = |version, qos, more: &[&str]| {
        let id = format!("kept {version} {qos}");
        let mut command = subscriber(&door, version, &["-i", &id, "-c"]);
        command.args(["-q", qos, "-t", &format!("devices/mosquitto/points/x{qos}/set")]);
        if version == "5" {
            command.args(["-x", "3600"]);
        }
        output(command.args(more))
    };
    for (version, qos) in combinations.into_iter().flatten() {
        let topic = format!("devices/mosquitto/points/x{qos}/set");
        session(version, qos, &["-E"]);
        publish_lines(&door, version, qos, &topic, &numbers);
        program.kill();
        program.boot();
        publish(&door, version, &["-q", qos, "-t", &topic, "-m", "last"]);
        // One that came twice would stand before the last.
        let heard = session(version, qos, &["-C", "1001"]);
        assert_eq!(heard, format!("{numbers}last\n"), "version {version}, QoS {qos}");
    }
}

#[test]
fn a_session_of_version_5_without_an_expiry_ends_with_its_connection() {
    let program = Program::start(Settings::default());
    let door = Door::of(&program, Transport::Tcp);
    let session = ["-i", "kept", "-c", "-q", "1", "-t", TOPIC];
    for (expiry, present) in [("3600", true), ("0", false)] {
        let mut enter = subscriber(&door, "5", &session);
        let _ = output(enter.args(["-x", expiry, "-E"]));
        publish(&door, "5", &["-q", "1", "-t", TOPIC, "-m", "while away"]);
        // In every case there is something to hear, so that there is an end.
        publish(&door, "5", &["-q", "1", "-t", TOPIC, "-m", "kept", "-r"]);
        let mut again = subscriber(&door, "5", &session);
        let heard = output(again.args(["-x", "0", "-C", "1"]));
        assert_eq!(heard == "while away\n", present, "{expiry}: {heard}");
    }
}

#[test]
fn a_killed_client_leaves_its_will() {
    let program = Program::start(Settings::default());
    let door = Door::of(&program, Transport::Tcp);
    let heard = ["-q", "2", "-t", TOPIC, "-F", "heard %q %p"];
    let listener = Listener::through(&door, "5", &heard);
    for version in VERSIONS {
        let will = [
            "--will-topic",
            TOPIC,
            "--will-payload",
            version,
            "--will-qos",
            "2",
        ];
        let doomed = Listener::through(&door, version, &[&will[..], &["-t", "nothing"]].concat());
        doomed.kill();
        assert_eq!(listener.message("heard"), format!("heard 2 {version}"));
    }
}

#[test]
fn what_is_retained_survives_a_kill_until_it_is_taken_away() {
    let mut program = Program::start(Settings::default());
    let door = Door::of(&program, Transport::Tcp);
    publish(&door, "311", &["-q", "1", "-r", "-t", TOPIC, "-m", "kept"]);
    // Retained messages are written a moment after they were acknowledged: an orderly end waits for them.
    program.stop();
    program.boot();
    program.kill();
    program.boot();
    for version in VERSIONS {
        let mut late = subscriber(&door, version, &["-t", ALL, "-C", "1"]);
        assert_eq!(output(late.args(["-F", "%r %p"])), "1 kept\n");
    }
    publish(&door, "5", &["-q", "1", "-r", "-t", TOPIC, "-n"]);
    let heard = ["-q", "1", "-t", ALL, "-F", "heard %r %p"];
    let listener = Listener::through(&door, "5", &heard);
    publish(&door, "5", &["-q", "1", "-t", TOPIC, "-m", "live"]);
    assert_eq!(listener.message("heard"), "heard 0 live");
}

#[test]
fn properties_of_version_5_go_and_come() {
    let program = Program::start(Settings::default());
    let door = Door::of(&program, Transport::Tcp);
    let format = "heard %q|%C|%R|%D|%P|%F|%S|%p";
    let subscribing = ["-q", "2", "-t", ALL, "-F", format];
    let identifier = ["-D", "subscribe", "subscription-identifier", "12"];
    let listener = Listener::through(&door, "5", &[&subscribing[..], &identifier].concat());
    let properties = [
        ["content-type", "text/plain"].as_slice(),
        &["response-topic", "answers/here"],
        &["correlation-data", "belongs"],
        &["user-property", "b", "1"],
        &["user-property", "a", "2"],
        &["payload-format-indicator", "1"],
        &["message-expiry-interval", "3600"],
        &["topic-alias", "5"],
    ];
    let properties: Vec<&str> = properties
        .iter()
        .flat_map(|property| [&["-D", "publish"], *property].concat())
        .collect();
    for qos in ["0", "1", "2"] {
        let message = ["-q", qos, "-t", TOPIC, "-m", "body"];
        publish(&door, "5", &[&message[..], &properties].concat());
        let heard = listener.message("heard");
        let expected = format!("heard {qos}|text/plain|answers/here|belongs|b:1 a:2|1|12|body");
        assert_eq!(heard, expected);
    }
}
