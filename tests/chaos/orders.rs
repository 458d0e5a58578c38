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
const BETWEEN: Duration = Duration::from_millis(50);
/// Time for an answer: its connection, or whoever is asked, may hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// Commands that were taken, and how often nobody could take one.
#[derive(Default)]
pub(crate) struct Orders {
    given: Mutex<Vec<String>>,
    refused: AtomicU64,
}

/// What became of them.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) given: usize,
    pub(crate) verified: usize,
    pub(crate) refused: usize,
    pub(crate) expired: usize,
    pub(crate) turned_away: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands: {} verified, {} refused, {} expired; {} times nobody took one",
            self.given, self.verified, self.refused, self.expired, self.turned_away
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
                std::thread::sleep(BETWEEN);
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// Every command has come to an end, and it is a true one.
    pub(crate) fn judge(&self, program: &Program, fleet: &Fleet) -> Outcome {
        let given = self.given.lock().unwrap();
        let mut outcome = Outcome {
            given: given.len(),
            turned_away: self.refused.load(Ordering::Relaxed),
            ..Outcome::default()
        };
        for id in given.iter() {
            let path = format!("/api/v1/commands/{id}");
            let command = wait_for("the end of a command", || {
                let command = program.api().get(&path).body;
                (command["final"] == true).then_some(command)
            });
            let was = |state: &str| {
                let steps = command["steps"].as_array().unwrap();
                steps.iter().any(|step: &Value| step["state"] == state)
            };
            let obeyed = fleet.obeyed(id);
            assert!(obeyed <= 1, "sent twice: {command}");
            assert!(
                obeyed == 0 || was("sent"),
                "it was said that it was not sent: {command}"
            );
            match command["state"].as_str().unwrap() {
                "verified" => outcome.verified += 1,
                "refused" => outcome.refused += 1,
                "expired" => outcome.expired += 1,
                other => panic!("{other}: {command}"),
            }
            let claimed = was("acknowledged") || (was("verified") && command["reason"].is_null());
            assert!(!claimed || obeyed == 1, "it is said to be obeyed: {command}");
        }
        outcome
    }
}
