//! MQTT side by side with mosquitto: connections, messages, floods; each scene with the one, then with the other.

mod crowd;
mod flow;
mod idle;
mod packets;
mod report;

use std::time::Duration;

use crate::document::{self, say};
use crate::peer;
use flow::{Scene, Seen};

/// Devices that connect and stay.
const DEVICES: usize = 10_000;

const SCENES: [Scene; 6] = [
    Scene {
        name: "100 to 1, QoS 0",
        publishers: 100,
        subscribers: 1,
        qos: 0,
        per_s: Some(20_000),
    },
    Scene {
        name: "100 to 1, QoS 1",
        publishers: 100,
        subscribers: 1,
        qos: 1,
        per_s: Some(20_000),
    },
    Scene {
        name: "1 to 1,000, QoS 0",
        publishers: 1,
        subscribers: 1000,
        qos: 0,
        per_s: Some(30),
    },
    Scene {
        name: "5,000 to 1, QoS 1",
        publishers: 5000,
        subscribers: 1,
        qos: 1,
        per_s: Some(5000),
    },
    Scene {
        name: "100 to 1, QoS 1, 50,000 a second",
        publishers: 100,
        subscribers: 1,
        qos: 1,
        per_s: Some(50_000),
    },
    Scene {
        name: "flood",
        publishers: 100,
        subscribers: 1,
        qos: 0,
        per_s: None,
    },
];

/// A scene with both.
struct Pair {
    scene: Scene,
    ours: Seen,
    theirs: Seen,
}

/// Runs all scenes, or the one whose number or `idle` is given, and writes the page if all were run.
pub(crate) fn run(seconds: u64, only: Option<&str>) -> anyhow::Result<()> {
    let measured = Duration::from_secs(seconds);
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let mut pairs = Vec::new();
    let gateway = peer::Gateway::start()?;
    let empty_kb = gateway.peer().rss_kb()?;
    let mosquitto = peer::mosquitto()?;
    let login = gateway.let_in()?;
    for (at, scene) in SCENES.into_iter().enumerate() {
        if !wanted(&at.to_string()) {
            continue;
        }
        let ours = flow::run(scene, gateway.peer(), &login, measured)?;
        say(&report::line("Roost", &scene, &ours));
        let theirs = flow::run(scene, &mosquitto, &login, measured)?;
        say(&report::line("mosquitto", &scene, &theirs));
        pairs.push(Pair { scene, ours, theirs });
    }
    drop((gateway, mosquitto));
    if !wanted("idle") {
        return Ok(());
    }
    let idle = idle::run(DEVICES)?;
    say(&format!("{idle:?}"));
    if only.is_none() {
        let text = report::text(&report::Figures {
            empty_kb,
            idle,
            pairs,
            devices: DEVICES,
        });
        say(&text);
        document::write("mqtt", &text)?;
    }
    Ok(())
}
