//! Orders: commands that are given meanwhile, and what must be true of each in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roost_tests::{Api, Program, Silence, wait_for};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// Time that a command has.
const WITHIN_MS: u64 = 8000;
/// The same when calm has returned: all of them are to come true, on a slow machine, too.
const WITHIN_CALM_MS: u64 = 40_000;
/// More than the 10,000 commands that are kept when they have ended, and the 1,000 after which it is looked at.
const KEPT_AND_MORE: u64 = 11_500;
/// Commands that are given while chaos reigns, at most: 10,000 keys are known for a day.
const MOST: u64 = 9_000;
/// Commands that are given when calm has returned.
const LAST: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);
/// Time for an answer. Whoever hangs is ended long before, and so is the connection then.
const PATIENCE: Duration = Duration::from_secs(60);
/// Those who command at the same time: some of them may wait for one who hangs.
const COMMANDERS: usize = 4;

/// What came of asking once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// Nobody listens: the listener, or one before it in the tree, is being restarted.
    Closed,
    /// The connection was ended: its task was struck, or stopped.
    Cut,
    /// An answer in words, with this status: try again.
    Busy(u16),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "found nobody listening"),
            Self::Cut => write!(f, "were cut off"),
            Self::Busy(status) => write!(f, "were told {status}"),
        }
    }
}

/// Commands that were taken, and what came before that.
#[derive(Default)]
pub(crate) struct Orders {
    given: Mutex<Vec<String>>,
    /// How many were thought of: no two have the same key.
    numbers: AtomicU64,
    at_once: AtomicU64,
    /// Longest time until one was taken.
    longest: Mutex<Duration>,
    /// Times that somebody asked in vain.
    in_vain: Mutex<BTreeMap<Told, u64>>,
}

/// What became of them.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) given: usize,
    pub(crate) verified: usize,
    /// Acknowledged, and said not to be verified.
    pub(crate) unseen: usize,
    pub(crate) refused: usize,
    pub(crate) expired: usize,
    /// Those that were taken when they were asked for the first time.
    at_once: u64,
    longest: Duration,
    in_vain: BTreeMap<Told, u64>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands: {} verified, {} unseen, {} refused, {} expired; {} taken at once, the last one after {:?}; \
             in vain",
            self.given, self.verified, self.unseen, self.refused, self.expired, self.at_once, self.longest
        )?;
        for (told, times) in &self.in_vain {
            write!(f, " {times} {told},")?;
        }
        Ok(())
    }
}

/// Gives more commands than are kept when they have ended, as there are after months: from then on each that comes
/// makes one go, and what they take stays the same.
pub(crate) fn fill(program: &Program, devices: usize) {
    let given = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..COMMANDERS {
            scope.spawn(|| {
                let api = program.api();
                loop {
                    let number = given.fetch_add(1, Ordering::Relaxed);
                    if number >= KEPT_AND_MORE {
                        break;
                    }
                    let path = format!(
                        "/api/v1/devices/d{}/points/relay/commands",
                        number % devices as u64
                    );
                    let body = json!({ "value": number.is_multiple_of(2), "within_ms": WITHIN_CALM_MS });
                    let answer = api.post(&path, &body);
                    assert_eq!(answer.status, 202, "{}", answer.text);
                }
            });
        }
    });
}

impl Orders {
    /// How many were taken so far.
    pub(crate) fn given(&self) -> usize {
        self.given.lock().unwrap().len()
    }

    /// Commands one device after the other. Whoever is not heard asks again with the same key.
    pub(crate) fn give(&self, program: &Program, devices: usize, stop: &AtomicBool) {
        std::thread::scope(|scope| {
            for _ in 0..COMMANDERS {
                scope.spawn(|| {
                    let api = program.impatient_api(PATIENCE);
                    while !stop.load(Ordering::Relaxed) {
                        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                        if number >= MOST {
                            return;
                        }
                        self.give_one(&api, number, devices, stop);
                        std::thread::sleep(BETWEEN);
                    }
                });
            }
        });
    }

