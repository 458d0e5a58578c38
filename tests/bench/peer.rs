//! The two that are compared: a gateway of our own, and mosquitto, each on an address of its own.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use roost::sim::Login;
use roost_tests::{Listener, Program, Settings, mosquitto_pub};
use serde_json::{Value, json};

use crate::machine;

const BATCH: usize = 1000;
/// Single messages whose way through is timed.
const PROBES: usize = 200;

/// Something to connect to, and its process.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) version: String,
    pid: u32,
    _owned: Option<Owned>,
}

struct Owned {
    child: Child,
    _directory: tempfile::TempDir,
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    pub(crate) fn rss_kb(&self) -> anyhow::Result<u64> {
        machine::rss_kb(self.pid)
    }

    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        machine::cpu_s(self.pid)
    }
}

/// The gateway.
pub(crate) struct Gateway {
    program: Program,
    peer: Peer,
}

impl Gateway {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let built = std::env::var_os("ROOST_BIN")
            .map_or_else(|| PathBuf::from("target/release/roost"), PathBuf::from);
        ensure!(
            built.exists(),
            "{} is not built: run ./dev bench",
            built.display()
        );
        let program = Program::start(Settings {
            program: Some(built),
            // All publishers of a scene are one client.
            mqtt: "max_connections_per_client = 10000".into(),
            ..Settings::default()
        });
        let (host, port) = program.mqtt();
        let address = SocketAddr::new(host.parse()?, port);
        let version = program.api().get("/api/v1/health").body["version"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let peer = Peer {
            address,
            version,
            pid: program.id(),
            _owned: None,
        };
        Ok(Self { program, peer })
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Lets in a client that may publish and subscribe below `bench/`, and is no device.
    pub(crate) fn let_in(&self) -> anyhow::Result<Login> {
        let client = json!({ "id": "load", "publishes": ["bench/#"], "subscribes": ["bench/#"] });
        let answer = self.program.api().post("/api/v1/clients", &client);
        ensure!(answer.status == 201, "registering a client: {}", answer.text);
        let secret = answer.body["secret"].as_str().context("a secret")?;
        Ok(Login {
            user: "load".into(),
            password: secret.to_owned(),
        })
    }

    /// Registers devices through the API, and says how long that took.
    pub(crate) fn register(&self, count: usize) -> anyhow::Result<(Vec<Login>, Duration)> {
        let begin = Instant::now();
        let ids: Vec<Value> = (0..count)
            .map(|at| json!({ "id": format!("bench-{at:05}"), "profile": "native" }))
            .collect();
        let mut logins = Vec::with_capacity(count);
        for batch in ids.chunks(BATCH) {
            let answer = self
                .program
                .api()
                .post("/api/v1/devices/batch", &json!({ "devices": batch }));
            ensure!(answer.status == 201, "registering: {}", answer.text);
            for added in answer.body["added"].as_array().context("added devices")? {
                let text = |name: &str| added[name].as_str().map(str::to_owned).context("id and secret");
                logins.push(Login {
                    user: text("id")?,
                    password: text("secret")?,
                });
            }
        }
        Ok((logins, begin.elapsed()))
    }

    /// Way of single readings from a device's publish, its process start included, to a subscriber: sorted.
    pub(crate) fn latency(&self, login: &Login) -> anyhow::Result<Vec<Duration>> {
        let listener = Listener::start(&self.program, &format!("devices/{}/points/probe", login.user));
        let topic = format!("devices/{}/telemetry/probe", login.user);
        let mut times = Vec::with_capacity(PROBES);
        for probe in 0..PROBES {
            let value = format!("{}", 1_000_000 + probe);
            let begin = Instant::now();
            let login = (login.user.as_str(), login.password.as_str());
            let output = mosquitto_pub(
                &self.program,
                "5",
                login,
                &["-q", "1", "-t", &topic, "-m", &value],
            );
            ensure!(output.status.success(), "{output:?}");
            let _line = listener.message(&format!("\"value\":{value}"));
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// mosquitto as Debian ships it, with limits that let all devices in.
pub(crate) fn mosquitto() -> anyhow::Result<Peer> {
    let directory = tempfile::tempdir()?;
    let config = directory.path().join("mosquitto.conf");
    let address = SocketAddr::from(([127, 0, 0, 1], 18_831));
    let lines = format!(
        "listener {} {}\nallow_anonymous true\nmax_connections -1\n",
        address.port(),
        address.ip()
    );
    std::fs::write(&config, lines)?;
    let child = Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("mosquitto is installed by ./dev bench")?;
    let pid = child.id();
    let owned = Owned {
        child,
        _directory: directory,
    };
    roost_tests::wait_for("mosquitto", || TcpStream::connect(address).ok());
    let help = Command::new("/usr/sbin/mosquitto").arg("-h").output()?;
    let version = String::from_utf8_lossy(&help.stdout)
        .lines()
        .next()
        .unwrap_or_default()
        .replace("mosquitto version ", "");
    Ok(Peer {
        address,
        version,
        pid,
        _owned: Some(owned),
    })
}
