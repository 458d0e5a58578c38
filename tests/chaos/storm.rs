//! The storm: a level is taken, chaos reigns, calm returns, and the level must be the one of before.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roost::sim::Login;
use roost_tests::wait_for;

use crate::fleet::Fleet;
use crate::orders::{Orders, Outcome};
use crate::stage::{Level, Memory, Stage, assert_flat, at_work};
use crate::{floods, orders, say, strikes};

/// Messages a second that are acknowledged in a long storm, outages included.
const ACKNOWLEDGED: f64 = 5000.0;
/// Load before the level is taken: caches and rings are to be full.
const WARM_UP: Duration = Duration::from_secs(4);
/// Resident memory may be higher afterwards by this part of it and so many kB: what the allocator keeps of what was
/// needed for a moment, and what is kept of each command.
const MEMORY_GROWTH: f64 = 1.25;
const MEMORY_SLACK_KB: u64 = 12 << 10;
/// Between two looks at the memory while chaos reigns.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// What is in use, the blocks that were not freed, may be higher afterwards by this part of it and so many kB, and by
/// so many kB for each command that was given: its key is kept for a day. A leak is what is more.
const IN_USE_GROWTH: f64 = 1.01;
const IN_USE_SLACK_KB: u64 = 512;
const COMMAND_KB: u64 = 1;
/// Threads for blocking work come and go.
const THREADS_SLACK: u64 = 4;
/// Whatever is kept of a device is full after the warm-up.
const CONFIG: &str = "[devices]\nrecorder_device_bytes = 1024";
/// Tasks that end by themselves take their time: a hung one is ended after a minute and a half.
const CALM_WITHIN: Duration = Duration::from_secs(180);

/// What is done.
pub(crate) struct Plan {
    pub(crate) devices: usize,
    /// Between two numbers of a device.
    pub(crate) interval: Duration,
    pub(crate) lasts: Duration,
    /// Between two looks for signs of life; as in the product, unless said otherwise.
    pub(crate) look_every: Option<Duration>,
    /// Between two strikes at the services of one supervisor, at least.
    pub(crate) between_services: Duration,
    /// Whether it lasts so long that every kind of service is struck, and that a rate means something.
    pub(crate) is_long: bool,
}

/// What was seen.
pub(crate) struct Report {
    seconds: f64,
    acknowledged: u64,
    repeated: u64,
    failed: u64,
    hung: u64,
    blocked: u64,
    services: BTreeSet<(String, &'static str)>,
    lost: u64,
    bursts: u64,
    outcome: Outcome,
    memory: (Memory, Memory),
    /// The floors of the quarters while chaos reigned, of what is resident and of what is in use.
    resident_kb: [u64; 4],
    in_use_kb: [u64; 4],
    before: Level,
    level: Level,
    calm: Duration,
}

impl Report {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.seconds
    }

