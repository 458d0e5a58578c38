//! Strikes: which tasks are made to fail and hang, and when.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::stage::Stage;

/// Strikes at the services of a supervisor in a minute. It takes three restarts; a fourth is the end of it, as it
/// should be.
const MOST_IN_A_MINUTE: usize = 2;
/// The same for the root, which has more services than are struck in five minutes otherwise: all that it takes.
const MOST_AT_THE_ROOT: usize = 3;
pub(crate) const ROOT: &str = "roost";
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
    // Every fate has its turn, however slow the machine is; whom it befalls is chance.
    for turn in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let kind = ["devices", "devices", "connections", "requests"][fastrand::usize(..4)];
        let (fate, count) = match turn % 20 {
            6 => ("block", &done.blocked),
            2 | 9 | 13 | 18 => ("hang", &done.hung),
            _ => ("fail", &done.failed),
        };
        if stage.strike(fate, kind).is_some() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(BETWEEN);
    }
}

/// Waits, but not for ever: a hung task is ended after a minute and a half, and a supervisor takes no more for a
/// minute.
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < 3 * MINUTE, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

/// The services of one supervisor in the order in which they are struck, and when that was done. A storm that is
/// interrupted goes on where it was.
pub(crate) struct Series {
    turns: Vec<(String, &'static str)>,
    next: usize,
    struck: Vec<Instant>,
    most_in_a_minute: usize,
}

impl Series {
    /// All kinds in any order, each with a fate; then all of them with the other one, and so on.
    pub(crate) fn of(kinds: &[String]) -> Self {
        const FATES: [&str; 2] = ["fail", "hang"];
        // Not all supervisors begin with the same one.
        static FIRST: AtomicUsize = AtomicUsize::new(0);
        let mut kinds: Vec<&String> = kinds.iter().collect();
        fastrand::shuffle(&mut kinds);
        let first = FIRST.fetch_add(1, Ordering::Relaxed);
        let round = |offset: usize| {
            let kinds = kinds.iter().enumerate();
            kinds.map(move |(index, kind)| ((*kind).clone(), FATES[(index + offset) % 2]))
        };
        let is_root = kinds[0].split('/').next() == Some(ROOT);
        Self {
            turns: round(first).chain(round(first + 1)).collect(),
            next: 0,
            struck: Vec::new(),
            most_in_a_minute: if is_root {
                MOST_AT_THE_ROOT
            } else {
                MOST_IN_A_MINUTE
            },
        }
    }

    /// Whether these are the root's.
    pub(crate) fn is_root(&self) -> bool {
        self.turns[0].0.split('/').next() == Some(ROOT)
    }

    /// Lets a service of theirs fail out of turn, as soon as the supervisor takes it.
    pub(crate) fn fail(&mut self, stage: &Stage, kind: &str) {
        until("a strike out of turn", || {
            self.has_budget() && stage.strike("fail", kind).is_some()
        });
        self.struck.push(Instant::now());
    }

    fn has_budget(&self) -> bool {
        let recent = self.struck.iter().filter(|at| at.elapsed() < MINUTE).count();
        recent < self.most_in_a_minute
    }
}

/// Strikes at the services of one supervisor, each in its turn; the next one when what was struck is at work again, and
/// never more in a minute than the supervisor takes.
pub(crate) fn at_services(
    stage: &Stage,
    series: &mut Series,
    between: Duration,
    stop: &AtomicBool,
    done: &Done,
) {
    loop {
        let (kind, fate) = series.turns[series.next % series.turns.len()].clone();
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
        let may_strike = || series.has_budget() && (series.struck.is_empty() || begin.elapsed() >= between);
        let at_work =
            || !stage.struck().contains_key(kind.as_str()) && stage.kinds().contains_key(kind.as_str());
        if !wait(&may_strike) || !wait(&at_work) {
            return;
        }
        series.next += 1;
        if stage.strike(fate, &kind).is_none() {
            continue;
        }
        let count = if fate == "fail" { &done.failed } else { &done.hung };
        count.fetch_add(1, Ordering::Relaxed);
        done.services.lock().unwrap().insert((kind.clone(), fate));
        // A task that hung counts when it is started again, whether or not the storm is over by then.
        until("what was struck to be at work again", at_work);
        series.struck.push(Instant::now());
    }
}
