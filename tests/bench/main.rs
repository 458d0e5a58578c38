//! Measurements: the gateway beside mosquitto in the same run, written to `docs/benchmarks.md` with machine and date.
//!
//! Nothing here passes or fails by a figure; what fails is a device that did not come, a message that was lost.

mod machine;
mod peer;
mod report;
mod storm;

use std::time::Duration;

use anyhow::Context;

/// Devices, and how long they report: `bench [DEVICES] [SECONDS]`.
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let devices = arguments
        .next()
        .transpose()
        .context("the number of devices")?
        .unwrap_or(10_000);
    let seconds = arguments
        .next()
        .transpose()
        .context("the seconds of load")?
        .unwrap_or(60);
    let plan = storm::Plan {
        devices: usize::try_from(devices)?,
        load: Duration::from_secs(seconds),
    };
    report::say(&format!(
        "{devices} devices, one report a second each for {seconds} s"
    ));

    let gateway = peer::Gateway::start()?;
    report::say("Roost: registering");
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
    std::fs::write("docs/benchmarks.md", &text).context("docs/benchmarks.md")?;
    report::say(&text);
    Ok(())
}
