//! Orders: commands that are given meanwhile, and what must be true of each in the end.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use roost_tests::{Program, wait_for};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// Time that a command has.
const WITHIN_MS: u64 = 8000;
/// The same when calm has returned: all of them are to come true, on a slow machine, too.
const WITHIN_CALM_MS: u64 = 40_000;
/// Commands that are given when calm has returned.
const LAST: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);
/// Time for an answer: its connection, or whoever is asked, may hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// Commands that were taken, and how often nobody could take one.
#[derive(Default)]
pub(crate) struct Orders {
    given: Mutex<Vec<String>>,
    refused: AtomicU64,
    /// How somebody was turned away last.
    how: Mutex<String>,
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
    pub(crate) turned_away: u64,
    /// How the last one was.
    pub(crate) how: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands: {} verified, {} unseen, {} refused, {} expired; {} times nobody took one: {:?}",
            self.given, self.verified, self.unseen, self.refused, self.expired, self.turned_away, self.how
        )
    }
}

impl Orders {
    /// Commands one device after the other. Whoever gets no answer asks again with the same key.
    pub(crate) fn give(&self, program: &Program, devices: usize, stop: &AtomicBool) {
        let api = program.impatient_api(PATIENCE);
        let mut number = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let device = fastrand::usize(..devices);
            let path = format!("/api/v1/devices/d{device}/points/relay/commands");
            let body = json!({
                "value": number.is_multiple_of(2), "within_ms": WITHIN_MS, "key": format!("order-{number}"),
            });
            while !stop.load(Ordering::Relaxed) {
                let answer = api.try_post(&path, &body);
                let id = answer.as_ref().and_then(|answer| {
                    let command = if answer.status == 409 {
                        &answer.body["command"]
                    } else {
                        &answer.body
                    };
                    command["id"].as_str().map(str::to_owned)
                });
                if let Some(id) = id {
                    self.given.lock().unwrap().push(id);
                    break;
                }
                self.refused.fetch_add(1, Ordering::Relaxed);
                *self.how.lock().unwrap() = answer.map_or("no answer".to_owned(), |answer| answer.text);
                std::thread::sleep(BETWEEN);
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
            turned_away: self.refused.load(Ordering::Relaxed),
            how: self.how.lock().unwrap().clone(),
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
