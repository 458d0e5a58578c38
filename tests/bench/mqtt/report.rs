//! The figures as a part of the documentation.

use super::Pair;
use super::flow::{Scene, Seen};
use super::idle::{Both, Idle};
use crate::machine;

/// How much of a core the load may take before it is said that it may have been the limit.
const LOAD_MOST: f64 = 0.9;

/// All that was measured.
pub(super) struct Figures {
    /// Memory of the gateway that nobody has used yet, in kB of 1,024 bytes.
    pub(super) empty_kb: u64,
    pub(super) idle: Both,
    pub(super) pairs: Vec<Pair>,
    pub(super) devices: usize,
}

const WHAT_IS_DONE: &str = "The whole gateway runs, and mosquitto as Debian ships it. One thread plays all
clients. Devices come with secrets of their own (mosquitto asks nobody for any), subscribe to their commands and say
nothing. The messages of the other rows are 64 bytes of clients that are no devices, so that both do the same work:
match, copy, send.

| | Roost | mosquitto | ratio |
| --- | --: | --: | --: |
";

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn float(number: u64) -> f64 {
    number as f64
}

fn row(what: &str, ours: f64, theirs: f64, digits: usize) -> String {
    let ratio = if theirs > 0.0 {
        format!("{:.2}", ours / theirs)
    } else {
        "–".into()
    };
    format!("| {what} | {ours:.digits$} | {theirs:.digits$} | {ratio} |\n")
}

/// Of sorted times, the one that this part of them does not exceed, in milliseconds.
fn quantile_ms(times_us: &[u32], permille: usize) -> f64 {
    let rank = times_us.len().saturating_sub(1) * permille / 1000;
    times_us.get(rank).map_or(0.0, |time| f64::from(*time) / 1000.0)
}

fn cpu_us(seen: &Seen) -> f64 {
    seen.cpu_s * 1e6 / float(seen.delivered.max(1))
}

/// One scene with one peer, for whoever watches.
pub(super) fn line(name: &str, scene: &Scene, seen: &Seen) -> String {
    format!(
        "{name}, {}: {:.0} sent/s, {:.0} delivered/s, {:.2} µs CPU each, p50 {:.2} p99 {:.2} ms, {} missing, \
         shares {:?}, memory {:?} kB, load {:.0} %",
        scene.name,
        float(seen.sent) / seen.seconds,
        float(seen.delivered) / seen.seconds,
        cpu_us(seen),
        quantile_ms(&seen.times_us, 500),
        quantile_ms(&seen.times_us, 990),
        seen.missing,
        seen.shares,
        seen.rss_kb,
        seen.load * 100.0,
    )
}

pub(super) fn text(figures: &Figures) -> String {
    let [ours, theirs] = &figures.idle.versions;
    let mut text = format!(
        "## MQTT beside mosquitto\n\n{}, {}. Roost {ours}, mosquitto {theirs}.\n\n{WHAT_IS_DONE}",
        machine::today(),
        machine::describe(),
    );
    text += &idle(figures);
    for pair in &figures.pairs {
        text += &scene(pair);
    }
    text += &remarks(figures);
    text
}

fn idle(figures: &Figures) -> String {
    let Both { ours, theirs, .. } = &figures.idle;
    let devices = figures.devices;
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let count = devices as f64;
    let each = |kb: u64| float(kb) * 1.024 / count;
    let per_connection = |idle: &Idle| each(idle.connected_kb.saturating_sub(idle.registered_kb));
    let per_device = |idle: &Idle| each(idle.connected_kb.saturating_sub(idle.empty_kb));
    let rate = |idle: &Idle| count / idle.connecting.as_secs_f64();
    let cpu = |idle: &Idle| idle.cpu_s * 1e6 / count;
    [
        row(
            "memory of an empty gateway, MB",
            float(figures.empty_kb) * 1.024 / 1000.0,
            float(theirs.empty_kb) * 1.024 / 1000.0,
            1,
        ),
        row(
            &format!("memory per idle connected device of {devices}, with its supervised task, kB"),
            per_device(ours),
            per_device(theirs),
            2,
        ),
        row(
            "of that the connection with its subscription, kB",
            per_connection(ours),
            per_connection(theirs),
            2,
        ),
        row("devices let in a second", rate(ours), rate(theirs), 0),
        row("CPU for each of them, µs", cpu(ours), cpu(theirs), 1),
    ]
    .concat()
}

fn scene(pair: &Pair) -> String {
    let Pair { scene, ours, theirs } = pair;
    let name = scene.name;
    let per_s = |seen: &Seen, number: u64| float(number) / seen.seconds;
    let mut rows = vec![
        row(
            &format!("{name}: delivered a second"),
            per_s(ours, ours.delivered),
            per_s(theirs, theirs.delivered),
            0,
        ),
        row(
            &format!("{name}: CPU per delivered message, µs"),
            cpu_us(ours),
            cpu_us(theirs),
            2,
        ),
    ];
    let whose = if scene.per_s.is_none() {
        " of a bystander"
    } else {
        ""
    };
    for (what, permille) in [("p50", 500), ("p99", 990)] {
        let (ours, theirs) = (&ours.times_us, &theirs.times_us);
        let what = format!("{name}: {what}{whose}, ms");
        rows.push(row(
            &what,
            quantile_ms(ours, permille),
            quantile_ms(theirs, permille),
            2,
        ));
    }
    if scene.qos > 0 {
        rows.push(row(
            &format!("{name}: acknowledged and lost"),
            float(ours.missing),
            float(theirs.missing),
            0,
        ));
    }
    if scene.per_s.is_none() {
        rows.push(flooded(name, ours, theirs));
    }
    rows.concat()
}

fn flooded(name: &str, ours: &Seen, theirs: &Seen) -> String {
    let grown = |seen: &Seen| float(seen.rss_kb.1.saturating_sub(seen.rss_kb.0)) * 1.024 / 1000.0;
    let taken = |seen: &Seen| float(seen.sent) / seen.seconds;
    let share = |seen: &Seen| float(seen.shares.0) / float(seen.shares.1.max(1));
    [
        row(&format!("{name}: taken a second"), taken(ours), taken(theirs), 0),
        row(
            &format!("{name}: the least share of a publisher, in those of the greatest"),
            share(ours),
            share(theirs),
            2,
        ),
        row(
            &format!("{name}: memory grown by, MB"),
            grown(ours),
            grown(theirs),
            1,
        ),
    ]
    .concat()
}

fn remarks(figures: &Figures) -> String {
    let shares: Vec<String> = figures
        .pairs
        .iter()
        .map(|pair| {
            let mark = |seen: &Seen| if seen.load > LOAD_MOST { " (the limit)" } else { "" };
            format!(
                "{} {:.0} %{} and {:.0} %{}",
                pair.scene.name,
                pair.ours.load * 100.0,
                mark(&pair.ours),
                pair.theirs.load * 100.0,
                mark(&pair.theirs)
            )
        })
        .collect();
    format!(
        "\nMemory with {} registered devices that are not connected: {:.1} MB. The load itself took of one core,\n\
         with Roost and with mosquitto: {}.\n",
        figures.devices,
        float(figures.idle.ours.registered_kb) * 1.024 / 1000.0,
        shares.join("; "),
    )
}
