//! The bystander: a device that says a number every few milliseconds and somebody who listens to it. Whatever others do
//! meanwhile, both stay connected, every number arrives in order, and the gateway's memory stays under its bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use roost_tests::{Program, Settings};

use crate::packets;
use crate::peer::Peer;

/// What the program takes besides what clients make it hold, measured in debug mode and doubled: code, store, page, and
/// what the allocator keeps.
const PROGRAM_BYTES: u64 = 128 << 20;
/// A gateway for few clients: the fewer, the lower is the bound of its memory.
pub(crate) const FEW: &str = "max_connections = 100";
/// The settings of a small board, as they are recommended.
const RECOMMENDED: &str = include_str!("../../docs/limits.md");
const TOPIC: &str = "devices/well/telemetry/n";
/// Pause between two numbers.
const PACE: Duration = Duration::from_millis(5);

/// These lines for `[mqtt]`, and what the documentation recommends for a small board where they say nothing.
fn small(mqtt: &str) -> String {
    let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let given: Vec<String> = mqtt.lines().map(key).collect();
    let (_, settings) = RECOMMENDED.split_once("```toml\n[mqtt]\n").unwrap();
    let (settings, _) = settings.split_once("```").unwrap();
    let others = settings.lines().filter(|line| !given.contains(&key(line)));
    mqtt.lines().chain(others).collect::<Vec<_>>().join("\n")
}

pub(crate) struct Scene {
    pub(crate) program: Program,
    /// A device that has been taken over by somebody.
    pub(crate) secret: String,
    pub(crate) token: String,
    stop: Arc<AtomicBool>,
    speaker: Option<JoinHandle<u64>>,
    listener: Option<JoinHandle<u64>>,
    bound: u64,
}

impl Scene {
    /// A gateway with these lines in `[mqtt]`, as small as one is recommended to be, its bystanders, and a device
    /// `evil`.
    pub(crate) fn set(mqtt: &str) -> Self {
        let program = Program::start(Settings {
            mqtt: small(mqtt),
            ..Settings::default()
        });
        let config = std::fs::read_to_string(program.config()).unwrap();
        let config = roost::config::parse(&config, "roost.toml").unwrap();
        let bound = PROGRAM_BYTES + config.mqtt.limits().most_bytes() + config.mqtt.bus_limits().most_bytes();
        let (well, secret, token) = (
            program.add_device("well"),
            program.add_device("evil"),
            program.token(),
        );
        let listener = Peer::enter_as(&program, 4, ("roost", &token), "listener");
        let speaker = Peer::enter_as(&program, 4, ("well", &well), "well");
        let mut scene = Self {
            program,
            secret,
            token,
            stop: Arc::default(),
            speaker: None,
            listener: None,
            bound,
        };
        scene.begin(speaker, listener);
        scene
    }

    fn begin(&mut self, mut speaker: Peer, mut listener: Peer) {
        listener.send(&packets::subscribe(4, 1, &[TOPIC], 1));
        listener.packet_of(0x90);
        let stop = Arc::clone(&self.stop);
        self.speaker = Some(std::thread::spawn(move || {
            let mut number: u64 = 0;
            loop {
                let last = number > 0 && stop.load(Ordering::Relaxed);
                let body = if last { "end".into() } else { number.to_string() };
                speaker.send(&packets::publish(4, TOPIC, 0x02, 1, body.as_bytes()));
                speaker.packet_of(0x40);
                if last {
                    return number;
                }
                number += 1;
                std::thread::sleep(PACE);
            }
        }));
        self.listener = Some(std::thread::spawn(move || {
            let mut expected: u64 = 0;
            loop {
                let packet = listener.packet_of(0x32);
                let (id, body) = packet[4 + TOPIC.len()..].split_at(2);
                listener.send(&packets::packet(0x40, id));
                if body == b"end" {
                    return expected;
                }
                let number: u64 = std::str::from_utf8(body).unwrap().parse().unwrap();
                assert_eq!(number, expected, "a number is missing or out of order");
                expected += 1;
            }
        }));
    }

    pub(crate) fn evil(&self) -> (&str, &str) {
        ("evil", &self.secret)
    }

    pub(crate) fn service(&self) -> (&str, &str) {
        ("roost", &self.token)
    }

    /// Bytes of memory the program has now (proc(5)).
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// What must hold after all that has happened: the most memory that the program ever had is under its bound, and
    /// the bystanders have not noticed anything.
    pub(crate) fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let said = self
            .speaker
            .take()
            .unwrap()
            .join()
            .expect("the speaker was left alone");
        let heard = self
            .listener
            .take()
            .unwrap()
            .join()
            .expect("the listener was left alone");
        assert_eq!(said, heard);
        let memory = self.memory();
        assert!(memory < self.bound, "{memory} bytes, the bound is {}", self.bound);
        assert_eq!(self.program.api().metric("roost_service_restarts_total"), 0);
        let log = self.program.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}
