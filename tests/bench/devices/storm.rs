//! The storm: all devices come, report, drop at once, return at once, go. The same for both peers.

use std::time::{Duration, Instant};

use anyhow::ensure;
use roost::sim::{Counts, Fleet, Login};
use roost_tests::wait_for;

use crate::document::say;
use crate::peer::Peer;

/// Power cuts.
const CUTS: usize = 3;

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) devices: usize,
    pub(crate) load: Duration,
}

/// What was seen.
pub(crate) struct Storm {
    pub(crate) version: String,
    /// Resident memory before the first connection.
    pub(crate) rss_before_kb: u64,
    pub(crate) connecting: Duration,
    /// All connected and subscribed, nothing said yet.
    pub(crate) rss_idle_kb: u64,
    pub(crate) rss_loaded_kb: u64,
    /// CPU seconds of the peer during the load.
    pub(crate) cpu_s: f64,
    pub(crate) counts: Counts,
    /// Time until all were back, for each power cut, and the memory then.
    pub(crate) returns: Vec<(Duration, u64)>,
    /// After all have gone for good.
    pub(crate) rss_after_kb: u64,
}

fn all_connected(fleet: &Fleet, devices: usize, begin: Instant) -> Duration {
    wait_for("all devices", || {
        (fleet.counts().connected == devices as u64).then_some(())
    });
    begin.elapsed()
}

pub(crate) fn run(name: &str, peer: &Peer, plan: &Plan, logins: Vec<Login>) -> anyhow::Result<Storm> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _guard = runtime.enter();
    let rss_before_kb = peer.rss_kb()?;
    say(&format!("{name}: connecting"));
    let begin = Instant::now();
    let sim_plan = roost::sim::Plan {
        broker: peer.address,
        interval: Duration::from_secs(1),
    };
    let fleet = Fleet::start(sim_plan, logins);
    fleet.report(false);
    let connecting = all_connected(&fleet, plan.devices, begin);
    let rss_idle_kb = peer.rss_kb()?;

    say(&format!("{name}: {connecting:?}, {rss_idle_kb} kB; load"));
    let cpu_before = peer.cpu_s()?;
    fleet.report(true);
    std::thread::sleep(plan.load);
    fleet.report(false);
    let counts = wait_for("all acknowledgements", || {
        Some(fleet.counts()).filter(|counts| counts.acknowledged == counts.sent)
    });
    let (cpu_s, rss_loaded_kb) = (peer.cpu_s()? - cpu_before, peer.rss_kb()?);
    ensure!(counts.errors == 0, "{name}: {counts}");

    let mut returns = Vec::with_capacity(CUTS);
    for cut in 1..=CUTS {
        fleet.power(false);
        wait_for("all devices to be gone", || {
            (fleet.counts().connected == 0).then_some(())
        });
        let begin = Instant::now();
        fleet.power(true);
        let back = all_connected(&fleet, plan.devices, begin);
        returns.push((back, peer.rss_kb()?));
        say(&format!("{name}: cut {cut}, all back after {back:?}"));
    }
    let errors = fleet.counts().errors;
    ensure!(errors == 0, "{name}: {errors} errors in the power cuts");
    runtime.block_on(fleet.stop());
    std::thread::sleep(Duration::from_secs(2));
    let rss_after_kb = peer.rss_kb()?;
    let version = peer.version.clone();
    Ok(Storm {
        version,
        rss_before_kb,
        connecting,
        rss_idle_kb,
        rss_loaded_kb,
        cpu_s,
        counts,
        returns,
        rss_after_kb,
    })
}