    /// Whether it was a storm at all, and whether memory is where it was.
    fn judge(&self, plan: &Plan) {
        let struck = [self.failed, self.hung, self.blocked, self.bursts, self.lost];
        assert!(struck.iter().all(|count| *count > 0), "{struck:?}");
        for fate in ["fail", "hang"] {
            assert!(
                self.services.iter().any(|(_, other)| *other == fate),
                "no service: {fate}"
            );
        }
        let (before, after) = self.memory;
        assert_flat(
            (before.resident_kb, after.resident_kb),
            MEMORY_GROWTH,
            MEMORY_SLACK_KB,
        );
        if plan.is_long {
            // A short one has no time to fill what has a limit.
            assert_flat(
                (before.in_use_kb, after.in_use_kb),
                IN_USE_GROWTH,
                IN_USE_SLACK_KB + COMMAND_KB * self.outcome.given as u64,
            );
            assert!(
                self.rate() >= ACKNOWLEDGED,
                "{:.0} acknowledged a second, and not {ACKNOWLEDGED:.0}",
                self.rate()
            );
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate();
        writeln!(
            f,
            "{:.0} s, {} numbers acknowledged ({rate:.0}/s) and all of them readings, {} came again; \
             {} tasks failed, {} hung, {} blocked; {} connections lost, {} floods",
            self.seconds,
            self.acknowledged,
            self.repeated,
            self.failed,
            self.hung,
            self.blocked,
            self.lost,
            self.bursts
        )?;
        let services = |fate: &str| {
            let struck = self.services.iter().filter(|(_, other)| *other == fate);
            struck
                .map(|(kind, _)| kind.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        writeln!(
            f,
            "services that failed: {}; that hung: {}",
            services("fail"),
            services("hang")
        )?;
        writeln!(f, "{}", self.outcome)?;
        let (before, after) = self.memory;
        writeln!(
            f,
            "memory {} kB before, {} kB after, floors of the quarters {:?} kB; \
             of that in use {} kB before, {} kB after, floors {:?} kB",
            before.resident_kb,
            after.resident_kb,
            self.resident_kb,
            before.in_use_kb,
            after.in_use_kb,
            self.in_use_kb,
        )?;
        writeln!(
            f,
            "calm after {:?}; tasks {} and {}, files {} and {}, threads {} and {}",
            self.calm,
            self.before.tasks,
            self.level.tasks,
            self.before.files,
            self.level.files,
            self.before.threads,
            self.level.threads
        )
    }
}

fn quiet(fleet: &Fleet) {
    fleet.count(false);
    wait_for("all acknowledgements", || (fleet.pending() == 0).then_some(()));
}

/// Waits until the gateway stands as high as before.
fn calm(stage: &Stage, fleet: &Fleet, devices: usize, before: &Level) -> Duration {
    let begin = Instant::now();
    loop {
        let tree = stage.tree();
        let root = tree["children"].as_array().unwrap();
        let level = stage.level();
        let same = level.kinds == before.kinds
            && level.tasks == before.tasks
            && level.files == before.files
            && level.threads <= before.threads + THREADS_SLACK;
        if same && root.iter().all(at_work) && fleet.connected() == devices && stage.struck().is_empty() {
            return begin.elapsed();
        }
        assert!(
            begin.elapsed() < CALM_WITHIN,
            "no calm: {level:?}\nbefore: {before:?}\nstruck: {:?}, connected: {} of {devices}",
            stage.struck(),
            fleet.connected()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Kinds of tasks that are services, by their supervisor.
fn services(stage: &Stage) -> Vec<Vec<String>> {
    let mut services: Vec<Vec<String>> = Vec::new();
    for kind in stage.kinds().into_keys() {
        let Some((supervisor, _)) = kind.split_once('/') else {
            continue;
        };
        let of = |kinds: &&mut Vec<String>| kinds[0].starts_with(&format!("{supervisor}/"));
        match services.iter_mut().find(of) {
            Some(kinds) => kinds.push(kind),
            None => services.push(vec![kind]),
        }
    }
    services
}

/// Chaos, for as long as it is to last. How many floods there were, and the memory every second.
fn reign(
    plan: &Plan,
    stage: &Stage,
    flooded: &Login,
    orders: &Orders,
    done: &strikes::Done,
) -> (u64, Vec<Memory>) {
    let stop = AtomicBool::new(false);
    let services = services(stage);
    let (begin, mut memory) = (Instant::now(), Vec::new());
    let bursts = std::thread::scope(|scope| {
        scope.spawn(|| strikes::at_crowds(stage, &stop, done));
        for kinds in &services {
            scope.spawn(|| strikes::at_services(stage, kinds, plan.between_services, &stop, done));
        }
        scope.spawn(|| orders.give(&stage.program, plan.devices, &stop));
        let flood = scope.spawn(|| floods::pour(stage, flooded, &stop));
        while begin.elapsed() < plan.lasts {
            std::thread::sleep(SAMPLE_EVERY);
            memory.push(stage.memory());
        }
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap()
    });
    if plan.is_long {
        for kind in services.iter().flatten() {
            let struck = done.services.lock().unwrap();
            let by = |fate| struck.contains(&(kind.clone(), fate));
            let is_of_root = kind.split('/').next() == Some(strikes::ROOT);
            // The root would not take both fates of all its services in five minutes.
            let enough = if is_of_root {
                by("fail") || by("hang")
            } else {
                by("fail") && by("hang")
            };
            assert!(enough, "{kind} was not struck enough: {struck:?}");
        }
    }
    (bursts, memory)
}

/// The lowest memory of each quarter of a time.
fn floors(memory: &[Memory], of: impl Fn(&Memory) -> u64) -> [u64; 4] {
    let quarter = memory.len() / 4;
    std::array::from_fn(|index| {
        let part = &memory[index * quarter..(index + 1) * quarter];
        part.iter().map(&of).min().unwrap_or(0)
    })
}

/// Every number that any device has said is a reading. How many are readings twice.
fn count_up(stage: &Stage, fleet: Fleet) -> u64 {
    let last = fleet.stop();
    let numbers = wait_for("the last reading of each", || {
        let numbers = stage.numbers();
        let complete = last.iter().all(|(device, last)| numbers[device][0] == *last);
        complete.then_some(numbers)
    });
    let mut repeated = 0;
    for device in last.keys() {
        let [_, missing, again] = numbers[device];
        assert_eq!(missing, 0, "{device}: acknowledged numbers became no readings");
        repeated += again;
    }
    repeated
}

/// Lets chaos reign, says what was seen, and judges it.
pub(crate) fn run(plan: &Plan) {
    let stage = Stage::set(plan.look_every, CONFIG);
    let mut logins = stage.devices("d", plan.devices + 1);
    let flooded = logins.pop().unwrap();
    let fleet = Fleet::start(stage.mqtt(), plan.interval, logins);
    wait_for("all devices", || {
        (fleet.connected() == plan.devices).then_some(())
    });
    fleet.count(true);
    std::thread::sleep(WARM_UP);
    if plan.is_long {
        orders::fill(&stage.program, plan.devices);
    }
    quiet(&fleet);
    let (before, memory_before) = (stage.level(), stage.memory());

    let (done, orders) = (strikes::Done::default(), Orders::default());
    let (begin, said_before) = (Instant::now(), fleet.acknowledged());
    fleet.count(true);
    let (bursts, memory) = reign(plan, &stage, &flooded, &orders, &done);
    let seconds = begin.elapsed().as_secs_f64();
    let acknowledged = fleet.acknowledged() - said_before;
    let calm = calm(&stage, &fleet, plan.devices, &before);
    quiet(&fleet);
    orders.give_last(&stage.program, plan.devices);
    let outcome = orders.judge(&stage.program, &fleet);
    let (level, memory_after) = (stage.level(), stage.memory());
    let lost = fleet.lost();
    let repeated = count_up(&stage, fleet);
    let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let report = Report {
        seconds,
        acknowledged,
        repeated,
        failed: get(&done.failed),
        hung: get(&done.hung),
        blocked: get(&done.blocked),
        services: done.services.lock().unwrap().clone(),
        lost,
        bursts,
        outcome,
        memory: (memory_before, memory_after),
        resident_kb: floors(&memory, |memory| memory.resident_kb),
        in_use_kb: floors(&memory, |memory| memory.in_use_kb),
        before,
        level,
        calm,
    };
    say(&report.to_string());
    report.judge(plan);
}
