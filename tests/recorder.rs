//! The flight recorder: what a device last said survives its task's crash, and is replayed on any computer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use roost_tests::{Program, Settings, mosquitto_pub, wait_for};

fn fragile() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_fragile"))
}

fn publish(program: &Program, secret: &str, topic: &str, payload: &str) {
    let arguments = ["-q", "1", "-t", topic, "-m", payload];
    let output = mosquitto_pub(program, "5", ("plug", secret), &arguments);
    assert!(output.status.success());
}

/// A recording of a device whose codec panicked on one message.
fn recording_of_a_panic(program: &Program) -> PathBuf {
    let secret = program.add_device_of("plug", "tasmota");
    publish(program, &secret, "stat/plug/POWER", "OFF");
    publish(program, &secret, "stat/plug/POWER", "boom");
    publish(program, &secret, "stat/plug/POWER", "ON");
    let value = || program.api().point("plug", "power");
    wait_for("the value after the restart", || {
        value().filter(|point| point["value"] == true)
    });
    let file = program.directory().join("plug.jsonl");
    std::fs::write(&file, program.output(&["device", "recording", "plug"])).unwrap();
    file
}

fn replay(program: &Path, file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = Command::new(program)
        .arg("replay")
        .arg(file)
        .args(more)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn the_message_that_a_codec_panicked_on_is_recorded_and_its_replay_panics_at_the_same_place() {
    let mut program = Program::start(Settings {
        program: Some(fragile()),
        ..Settings::default()
    });
    let file = recording_of_a_panic(&program);
    program.kill();
    let text = std::fs::read_to_string(&file).unwrap();
    let line = |what: &str| text.lines().position(|line| line.contains(what));
    let (message, restart) = (line("\"text\":\"boom\""), line("\"kind\":\"restart\""));
    assert!(message.is_some() && message < restart, "{text}");
    assert!(text.contains("fragile.rs:"), "{text}");

    let (code, output) = replay(&fragile(), &file, &[]);
    assert_eq!(code, Some(0), "as recorded:\n{output}");
    assert!(
        output.contains("panicked at ") && output.contains("fragile.rs:"),
        "{output}"
    );
    assert!(
        output.contains("power = false") && output.contains("power = true"),
        "it goes on:\n{output}"
    );
    assert!(output.contains("3 messages of plug (tasmota)"), "{output}");
}

#[test]
fn a_program_whose_codec_is_put_right_differs_where_the_old_one_panicked_and_nowhere_else() {
    let program = Program::start(Settings {
        program: Some(fragile()),
        ..Settings::default()
    });
    let file = recording_of_a_panic(&program);
    let sound = Program::prepare(Settings::default());
    let output = sound.run(&["replay", file.to_str().unwrap(), "--diff"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("recorded: panicked at ") && text.contains("1 differ"),
        "{text}"
    );
    assert!(!text.contains("power = "), "the others are as they were:\n{text}");
}

#[test]
fn another_profile_is_compared_with_the_recorded_one_line_by_line() {
    let program = Program::start(Settings::default());
    let secret = program.add_device_of("plug", "tasmota");
    publish(
        &program,
        &secret,
        "tele/plug/SENSOR",
        r#"{"ENERGY":{"Power":5,"Voltage":230}}"#,
    );
    wait_for("the reading", || program.api().point("plug", "energy.power"));
    let file = program.directory().join("plug.jsonl");
    std::fs::write(&file, program.output(&["device", "recording", "plug"])).unwrap();
    let built_in = roost_drivers::BUILTIN_PROFILES
        .iter()
        .find(|(id, _)| *id == "tasmota")
        .unwrap()
        .1;
    let changed = program.directory().join("draft.toml");
    std::fs::write(&changed, built_in.replace("\"energy.power\"", "\"power.active\"")).unwrap();

    let same = program.run(&["replay", file.to_str().unwrap(), "--profile", "tasmota"]);
    assert_eq!(same.status.code(), Some(0));
    let (file, changed) = (file.to_str().unwrap(), changed.to_str().unwrap());
    let other = program.run(&["replay", file, "--diff", "--profile", changed]);
    let text = String::from_utf8(other.stdout).unwrap();
    assert_eq!(other.status.code(), Some(1), "{text}");
    assert!(
        text.contains("- energy.power = ") && text.contains("+ power.active = "),
        "{text}"
    );
}

#[test]
fn what_cannot_be_replayed_ends_with_2_and_says_why() {
    let program = Program::prepare(Settings::default());
    let file = program.directory().join("no.jsonl");
    std::fs::write(&file, "{}").unwrap();
    let output = program.run(&["replay", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is not the header of a recording"), "{error}");
}

#[test]
fn a_recording_tells_of_connections_and_commands_and_goes_with_its_device() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let topic = ["-q", "1", "-t", "devices/boiler/telemetry/x", "-m", "1"];
    assert!(
        mosquitto_pub(&program, "5", ("boiler", &secret), &topic)
            .status
            .success()
    );
    let queued = program.api().post(
        "/api/v1/devices/boiler/points/x/commands",
        &serde_json::json!({ "value": 2 }),
    );
    assert_eq!(queued.status, 202, "{}", queued.text);
    let recording = || program.api().get("/api/v1/devices/boiler/recording").text;
    let text = wait_for("all of it", || {
        let text = recording();
        let all = ["connected", "disconnected", "x = 2: queued", "telemetry/x"];
        all.iter().all(|part| text.contains(part)).then_some(text)
    });
    assert!(
        text.starts_with(r#"{"roost_recording":1,"device":"boiler","profile":"native""#),
        "{text}"
    );
    assert_eq!(program.api().delete("/api/v1/devices/boiler").status, 204);
    assert_eq!(program.api().get("/api/v1/devices/boiler/recording").status, 404);
    let _ = program.add_device("boiler");
    assert_eq!(recording().lines().count(), 1, "the new boiler has said nothing");
}

#[test]
fn what_the_gateway_asks_a_device_by_itself_is_recorded_too() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device_of("plug", "shelly");
    let recording = wait_for("the question", || {
        let text = program.output(&["device", "recording", "plug"]);
        text.contains("Shelly.GetStatus").then_some(text)
    });
    let asked = recording.lines().find(|line| line.contains("Shelly.GetStatus"));
    assert!(asked.unwrap().contains("\"kind\":\"out\""), "{recording}");
}
