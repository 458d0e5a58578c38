//! Real MQTT clients: mosquitto's command-line programs, and paho in Python.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

use crate::{PATIENCE, Program};

/// Runs `mosquitto_pub` against a gateway. `version` is `311` or `5`.
#[must_use]
pub fn mosquitto_pub(program: &Program, version: &str, login: (&str, &str), arguments: &[&str]) -> Output {
    let (host, port) = program.mqtt();
    Command::new("mosquitto_pub")
        .args([
            "-h",
            &host,
            "-p",
            &port.to_string(),
            "-V",
            version,
            "-u",
            login.0,
            "-P",
            login.1,
        ])
        .args(arguments)
        .output()
        .expect("mosquitto-clients is installed")
}

/// `mosquitto_sub` with the service account, in the background.
pub struct Listener {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Listener {
    /// Subscribes to a filter and waits until the gateway has granted it.
    #[must_use]
    pub fn start(program: &Program, filter: &str) -> Self {
        Self::start_as(program, ("roost", &program.token()), filter)
    }

    /// Subscribes as somebody.
    #[must_use]
    pub fn start_as(program: &Program, login: (&str, &str), filter: &str) -> Self {
        let (host, port) = program.mqtt();
        let mut child = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub", "-d", "-v", "-q", "1"])
            .args([
                "-h",
                &host,
                "-p",
                &port.to_string(),
                "-u",
                login.0,
                "-P",
                login.1,
                "-t",
                filter,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto-clients is installed");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let listener = Self { child, lines };
        listener.line_with("Subscribed (mid");
        listener
    }

    /// The next line that contains `text`; the topic and the body of a message stand in one.
    #[must_use]
    pub fn message(&self, text: &str) -> String {
        self.line_with(text)
    }

    fn line_with(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                // -d makes mosquitto_sub talk about its packets too.
                Ok(line) if line.contains(text) && !line.starts_with("Client ") => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with {text:?}, only {seen:#?}"),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one of the Python programs beside the tests, with paho-mqtt at hand. Its output; it must end well.
#[must_use]
pub fn python(program: &Program, script: &str, arguments: &[&str]) -> String {
    let venv = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/venv/bin/python");
    let interpreter = std::env::var("ROOST_PYTHON").unwrap_or_else(|_| venv.into());
    let path = format!("{}/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    let (host, port) = program.mqtt();
    // A client that waits for an answer for ever is a failure, and not a test that never ends.
    let output = Command::new("timeout")
        .arg(PATIENCE.as_secs().to_string())
        .arg(interpreter)
        .arg(path)
        .args([&host, &port.to_string()])
        .args(arguments)
        .output()
        .expect("the Python environment of ./dev test");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {error}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}
