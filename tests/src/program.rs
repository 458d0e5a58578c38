//! A gateway program in a directory of its own, on a loopback address of its own, so that any number run side by side.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Api, wait_for};

const MQTT_PORT: u16 = 18_830;
/// Port of the page, on every program's own address.
pub const WEB_PORT: u16 = 18_080;

static NEXT: AtomicU8 = AtomicU8::new(1);

/// Linux serves all of 127.0.0.0/8: process and counter make an address that nobody else has.
fn own_address() -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high, low.max(1), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How a program is started.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The program; the built `roost` by default.
    pub program: Option<PathBuf>,
    /// What runs it: an emulator with its arguments.
    pub runner: Vec<String>,
    /// More lines of `roost.toml`, after the sections that the harness writes.
    pub config: String,
    /// More lines of `[mqtt]`.
    pub mqtt: String,
    /// Where it keeps its data, if not in its own directory.
    pub data_dir: Option<PathBuf>,
    /// Environment of the program.
    pub environment: Vec<(String, PathBuf)>,
}

/// A running program. Dropping it kills it.
pub struct Program {
    settings: Settings,
    directory: TempDir,
    address: Ipv4Addr,
    child: Option<Child>,
}

/// The built program: named by the environment, or beside the test's own binary.
fn built() -> PathBuf {
    if let Some(path) = std::env::var_os("ROOST_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let program = [profile, test.parent().unwrap()]
        .iter()
        .map(|dir| dir.join("roost"))
        .find(|path| path.exists());
    program.expect("the program is built: cargo build --bin roost")
}

impl Program {
    /// Starts a gateway with an empty data directory and waits until it answers.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        let mut program = Self::prepare(settings);
        program.boot();
        program
    }

    /// Where the program is that is run.
    #[must_use]
    pub fn built(&self) -> PathBuf {
        self.settings.program.clone().unwrap_or_else(built)
    }

    /// Everything but the start.
    #[must_use]
    pub fn prepare(settings: Settings) -> Self {
        let program = Self {
            settings,
            directory: tempfile::tempdir().unwrap(),
            address: own_address(),
            child: None,
        };
        let config = format!(
            "data_dir = {:?}\n[mqtt]\nlisten = \"{}:{MQTT_PORT}\"\n{}\n[web]\nlisten = \"{}:{WEB_PORT}\"\n{}\n",
            program.data_dir(),
            program.address,
            program.settings.mqtt,
            program.address,
            program.settings.config,
        );
        std::fs::write(program.config(), config).unwrap();
        program
    }

    /// Starts the program and waits until it answers.
    pub fn boot(&mut self) {
        self.launch();
        let api = self.api();
        wait_for("the gateway to answer", || {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("the gateway ended with {status}; its log:\n{}", self.log());
            }
            api.try_get("/api/v1/health")
                .filter(|answer| answer.status == 200)
        });
    }

    /// Starts the program and does not wait.
    pub fn launch(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let child = self
            .command(&["run"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the program starts"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let program = self.built();
        let mut command = match self.settings.runner.split_first() {
            Some((runner, rest)) => {
                let mut command = Command::new(runner);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.envs(
            self.settings
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command.arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Runs the program with other arguments beside the running one.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command printed; it must have gone well.
    #[must_use]
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until the program has ended by itself; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        wait_for("the program to end", || child.try_wait().unwrap()).code()
    }

    /// Ends it as a power switch would, as far as a process can be.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to stop, as systemd does; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.child.as_ref()?;
        self.signal("-TERM");
        self.ended()
    }

    /// Sends it a signal: `-HUP`.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("a running program").id()
    }

    /// The API, with the program's token.
    #[must_use]
    pub fn api(&self) -> Api {
        let token = std::fs::read_to_string(self.data_dir().join("api-token")).unwrap_or_default();
        Api::new(&format!("http://{}:{WEB_PORT}", self.address), token.trim())
    }

    /// The same for somebody who does not wait long.
    #[must_use]
    pub fn impatient_api(&self, patience: Duration) -> Api {
        let base = format!("http://{}:{WEB_PORT}", self.address);
        Api::waiting(&base, &self.token(), patience)
    }

    /// The API token.
    #[must_use]
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.data_dir().join("api-token"))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// Adds a native device; its secret.
    #[must_use]
    pub fn add_device(&self, id: &str) -> String {
        self.add_device_of(id, "native")
    }

    /// Adds a device of a profile; its secret.
    #[must_use]
    pub fn add_device_of(&self, id: &str, profile: &str) -> String {
        let device = serde_json::json!({ "id": id, "profile": profile });
        let answer = self.api().post("/api/v1/devices", &device);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["secret"].as_str().unwrap().to_owned()
    }

    /// Where MQTT clients connect.
    #[must_use]
    pub fn mqtt(&self) -> (String, u16) {
        (self.address.to_string(), MQTT_PORT)
    }

    /// The address of its own.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Adds lines to the configuration of a program that was not started yet.
    pub fn configure(&self, lines: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        std::fs::write(self.config(), format!("{text}\n{lines}\n")).unwrap();
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.settings
            .data_dir
            .clone()
            .unwrap_or_else(|| self.directory.path().join("data"))
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("roost.toml")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The directory that holds all of it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            print_tail(&tail.join("\n"));
        }
    }
}

#[expect(clippy::print_stderr, reason = "what a failed test shows")]
fn print_tail(tail: &str) {
    eprintln!("the end of the gateway's log:\n{tail}");
}
