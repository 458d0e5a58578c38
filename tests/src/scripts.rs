//! Programs of other languages beside the tests: paho in Python, MQTT.js in Node.

use std::path::Path;
use std::process::Command;

use crate::{Door, PATIENCE, Program};

/// Where `./dev test` puts what these programs need, unless the environment names another place.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");

/// A program that takes longer hangs. It has its own patience with each thing that it waits for.
const LIMIT_S: u64 = 10 * PATIENCE.as_secs();

fn place(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| format!("{TOOLS}/{default}"))
}

/// Runs one of the Python programs, with paho-mqtt at hand. Its output; it must end well.
#[must_use]
pub fn python(program: &Program, script: &str, arguments: &[&str]) -> String {
    let (host, port) = program.mqtt();
    let python = place("ROOST_PYTHON", "venv/bin/python");
    let port = port.to_string();
    let arguments = [&[host.as_str(), &port], arguments].concat();
    run(command(&python, script, &arguments), script)
}

/// Lets paho-mqtt come in by a door and do what the script calls `scenario`. The script asserts; its output.
pub fn paho(door: &Door, script: &str, scenario: &[&str]) -> String {
    run(paho_command(door, script, scenario), script)
}

/// The same, to be started by the caller.
#[must_use]
pub fn paho_command(door: &Door, script: &str, scenario: &[&str]) -> Command {
    let python = place("ROOST_PYTHON", "venv/bin/python");
    come_in(&python, door, script, scenario)
}

/// Plays the scenarios of a file of this folder in a headless browser. They must hold.
pub fn browser(scenarios: &str, base: &str, environment: &[(&str, &Path)]) {
    let here = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new("timeout");
    command
        .arg(LIMIT_S.to_string())
        .args(["node", &format!("{here}/live/browser/runner.js")])
        .args([&format!("{here}/{scenarios}"), base])
        .envs(environment.iter().copied())
        .env(
            "NODE_PATH",
            place("ROOST_BROWSER_MODULES", "browser/node_modules"),
        );
    run(command, scenarios);
}

/// Lets MQTT.js come in by a door and do what the script calls `scenario`. The script asserts; its output.
pub fn mqttjs(door: &Door, script: &str, scenario: &[&str]) -> String {
    run(come_in("node", door, script, scenario), script)
}

fn come_in(interpreter: &str, door: &Door, script: &str, scenario: &[&str]) -> Command {
    let [url, authority] = door.arguments();
    command(
        interpreter,
        script,
        &[&[url.as_str(), &authority], scenario].concat(),
    )
}

fn command(interpreter: &str, script: &str, arguments: &[&str]) -> Command {
    // A client that waits for an answer for ever is a failure, and not a test that never ends.
    let mut command = Command::new("timeout");
    command
        .arg(LIMIT_S.to_string())
        .arg(interpreter)
        .arg(format!("{}/peers/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .env("NODE_PATH", place("ROOST_NODE_MODULES", "npm/node_modules"));
    command
}

fn run(mut command: Command, script: &str) -> String {
    let output = command.output().expect("the tools that ./dev test installs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {error}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}
