//! Ten thousand devices that come, report, drop and return: what a gateway is for.

mod report;
mod storm;

use std::time::Duration;

use crate::document::{self, say};
use crate::peer;

/// So many devices, reporting for so many seconds.
pub(crate) fn run(devices: u64, seconds: u64) -> anyhow::Result<()> {
    let plan = storm::Plan {
        devices: usize::try_from(devices)?,
        load: Duration::from_secs(seconds),
    };
    say(&format!(
        "{devices} devices, one report a second each for {seconds} s"
    ));
    let gateway = peer::Gateway::start()?;
    say("Roost: registering");
    let before_devices = gateway.peer().rss_kb()?;
    let (logins, registering) = gateway.register(plan.devices)?;
    let ours = storm::run("Roost", gateway.peer(), &plan, logins.clone())?;
    let latency = gateway.latency(&logins[0])?;
    drop(gateway);

    let mosquitto = peer::mosquitto()?;
    let theirs = storm::run("mosquitto", &mosquitto, &plan, logins)?;
    drop(mosquitto);

    let text = report::text(&report::Figures {
        plan,
        before_devices,
        registering,
        latency,
        ours,
        theirs,
    });
    say(&text);
    document::write("devices", &text)
}
