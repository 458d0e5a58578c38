//! Chaos: tasks of every kind fail and hang, others are flooded, while a fleet reports and is commanded. Everything
//! comes back, nothing that was acknowledged is missing, and nothing is left over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod fleet;
mod floods;
mod midway;
mod orders;
#[path = "../hostile/packets.rs"]
#[allow(dead_code, reason = "shared with the hostile clients")]
mod packets;
#[path = "../hostile/peer.rs"]
#[allow(dead_code, reason = "shared with the hostile clients")]
mod peer;
mod power;
mod singles;
mod stage;
mod storm;
mod strikes;
mod unforgotten;

use std::time::Duration;

use storm::Plan;

/// The figures of a run, for whoever runs it to read them.
#[expect(clippy::print_stderr, reason = "what a run has seen")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn tasks_of_every_kind_fail_and_hang_and_nothing_acknowledged_is_missing() {
    let plan = Plan {
        devices: 200,
        interval: Duration::from_millis(200),
        lasts: Duration::from_secs(20),
        look_every: Some(Duration::from_millis(1500)),
        between_services: Duration::from_millis(4500),
        is_long: false,
    };
    storm::run(&plan);
}

#[test]
#[ignore = "takes minutes: ./dev chaos [seconds] runs it"]
fn the_same_for_minutes_with_five_thousand_messages_a_second() {
    let seconds = std::env::var("ROOST_CHAOS_SECONDS").map_or(300, |text| text.parse().unwrap());
    let plan = Plan {
        devices: 1000,
        // 7,100 a second: a fifth of the time a device has just been cut off, or nobody listens.
        interval: Duration::from_millis(140),
        lasts: Duration::from_secs(seconds),
        look_every: Some(Duration::from_secs(5)),
        between_services: Duration::from_secs(8),
        is_long: seconds >= 300,
    };
    storm::run(&plan);
}

#[test]
fn power_returns_and_all_devices_are_back_while_they_are_commanded() {
    say(&power::run(500, Duration::from_secs(1)).to_string());
}

#[test]
#[ignore = "wants an optimised program (ROOST_BIN) and the machine for itself"]
fn the_same_with_ten_thousand_devices() {
    say(&power::run(10_000, Duration::from_secs(10)).to_string());
}
