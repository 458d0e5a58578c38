//! The storm: a level is taken, chaos reigns, calm returns, and the level must be the one of before. A long storm comes
//! twice, and what the second leaves behind is judged: the first one fills whatever has a limit.

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
/// What is in use, the blocks that were not freed, may be higher after the second storm than after the first by this
/// part of it and so many kB, and by so many bytes for each command that was given meanwhile, whose key is kept for a
/// day. What is more is a leak.
const IN_USE_GROWTH: f64 = 1.01;
const IN_USE_SLACK_KB: u64 = 1 << 10;
const COMMAND_BYTES: u64 = 512;
/// Looks at the memory when it is calm, one a second: the lowest counts. What was asked for meanwhile has eight
/// seconds.
const CALM_LOOKS: usize = 12;
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
    /// Whenever it was calm, and how many commands had been given until then.
    calms: Vec<(Memory, usize)>,
    /// The highest while chaos reigned.
    peak_kb: u64,
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
        if let [(before, _), .., (after, _)] = self.calms[..] {
            let resident = (before.resident_kb, after.resident_kb);
            assert_flat(resident, MEMORY_GROWTH, MEMORY_SLACK_KB);
        }
        // A short one has no time to fill what has a limit.
        if let [_, (first, given), (second, given_after)] = self.calms[..] {
            let commands = (COMMAND_BYTES * (given_after - given) as u64) >> 10;
            let in_use = (first.in_use_kb, second.in_use_kb);
            assert_flat(in_use, IN_USE_GROWTH, IN_USE_SLACK_KB + commands);
        }
        if plan.is_long {
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
        let of = |memory: fn(&Memory) -> u64| -> Vec<u64> {
            self.calms.iter().map(|(calm, _)| memory(calm)).collect()
        };
        writeln!(
            f,
            "memory before and whenever it was calm {:?} kB, {} kB at most; of that in use {:?} kB",
            of(|memory| memory.resident_kb),
            self.peak_kb,
            of(|memory| memory.in_use_kb),
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

/// Chaos, for so long. How many floods there were, and the highest memory in kB.
fn reign(
    plan: &Plan,
    lasts: Duration,
    stage: &Stage,
    flooded: &Login,
    orders: &Orders,
    series: &mut [strikes::Series],
    done: &strikes::Done,
) -> (u64, u64) {
    let stop = AtomicBool::new(false);
    let (begin, mut peak_kb) = (Instant::now(), 0);
    let bursts = std::thread::scope(|scope| {
        scope.spawn(|| strikes::at_crowds(stage, &stop, done));
        for series in series {
            scope.spawn(|| strikes::at_services(stage, series, plan.between_services, &stop, done));
        }
        scope.spawn(|| orders.give(&stage.program, plan.devices, &stop));
        let flood = scope.spawn(|| floods::pour(stage, flooded, &stop));
        while begin.elapsed() < lasts {
            std::thread::sleep(SAMPLE_EVERY);
            peak_kb = peak_kb.max(stage.memory().resident_kb);
        }
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap()
    });
    (bursts, peak_kb)
}

/// Every service has been struck, and those that are not the root's in both ways: the root would not take that in five
/// minutes.
fn assert_struck(services: &[Vec<String>], done: &strikes::Done) {
    for kind in services.iter().flatten() {
        let struck = done.services.lock().unwrap();
        let by = |fate| struck.contains(&(kind.clone(), fate));
        let enough = if kind.split('/').next() == Some(strikes::ROOT) {
            by("fail") || by("hang")
        } else {
            by("fail") && by("hang")
        };
        assert!(enough, "{kind} was not struck enough: {struck:?}");
    }
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

/// What all others in the tree come after: when it fails, all are made anew.
const FIRST: &str = "roost/store";

/// The lowest memory in a while of calm; a short storm looks once. In a long one all tasks are made anew before, so
/// that it is the same that is compared: those that have lived through a storm hold some kB more each.
fn weigh(
    stage: &Stage,
    fleet: &Fleet,
    plan: &Plan,
    series: &mut [strikes::Series],
    before: &Level,
) -> Memory {
    let root = series.iter_mut().find(|series| series.is_root());
    if let (true, Some(root)) = (plan.is_long, root) {
        root.fail(stage, FIRST);
        // The connections end with the tree, and the devices come back.
        wait_for("the end of all connections", || {
            (fleet.connected() < plan.devices / 2).then_some(())
        });
        fleet.count(true);
        calm(stage, fleet, plan.devices, before);
        std::thread::sleep(WARM_UP);
        quiet(fleet);
    }
    let looks = if plan.is_long { CALM_LOOKS } else { 1 };
    let mut lowest = stage.memory();
    for _ in 1..looks {
        std::thread::sleep(SAMPLE_EVERY);
        let now = stage.memory();
        lowest.resident_kb = lowest.resident_kb.min(now.resident_kb);
        lowest.in_use_kb = lowest.in_use_kb.min(now.in_use_kb);
    }
    lowest
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
    let before = stage.level();

    let (done, orders) = (strikes::Done::default(), Orders::default());
    let services = services(&stage);
    let mut series: Vec<_> = services.iter().map(|kinds| strikes::Series::of(kinds)).collect();
    let mut calms = vec![(weigh(&stage, &fleet, plan, &mut series, &before), 0)];
    let (mut seconds, mut acknowledged, mut bursts, mut peak_kb) = (0.0, 0, 0, 0);
    let mut calm_after = Duration::ZERO;
    let storms = if plan.is_long { 2 } else { 1 };
    for _ in 0..storms {
        let (begin, said_before) = (Instant::now(), fleet.acknowledged());
        fleet.count(true);
        let lasts = plan.lasts / storms;
        let (floods, peak) = reign(plan, lasts, &stage, &flooded, &orders, &mut series, &done);
        seconds += begin.elapsed().as_secs_f64();
        acknowledged += fleet.acknowledged() - said_before;
        (bursts, peak_kb) = (bursts + floods, peak_kb.max(peak));
        calm_after = calm_after.max(calm(&stage, &fleet, plan.devices, &before));
        quiet(&fleet);
        let memory = weigh(&stage, &fleet, plan, &mut series, &before);
        calms.push((memory, orders.given()));
    }
    if plan.is_long {
        assert_struck(&services, &done);
    }
    orders.give_last(&stage.program, plan.devices);
    let outcome = orders.judge(&stage.program, &fleet);
    let level = stage.level();
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
        calms,
        peak_kb,
        before,
        level,
        calm: calm_after,
    };
    say(&report.to_string());
    report.judge(plan);
}
