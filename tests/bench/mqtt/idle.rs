//! Devices that connect, subscribe to their commands and then say nothing: what each costs by being there.

use std::time::Duration;

use roost::sim::Login;

use super::crowd::Crowd;
use super::packets;
use crate::document::say;
use crate::peer::{self, Gateway, Peer};

/// Before memory is read: what a connection needed to come in is given back by then.
const SETTLED: Duration = Duration::from_secs(3);

/// One peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    /// Resident memory in kB of 1,024 bytes: empty, with the devices registered, with all of them connected.
    pub(super) empty_kb: u64,
    pub(super) registered_kb: u64,
    pub(super) connected_kb: u64,
    /// All connected, and let in.
    pub(super) connecting: Duration,
    /// CPU seconds for that.
    pub(super) cpu_s: f64,
}

/// Both.
#[derive(Debug, Clone)]
pub(super) struct Both {
    pub(super) ours: Idle,
    pub(super) theirs: Idle,
    pub(super) versions: [String; 2],
}

pub(super) fn run(devices: usize) -> anyhow::Result<Both> {
    let gateway = Gateway::start()?;
    let empty_kb = gateway.peer().rss_kb()?;
    let (logins, _) = gateway.register(devices)?;
    let ours = stay(gateway.peer(), &logins, empty_kb)?;
    let ours_version = gateway.peer().version.clone();
    drop(gateway);
    let mosquitto = peer::mosquitto()?;
    let empty_kb = mosquitto.rss_kb()?;
    let theirs = stay(&mosquitto, &logins, empty_kb)?;
    let versions = [ours_version, mosquitto.version.clone()];
    Ok(Both {
        ours,
        theirs,
        versions,
    })
}

fn stay(peer: &Peer, logins: &[Login], empty_kb: u64) -> anyhow::Result<Idle> {
    let mut crowd = Crowd::new()?;
    let connects: Vec<Vec<u8>> = logins
        .iter()
        .map(|login| packets::connect(&login.user, &login.user, &login.password))
        .collect();
    std::thread::sleep(SETTLED);
    let (registered_kb, cpu_s) = (peer.rss_kb()?, peer.cpu_s()?);
    let connecting = crowd.connect(peer.address, &connects)?;
    let cpu_s = peer.cpu_s()? - cpu_s;
    say(&format!("{} clients after {connecting:?}", logins.len()));
    let wanted: Vec<(usize, String)> = logins
        .iter()
        .map(|login| format!("devices/{}/commands/+", login.user))
        .enumerate()
        .collect();
    crowd.subscribe(&wanted, 1)?;
    std::thread::sleep(SETTLED);
    Ok(Idle {
        empty_kb,
        registered_kb,
        connected_kb: peer.rss_kb()?,
        connecting,
        cpu_s,
    })
}
