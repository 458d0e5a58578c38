//! Real MQTT clients: mosquitto's command-line programs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

use crate::{Door, PATIENCE, Program, Transport};

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

/// One of mosquitto's clients, with what it needs to come in by a door. `version` is `311` or `5`.
#[must_use]
pub fn mosquitto(door: &Door, name: &str, version: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("stdbuf");
    command
        .args(["-oL", name])
        .args(["-h", &door.at.ip().to_string(), "-p", &door.at.port().to_string()])
        .args(["-V", version, "-u", &door.user, "-P", &door.password]);
    if let Some(authority) = &door.authority {
        command.arg("--cafile").arg(authority);
    }
    command.args(arguments);
    command
}

/// `mosquitto_sub` in the background.
pub struct Listener {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Listener {
    /// Subscribes to a filter with the service account and waits until the gateway has granted it.
    #[must_use]
    pub fn start(program: &Program, filter: &str) -> Self {
        Self::start_as(program, ("roost", &program.token()), filter)
    }

    /// Subscribes as somebody.
    #[must_use]
    pub fn start_as(program: &Program, login: (&str, &str), filter: &str) -> Self {
        let mut door = Door::of(program, Transport::Tcp);
        (door.user, door.password) = (login.0.into(), login.1.into());
        Self::through(&door, "311", &["-v", "-q", "1", "-t", filter])
    }

    /// Subscribes as the arguments of `mosquitto_sub` say.
    #[must_use]
    pub fn through(door: &Door, version: &str, arguments: &[&str]) -> Self {
        let mut child = mosquitto(door, "mosquitto_sub", version, &["-d"])
            .args(arguments)
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

impl Listener {
    /// Ends it without a good-bye.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
