//! Power returns: all devices drop and return at once, three times over, while they are commanded.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use roost::sim::{Fleet, Plan};
use roost_tests::{Program, Settings, wait_for};
use serde_json::json;

use crate::stage::{add_devices, assert_flat, memory_kb, mqtt};

/// Power cuts.
const CUTS: usize = 3;
/// Points of a simulated device; each report brings a value for each.
const POINTS: u64 = 3;
const BETWEEN_COMMANDS: Duration = Duration::from_millis(20);
/// Time that a command has: what waits for a device that is away is sent when it is back.
const WITHIN_MS: u64 = 20_000;
/// Commands that are given before the first cut, and again once all are back.
const AROUND: usize = 50;
/// Memory may be higher afterwards by this part of it and so many kB: what is kept of each command.
const MEMORY_GROWTH: f64 = 1.1;
const MEMORY_SLACK_KB: u64 = 8 << 10;

/// What was seen.
pub(crate) struct Report {
    devices: usize,
    /// From the return of the power until all were connected, for each cut.
    returns: Vec<Duration>,
    /// How long the API took to answer a command, sorted.
    answers: Vec<Duration>,
    verified: usize,
    expired: usize,
    refused: usize,
    /// Before, after each return, and when all commands have ended.
    memory_kb: Vec<u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |part: usize| self.answers[(self.answers.len() - 1) * part / 100];
        writeln!(
            f,
            "{} devices back after {:?}; {} commands meanwhile, answered in {:?} (p50), {:?} (p99), {:?} at most: \
             {} verified, {} expired and {} refused because their devices had just gone; \
             memory before, after each return and in the end: {:?} kB",
            self.devices,
            self.returns,
            self.answers.len(),
            at(50),
            at(99),
            at(100),
            self.verified,
            self.expired,
            self.refused,
            self.memory_kb
        )
    }
}

/// What was commanded.
#[derive(Default)]
struct Given {
    /// Each command that was taken, with the time that its answer took.
    taken: Vec<(String, Duration)>,
    /// Devices that went between the question and the sending: whoever asked heard it at once.
    refused: usize,
}

/// Commands one device after the other.
fn give_orders(program: &Program, devices: usize, stop: &AtomicBool, count: &AtomicUsize) -> Given {
    let api = program.api();
    let mut given = Given::default();
    while !stop.load(Ordering::Relaxed) {
        let path = format!(
            "/api/v1/devices/d{}/points/relay/commands",
            fastrand::usize(..devices)
        );
        let begin = Instant::now();
        let answer = api.post(
            &path,
            &json!({ "value": fastrand::bool(), "within_ms": WITHIN_MS }),
        );
        count.fetch_add(1, Ordering::Relaxed);
        if answer.status == 202 {
            let id = answer.body["id"].as_str().unwrap().to_owned();
            given.taken.push((id, begin.elapsed()));
        } else {
            assert_eq!(answer.status, 409, "{}", answer.text);
            assert!(answer.text.contains("the device had gone"), "{}", answer.text);
            given.refused += 1;
        }
        std::thread::sleep(BETWEEN_COMMANDS);
    }
    given
}

fn all_connected(program: &Program, fleet: &Fleet, devices: u64) {
    wait_for("all devices", || {
        (fleet.counts().connected == devices).then_some(())
    });
    wait_for("the gateway to say so", || {
        (program.api().metric("roost_mqtt_connected") == devices).then_some(())
    });
}

/// Cuts the power of all, and gives it back at once.
fn cut(program: &Program, fleet: &Fleet, devices: u64) -> Duration {
    fleet.power(false);
    wait_for("all to be gone", || (fleet.counts().connected == 0).then_some(()));
    let begin = Instant::now();
    fleet.power(true);
    all_connected(program, fleet, devices);
    begin.elapsed()
}

/// How many commands were verified, and how many came to nothing because their device had gone when they were sent.
fn judge(program: &Program, given: &[(String, Duration)]) -> (usize, usize) {
    let (mut verified, mut expired) = (0, 0);
    for (id, _) in given {
        let command = wait_for("the end of a command", || {
            let command = program.api().get(&format!("/api/v1/commands/{id}")).body;
            (command["final"] == true).then_some(command)
        });
        let steps = command["steps"].as_array().unwrap();
        let was_sent = steps.iter().any(|step| step["state"] == "sent");
        match command["state"].as_str().unwrap() {
            "verified" => verified += 1,
            "expired" if was_sent => expired += 1,
            // It was queued for a device that was back for a moment only.
            "refused" if command["reason"] == "the device had gone before it was sent" => expired += 1,
            other => panic!("{other}: {command}"),
        }
    }
    (verified, expired)
}

pub(crate) fn run(devices: usize, interval: Duration) -> Report {
    let program = Program::start(Settings {
        program: std::env::var_os("ROOST_BIN").map(PathBuf::from),
        ..Settings::default()
    });
    let logins = add_devices(&program, "d", devices);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let plan = Plan {
        broker: mqtt(&program),
        interval,
    };
    let fleet = Fleet::start(plan, logins);
    let count = devices as u64;
    all_connected(&program, &fleet, count);
    wait_for("a report of each", || {
        (program.api().metric("roost_readings_total") >= 2 * count * POINTS).then_some(())
    });
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut memory = Vec::new();
    let (returns, given) = std::thread::scope(|scope| {
        let orders = scope.spawn(|| give_orders(&program, devices, &stop, &count));
        let given = |enough: usize| {
            wait_for("commands", || {
                (orders.is_finished() || count.load(Ordering::Relaxed) >= enough).then_some(())
            });
        };
        given(AROUND);
        memory.push(memory_kb(&program));
        let returns: Vec<Duration> = (0..CUTS)
            .map(|_| {
                let took = cut(&program, &fleet, devices as u64);
                memory.push(memory_kb(&program));
                took
            })
            .collect();
        given(count.load(Ordering::Relaxed) + AROUND);
        stop.store(true, Ordering::Relaxed);
        (returns, orders.join().unwrap())
    });
    let (verified, expired) = judge(&program, &given.taken);
    memory.push(memory_kb(&program));
    assert_flat((memory[0], memory[CUTS + 1]), MEMORY_GROWTH, MEMORY_SLACK_KB);
    // A command may be verified by a report of what was so anyhow.
    let obeyed = fleet.counts().commands;
    assert!(
        verified > 0 && obeyed > 0,
        "{verified} commands verified, {expired} expired; the devices have obeyed {obeyed}"
    );
    runtime.block_on(fleet.stop());
    let mut answers: Vec<Duration> = given.taken.iter().map(|(_, took)| *took).collect();
    answers.sort_unstable();
    Report {
        devices,
        returns,
        answers,
        verified,
        expired,
        refused: given.refused,
        memory_kb: memory,
    }
}
