//! The report: figures side by side, with the ratio between them, as a page of the documentation.

use std::time::Duration;

use super::storm::{Plan, Storm};
use crate::machine;

/// All that was measured.
pub(crate) struct Figures {
    pub(crate) plan: Plan,
    /// The gateway's memory before a device was registered.
    pub(crate) before_devices: u64,
    pub(crate) registering: Duration,
    pub(crate) latency: Vec<Duration>,
    pub(crate) ours: Storm,
    pub(crate) theirs: Storm,
}

fn row(what: &str, ours: f64, theirs: f64, digits: usize) -> String {
    let ratio = if theirs > 0.0 {
        format!("{:.1}", ours / theirs)
    } else {
        "–".into()
    };
    format!("| {what} | {ours:.digits$} | {theirs:.digits$} | {ratio} |\n")
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn per_device(kilobytes: u64, devices: usize) -> f64 {
    kilobytes as f64 * 1.024 / devices as f64
}

fn worst(storm: &Storm) -> f64 {
    storm
        .returns
        .iter()
        .map(|(time, _)| time.as_secs_f64())
        .fold(0.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 * 1.024 / 1000.0
}

fn cpu_per_thousand(storm: &Storm) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let thousands = storm.counts.sent as f64 / 1000.0;
    storm.cpu_s * 1000.0 / thousands
}

fn milliseconds(latency: &[Duration], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank"
    )]
    let rank = ((latency.len() - 1) as f64 * part) as usize;
    latency[rank].as_secs_f64() * 1000.0
}

pub(crate) fn text(figures: &Figures) -> String {
    let mut text = format!(
        "## {} devices\n\n{}, {}. Roost {}, mosquitto {}.\n\n",
        figures.plan.devices,
        machine::today(),
        machine::describe(),
        figures.ours.version,
        figures.theirs.version,
    );
    text += WHAT_IS_DONE;
    text += &table(figures);
    text += &memory(figures);
    text += &single(&figures.latency);
    text
}

const WHAT_IS_DONE: &str = "Each connects with its own secret by MQTT 3.1.1, subscribes to its commands and reports
three values a second with QoS 1. Then the power is cut for all at once, three times. mosquitto lets everybody in
without a password, routes the same messages to nobody and keeps none; Roost authenticates each device, decodes each
message in the device's own supervised task, numbers it, writes its three values down and publishes them as retained
readings.

| | Roost | mosquitto | ratio |
| --- | --: | --: | --: |
";

fn table(figures: &Figures) -> String {
    let Figures {
        plan,
        before_devices,
        ours,
        theirs,
        ..
    } = figures;
    let devices = plan.devices;
    let idle = |storm: &Storm| per_device(storm.rss_idle_kb.saturating_sub(storm.rss_before_kb), devices);
    let loaded = |storm: &Storm, before: u64| per_device(storm.rss_loaded_kb.saturating_sub(before), devices);
    let with_task = per_device(ours.rss_idle_kb.saturating_sub(*before_devices), devices);
    let (seconds, other_seconds) = (ours.connecting.as_secs_f64(), theirs.connecting.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let acknowledged = |storm: &Storm| storm.counts.acknowledged as f64;
    [
        row("all connected and subscribed after, s", seconds, other_seconds, 2),
        row("memory per connection, idle, kB", idle(ours), idle(theirs), 2),
        row(
            "memory per device, connected, with its supervised task, kB",
            with_task,
            idle(theirs),
            2,
        ),
        row(
            "the same after the load, with three values each, kB",
            loaded(ours, *before_devices),
            loaded(theirs, theirs.rss_before_kb),
            2,
        ),
        row(
            "messages taken and acknowledged",
            acknowledged(ours),
            acknowledged(theirs),
            0,
        ),
        row(
            "CPU per 1,000 messages, ms",
            cpu_per_thousand(ours),
            cpu_per_thousand(theirs),
            1,
        ),
        row(
            "all back after a power cut, worst of three, s",
            worst(ours),
            worst(theirs),
            2,
        ),
        row(
            "memory in all, idle, MB",
            megabytes(ours.rss_idle_kb),
            megabytes(theirs.rss_idle_kb),
            1,
        ),
    ]
    .concat()
}

fn memory(figures: &Figures) -> String {
    let Figures {
        plan,
        before_devices,
        registering,
        ours,
        ..
    } = figures;
    let record = per_device(ours.rss_before_kb.saturating_sub(*before_devices), plan.devices);
    let returns: Vec<String> = ours
        .returns
        .iter()
        .map(|(_, rss)| format!("{:.1}", megabytes(*rss)))
        .collect();
    format!(
        "\nThe load lasted {} s. Memory of the gateway: {:.1} MB empty; {:.1} MB with the registered devices\n\
         ({record:.2} kB each: record, credentials, task, filters); {:.1} MB connected;\n\
         {:.1} MB after the load; {} MB after each return; {:.1} MB after all have gone.\n\
         Errors: {}.\n\n\
         Registering the devices through the API, each durable before it is answered: {:.1} s.\n",
        plan.load.as_secs(),
        megabytes(*before_devices),
        megabytes(ours.rss_before_kb),
        megabytes(ours.rss_idle_kb),
        megabytes(ours.rss_loaded_kb),
        returns.join(", "),
        megabytes(ours.rss_after_kb),
        ours.counts.errors,
        registering.as_secs_f64(),
    )
}

fn single(latency: &[Duration]) -> String {
    format!(
        "\n### One reading\n\nFrom the start of a `mosquitto_pub` process (its connection, authentication and\n\
         acknowledgement included) to the reading at a `mosquitto_sub`, {} times: median {:.1} ms, 99 % {:.1} ms, \
         worst {:.1} ms.\n",
        latency.len(),
        milliseconds(latency, 0.5),
        milliseconds(latency, 0.99),
        milliseconds(latency, 1.0),
    )
}