    fn give_one(&self, api: &Api, number: u64, devices: usize, stop: &AtomicBool) {
        let device = fastrand::usize(..devices);
        let path = format!("/api/v1/devices/d{device}/points/relay/commands");
        let body = json!({
            "value": number.is_multiple_of(2), "within_ms": WITHIN_MS, "key": format!("order-{number}"),
        });
        let begin = Instant::now();
        for time in 0.. {
            match ask(api, &path, &body) {
                Ok(id) => {
                    self.given.lock().unwrap().push(id);
                    self.at_once.fetch_add(u64::from(time == 0), Ordering::Relaxed);
                    let mut longest = self.longest.lock().unwrap();
                    *longest = begin.elapsed().max(*longest);
                    return;
                }
                Err(told) => *self.in_vain.lock().unwrap().entry(told).or_default() += 1,
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// When calm has returned, whatever is commanded comes true.
    pub(crate) fn give_last(&self, program: &Program, devices: usize) {
        let api = program.api();
        let mut last = Vec::new();
        for number in 0..LAST {
            let path = format!(
                "/api/v1/devices/d{}/points/relay/commands",
                fastrand::usize(..devices)
            );
            let body = json!({ "value": number % 2 == 0, "within_ms": WITHIN_CALM_MS });
            // What flooded its inbox may still be on its way.
            let answer = wait_for("somebody who takes commands", || {
                Some(api.post(&path, &body)).filter(|answer| answer.status != 503)
            });
            last.push(
                answer.body["id"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{}", answer.text))
                    .to_owned(),
            );
        }
        for id in &last {
            let path = format!("/api/v1/commands/{id}");
            let command = wait_for("the end of a command", || {
                let command = api.get(&path).body;
                (command["final"] == true).then_some(command)
            });
            assert_eq!(command["state"], "verified", "{command}");
        }
        self.given.lock().unwrap().extend(last);
    }

    /// Every command has come to an end, and it is a true one.
    pub(crate) fn judge(&self, program: &Program, fleet: &Fleet) -> Outcome {
        let given = self.given.lock().unwrap();
        let mut outcome = Outcome {
            given: given.len(),
            at_once: self.at_once.load(Ordering::Relaxed),
            longest: *self.longest.lock().unwrap(),
            in_vain: self.in_vain.lock().unwrap().clone(),
            ..Outcome::default()
        };
        for id in given.iter() {
            let path = format!("/api/v1/commands/{id}");
            let command = wait_for("the end of a command", || {
                let command = program.api().get(&path).body;
                (command["final"] == true).then_some(command)
            });
            let steps_at = |state: &str| {
                let steps = command["steps"].as_array().unwrap();
                let step = steps.iter().find(|step: &&Value| step["state"] == state)?;
                step["at_ms"].as_u64()
            };
            let was = |state: &str| steps_at(state).is_some();
            let obeyed = fleet.obeyed(id);
            assert!(obeyed <= 1, "sent twice: {command}");
            assert!(
                obeyed == 0 || was("sent"),
                "it was said that it was not sent: {command}"
            );
            match command["state"].as_str().unwrap() {
                "verified" => outcome.verified += 1,
                // It is said that nobody has seen it: the reading came while nobody followed commands.
                "acknowledged" => outcome.unseen += 1,
                "refused" => outcome.refused += 1,
                "expired" => outcome.expired += 1,
                other => panic!("{other}: {command}"),
            }
            assert!(
                !was("acknowledged") || obeyed == 1,
                "it is said to be obeyed: {command}"
            );
            let verified = steps_at("verified").is_none_or(|to| {
                let from = steps_at("sent").unwrap_or(to);
                let device = command["device"].as_str().unwrap();
                fleet.stood(device, command["value"] == true, (from, to))
            });
            assert!(verified, "it is said that the relay stands so: {command}");
        }
        outcome
    }
}

/// Asks once. Whoever can be reached answers, or the connection ends: nobody is left waiting, whatever hangs.
fn ask(api: &Api, path: &str, body: &Value) -> Result<String, Told> {
    let answer = match api.try_post(path, body) {
        Ok(answer) => answer,
        Err(Silence::Closed) => return Err(Told::Closed),
        Err(Silence::Cut) => return Err(Told::Cut),
        Err(Silence::Late) => panic!("no answer within {PATIENCE:?}: {body}"),
    };
    let command = if answer.status == 409 {
        &answer.body["command"]
    } else {
        &answer.body
    };
    match command["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None if [503, 504].contains(&answer.status) => Err(Told::Busy(answer.status)),
        None => panic!("{body}: {} {}", answer.status, answer.text),
    }
}
