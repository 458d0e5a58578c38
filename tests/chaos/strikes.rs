//! Strikes: which tasks are made to fail and hang, and when.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::stage::Stage;

/// Strikes at the services of a supervisor in a minute. It takes one restart more; two more are the end of it, as it
/// should be.
const MOST_IN_A_MINUTE: usize = 2;
const MINUTE: Duration = Duration::from_secs(60);
/// Pause between two strikes at the crowds of devices and connections.
const BETWEEN: Duration = Duration::from_millis(150);
const LOOK: Duration = Duration::from_millis(20);

/// What was done.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) failed: AtomicU64,
    pub(crate) hung: AtomicU64,
    pub(crate) blocked: AtomicU64,
    /// Services, each with what befell it.
    pub(crate) services: Mutex<BTreeSet<(String, &'static str)>>,
}

/// Strikes at devices, connections and HTTP connections, which any number of times may befall.
pub(crate) fn at_crowds(stage: &Stage, stop: &AtomicBool, done: &Done) {
    while !stop.load(Ordering::Relaxed) {
        let kind = ["devices", "devices", "connections", "requests"][fastrand::usize(..4)];
        let (fate, count) = match fastrand::usize(..20) {
            0 => ("block", &done.blocked),
            1..=4 => ("hang", &done.hung),
            _ => ("fail", &done.failed),
        };
        if stage.strike(fate, kind).is_some() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(BETWEEN);
    }
}

/// Strikes at the services of one supervisor, each in its turn, first all by failure and then by hanging, or beginning
/// anywhere; the next one when what was struck is at work again, and never more in a minute than the supervisor takes.
pub(crate) fn at_services(
    stage: &Stage,
    kinds: &[String],
    (between, shuffled): (Duration, bool),
    stop: &AtomicBool,
    done: &Done,
) {
    let mut turns: Vec<(&String, &'static str)> = Vec::new();
    for fate in ["fail", "hang"] {
        let mut kinds: Vec<&String> = kinds.iter().collect();
        fastrand::shuffle(&mut kinds);
        turns.extend(kinds.into_iter().map(|kind| (kind, fate)));
    }
    // A short run is to see either.
    let at = fastrand::usize(..turns.len());
    if shuffled {
        turns.rotate_left(at);
    }
    let mut struck: Vec<Instant> = Vec::new();
    for (kind, fate) in turns.iter().cycle() {
        let begin = Instant::now();
        let wait = |until: &dyn Fn() -> bool| {
            while !until() {
                if stop.load(Ordering::Relaxed) {
                    return false;
                }
                std::thread::sleep(LOOK);
            }
            true
        };
        let in_budget = || {
            let recent = struck.iter().filter(|at| at.elapsed() < MINUTE).count();
            recent < MOST_IN_A_MINUTE && begin.elapsed() >= between
        };
        let at_work =
            || !stage.struck().contains_key(kind.as_str()) && stage.kinds().contains_key(kind.as_str());
        if !wait(&in_budget) || !wait(&at_work) || stage.strike(fate, kind).is_none() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            continue;
        }
        let count = if *fate == "fail" { &done.failed } else { &done.hung };
        count.fetch_add(1, Ordering::Relaxed);
        done.services.lock().unwrap().insert(((*kind).clone(), *fate));
        if !wait(&at_work) {
            return;
        }
        // A task that hung counts when it is started again.
        struck.push(Instant::now());
    }
}
