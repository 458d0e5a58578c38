//! The stage: the gateway with its saboteur, what is asked of it, and how high it stands.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use roost::sim::Login;
use roost_tests::{Program, Settings, wait_for};
use serde_json::{Value, json};

/// Devices that the API adds at a time, at most.
const BATCH: usize = 1000;

/// A gateway that can be told what is to befall its tasks.
pub(crate) struct Stage {
    pub(crate) program: Program,
    door: Mutex<Option<BufReader<UnixStream>>>,
    _directory: tempfile::TempDir,
}

impl Stage {
    /// `look_every` as the product has it, unless something else is said.
    pub(crate) fn set(look_every: Option<Duration>, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("door");
        let mut environment = vec![("ROOST_CHAOS_SOCKET".to_owned(), socket.clone())];
        if let Some(interval) = look_every {
            let ms = interval.as_millis().to_string();
            environment.push(("ROOST_CHAOS_LOOK_EVERY_MS".to_owned(), ms.into()));
        }
        let program = Program::start(Settings {
            program: Some(PathBuf::from(env!("CARGO_BIN_EXE_chaos_gateway"))),
            config: config.into(),
            environment,
            ..Settings::default()
        });
        let door = wait_for("the door", || UnixStream::connect(&socket).ok());
        Self {
            program,
            door: Mutex::new(Some(BufReader::new(door))),
            _directory: directory,
        }
    }

    fn ask(&self, request: &Value) -> Value {
        let mut door = self.door.lock().unwrap();
        let door = door.as_mut().unwrap();
        writeln!(door.get_mut(), "{request}").unwrap();
        let mut line = String::new();
        door.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{request} was answered by {line:?}"))
    }

    /// Lets one task of a kind fail, hang or block; its name.
    pub(crate) fn strike(&self, fate: &str, kind: &str) -> Option<String> {
        let answer = self.ask(&json!({ "do": fate, "kind": kind }));
        answer.as_str().map(str::to_owned)
    }

    /// Lets a service fail when it is polled for the `polls`th time from now on.
    pub(crate) fn strike_later(&self, kind: &str, polls: u32) {
        let struck = self.ask(&json!({ "do": "fail_later", "kind": kind, "polls": polls }));
        assert_eq!(struck, 1, "{kind}");
    }

    /// The same to the task of this name.
    pub(crate) fn strike_at(&self, fate: &str, kind: &str, name: &str) -> Option<String> {
        let answer = self.ask(&json!({ "do": fate, "kind": kind, "name": name }));
        answer.as_str().map(str::to_owned)
    }

    /// Tasks that were struck and have not ended yet.
    pub(crate) fn struck(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.ask(&json!({ "do": "struck" }))).unwrap()
    }

    /// How many tasks there are of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.ask(&json!({ "do": "kinds" }))).unwrap()
    }

    /// Of each device the highest number that became a reading, how many below it are missing, how many came again.
    pub(crate) fn numbers(&self) -> BTreeMap<String, [u64; 3]> {
        serde_json::from_value(self.ask(&json!({ "do": "numbers" }))).unwrap()
    }

    /// The topics under a filter for which something is retained.
    pub(crate) fn retained(&self, filter: &str) -> Vec<String> {
        serde_json::from_value(self.ask(&json!({ "do": "retained", "filter": filter }))).unwrap()
    }

    pub(crate) fn tree(&self) -> Value {
        self.ask(&json!({ "do": "tree" }))
    }

    /// Adds native devices.
    pub(crate) fn devices(&self, prefix: &str, count: usize) -> Vec<Login> {
        add_devices(&self.program, prefix, count)
    }

    pub(crate) fn mqtt(&self) -> SocketAddr {
        mqtt(&self.program)
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.program.id()))
    }

    /// Resident, and in use (the blocks that have not been freed), in kB of 1,024 bytes.
    pub(crate) fn memory(&self) -> Memory {
        let in_use = self.ask(&json!({ "do": "memory" })).as_u64().unwrap();
        Memory {
            resident_kb: memory_kb(&self.program),
            in_use_kb: in_use >> 10,
        }
    }

    /// How high the gateway stands while nobody asks it anything over HTTP.
    pub(crate) fn level(&self) -> Level {
        wait_for("a moment in which no HTTP connection comes or goes", || {
            let before = self.kinds();
            let tasks = self.ask(&json!({ "do": "tasks" })).as_u64().unwrap();
            let files = std::fs::read_dir(self.proc("fd")).unwrap().count() as u64;
            let threads = std::fs::read_dir(self.proc("task")).unwrap().count() as u64;
            let mut kinds = self.kinds();
            (before == kinds).then(|| {
                let requests = kinds.remove("requests").unwrap_or(0);
                Level {
                    kinds,
                    tasks: tasks.saturating_sub(requests),
                    files: files.saturating_sub(requests),
                    threads,
                }
            })
        })
    }
}

/// Whether everything below a part of the tree is at work.
pub(crate) fn at_work(tree: &Value) -> bool {
    let children = tree["children"].as_array().unwrap();
    tree["state"] == "running" && children.iter().all(at_work)
}

/// Adds native devices.
pub(crate) fn add_devices(program: &Program, prefix: &str, count: usize) -> Vec<Login> {
    let ids: Vec<usize> = (0..count).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut logins = Vec::new();
    for batch in ids.chunks(BATCH) {
        let device = |index: &usize| json!({ "id": format!("{prefix}{index}"), "profile": "native" });
        let devices: Vec<Value> = batch.iter().map(device).collect();
        let request = json!({ "devices": devices });
        let answer = program.api().post("/api/v1/devices/batch", &request);
        assert_eq!(answer.status, 201, "{}", answer.text);
        let added = answer.body["added"].as_array().unwrap().iter();
        logins.extend(added.map(|added| Login {
            user: text(&added["id"]),
            password: text(&added["secret"]),
        }));
    }
    logins
}

/// Where MQTT clients connect.
pub(crate) fn mqtt(program: &Program) -> SocketAddr {
    let (host, port) = program.mqtt();
    SocketAddr::new(host.parse().unwrap(), port)
}

/// Resident memory in kB of 1,024 bytes (proc(5)).
pub(crate) fn memory_kb(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the gateway takes, and what of it is in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident_kb: u64,
    pub(crate) in_use_kb: u64,
}

/// What must be the same before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level {
    /// Supervised tasks of each kind, but those of HTTP connections.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// All tasks of the runtime, without those of HTTP connections.
    pub(crate) tasks: u64,
    /// Open files, without HTTP connections.
    pub(crate) files: u64,
    /// Threads: the runtime keeps those for blocking work a while.
    pub(crate) threads: u64,
}

/// Memory in kB, before and after, has grown by no more than a part of what it was and so many kB.
pub(crate) fn assert_flat((before, after): (u64, u64), growth: f64, slack_kb: u64) {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "memory"
    )]
    let bound = (before as f64 * growth) as u64 + slack_kb;
    assert!(
        after <= bound,
        "{after} kB, before {before} kB; {bound} kB at most"
    );
}
