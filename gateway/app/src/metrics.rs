//! Metrics in the text format of Prometheus (version 0.0.4), and the facts that pages show.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use roost_model::Freshness;
use roost_mqtt::BrokerStats;
use roost_runtime::SupervisorHandle;
use roost_web::Facts;

use crate::gateway::Gateway;
use crate::{VERSION, memory};

struct Text(String);

impl Text {
    /// One metric. Names and meanings are this program's own, so nothing needs escaping.
    fn put(&mut self, kind: &str, name: &str, help: &str, value: u64) {
        // Writing to a string does not fail.
        let _ = writeln!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.put("counter", name, help, value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.put("gauge", name, help, value);
    }
}

/// All metrics.
pub(crate) fn text(gateway: &Arc<Gateway>, devices: &SupervisorHandle, tree: &SupervisorHandle) -> String {
    let mut text = Text(String::with_capacity(4096));
    text.gauge(
        "roost_uptime_seconds",
        "Seconds since the gateway was opened.",
        gateway.started.elapsed().as_secs(),
    );
    text.gauge(
        "roost_devices",
        "Devices that have a task.",
        devices.child_count() as u64,
    );
    text.counter(
        "roost_device_restarts_total",
        "Restarts of device tasks.",
        devices.restarts(),
    );
    text.counter(
        "roost_service_restarts_total",
        "Restarts of services of the tree.",
        tree.restarts(),
    );
    intake(&mut text, gateway);
    freshness(&mut text, gateway);
    bus(&mut text, gateway);
    broker(&mut text, gateway.broker.stats());
    if let Some(bytes) = memory::resident_bytes() {
        text.gauge(
            "process_resident_memory_bytes",
            "Resident memory of the program.",
            bytes,
        );
    }
    text.0
}

fn intake(text: &mut Text, gateway: &Gateway) {
    let stats = gateway.parts.intake.stats();
    text.counter(
        "roost_readings_total",
        "Readings taken.",
        stats.readings.load(Ordering::Relaxed),
    );
    let unwritten = stats.unwritten.load(Ordering::Relaxed);
    text.counter(
        "roost_readings_unwritten_total",
        "Readings that could not be written down.",
        unwritten,
    );
    let undecodable = stats.undecodable.load(Ordering::Relaxed);
    text.counter(
        "roost_messages_undecodable_total",
        "Device messages that no rule could take apart.",
        undecodable,
    );
    text.gauge(
        "roost_recorder_bytes",
        "Memory for what devices last said.",
        gateway.parts.recorder.bytes() as u64,
    );
}

fn freshness(text: &mut Text, gateway: &Gateway) {
    let watch = &gateway.parts.freshness;
    for (name, help, freshness) in [
        (
            "roost_points_fresh",
            "Points whose value is as young as it should be.",
            Freshness::Fresh,
        ),
        (
            "roost_points_late",
            "Points with one value overdue.",
            Freshness::Late,
        ),
        (
            "roost_points_stale",
            "Points with three or more values missing.",
            Freshness::Stale,
        ),
        (
            "roost_points_unknown",
            "Points of which no cadence is known.",
            Freshness::Unknown,
        ),
    ] {
        text.gauge(name, help, watch.points(freshness));
    }
    text.gauge(
        "roost_devices_silent",
        "Devices not heard for three times their slowest cadence.",
        watch.silent(),
    );
    text.gauge(
        "roost_devices_commanded",
        "Devices with commands that are not final.",
        gateway.parts.commands.devices() as u64,
    );
}

fn bus(text: &mut Text, gateway: &Gateway) {
    let stats = gateway.bus.stats();
    text.counter(
        "roost_bus_published_total",
        "Messages published on the bus.",
        stats.published,
    );
    text.counter(
        "roost_bus_delivered_total",
        "Messages put into takers' queues.",
        stats.delivered,
    );
    text.counter(
        "roost_bus_dropped_total",
        "Messages that full queues cost.",
        stats.dropped,
    );
    text.counter(
        "roost_bus_retain_refused_total",
        "Messages not retained for want of room.",
        stats.retain_refused,
    );
    text.gauge("roost_bus_retained", "Retained messages.", stats.retained);
    text.gauge("roost_bus_filters", "Subscription filters.", stats.filters);
}

fn broker(text: &mut Text, stats: &BrokerStats) {
    let get = BrokerStats::get;
    text.gauge(
        "roost_mqtt_connected",
        "Connected MQTT clients.",
        get(&stats.connected),
    );
    text.counter(
        "roost_mqtt_accepted_total",
        "MQTT clients let in.",
        get(&stats.accepted),
    );
    text.counter(
        "roost_mqtt_refused_total",
        "MQTT clients refused.",
        get(&stats.refused),
    );
    text.counter(
        "roost_mqtt_violations_total",
        "MQTT connections ended for a broken rule.",
        get(&stats.violations),
    );
    text.counter(
        "roost_mqtt_forbidden_total",
        "Publishes and subscriptions not allowed.",
        get(&stats.forbidden),
    );
    text.counter(
        "roost_mqtt_received_total",
        "PUBLISH packets received.",
        get(&stats.received),
    );
    text.counter("roost_mqtt_sent_total", "PUBLISH packets sent.", get(&stats.sent));
    text.counter(
        "roost_mqtt_bytes_in_total",
        "Bytes received by MQTT.",
        get(&stats.bytes_in),
    );
    text.counter(
        "roost_mqtt_bytes_out_total",
        "Bytes sent by MQTT.",
        get(&stats.bytes_out),
    );
    text.counter("roost_mqtt_wills_total", "Wills published.", get(&stats.wills));
    entrance(text, stats);
}

/// Connections on their way in, and those whose other side has gone.
fn entrance(text: &mut Text, stats: &BrokerStats) {
    let get = BrokerStats::get;
    text.gauge(
        "roost_mqtt_connects_waiting",
        "Connections whose CONNECT was not judged yet.",
        get(&stats.connects_waiting),
    );
    text.counter(
        "roost_mqtt_turned_away_total",
        "Connections closed at once because their address had half of the places for waiting.",
        get(&stats.turned_away),
    );
    text.gauge(
        "roost_mqtt_handshakes_waiting",
        "TLS handshakes that wait for their turn to be computed.",
        get(&stats.handshakes_waiting),
    );
    text.counter(
        "roost_mqtt_handshakes_failed_total",
        "TLS connections that ended before their handshake did.",
        get(&stats.handshakes_failed),
    );
    text.counter(
        "roost_mqtt_probed_total",
        "Clients asked by TCP whether they are still there, because something of their device was overdue.",
        get(&stats.probed),
    );
    text.counter(
        "roost_mqtt_vanished_total",
        "Connections ended because the other side did not answer any more.",
        get(&stats.vanished),
    );
}

/// What pages say about the gateway.
pub(crate) fn facts(gateway: &Arc<Gateway>, rate: &Rate) -> Facts {
    let readings = gateway.parts.intake.stats().readings.load(Ordering::Relaxed);
    Facts {
        version: VERSION.to_owned(),
        uptime: gateway.started.elapsed(),
        readings_per_s: rate.per_second(readings),
        mqtt_port: gateway
            .broker
            .address()
            .unwrap_or(gateway.config.mqtt.listen)
            .port(),
    }
}

/// Shortest time over which a rate is taken.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// Makes a rate of a counter that is looked at now and then.
#[derive(Debug, Default)]
pub(crate) struct Rate(Mutex<Option<Looked>>);

#[derive(Debug)]
struct Looked {
    at: Instant,
    count: u64,
    rate: Option<f64>,
}

impl Rate {
    /// The rate since the last look that was at least a second ago; `None` until there was one.
    fn per_second(&self, count: u64) -> Option<f64> {
        let mut looked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let rate = match &*looked {
            None => None,
            Some(before) if now.duration_since(before.at) < RATE_WINDOW => return before.rate,
            #[expect(clippy::cast_precision_loss, reason = "a difference within seconds is small")]
            Some(before) => Some((count - before.count) as f64 / now.duration_since(before.at).as_secs_f64()),
        };
        *looked = Some(Looked { at: now, count, rate });
        rate
    }
}
