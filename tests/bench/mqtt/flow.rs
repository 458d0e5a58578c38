//! Messages that flow through a peer for a while: what was delivered, how fast, and what it cost the peer.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use roost::sim::Login;

use super::crowd::{Crowd, Play};
use super::packets::{self, MARK_BYTES, Mark, PUBACK, PUBLISH, Packet, Template};
use crate::machine;
use crate::peer::Peer;

/// Bytes of a body.
const BODY_BYTES: usize = 64;
/// Before anything is measured.
const WARM: Duration = Duration::from_secs(2);
/// Longest pause of the load when nothing is due: what a wait can be that is counted in milliseconds.
const TICK: Duration = Duration::from_millis(1);
/// Messages of QoS 1 that a publisher has under way at most.
const UNDER_WAY: u64 = 50;
/// Messages that a publisher without a pace writes at a time.
const BURST: usize = 16;
/// How long nothing may come any more until what is missing counts as lost.
const SILENCE: Duration = Duration::from_secs(2);
/// Messages a second of the bystander in a flood.
const BYSTANDER_PER_S: u64 = 50;

/// What flows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) publishers: usize,
    /// They all take all messages.
    pub(super) subscribers: usize,
    pub(super) qos: u8,
    /// Messages a second of all publishers together; `None` for as fast as they are taken.
    pub(super) per_s: Option<u64>,
}

/// What was seen of it while it was measured.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) seconds: f64,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    /// CPU seconds of the peer.
    pub(super) cpu_s: f64,
    /// Times from a publisher's socket to a subscriber's, in microseconds, sorted; in a flood those of the bystander.
    pub(super) times_us: Vec<u32>,
    /// Messages from first to last, after all that was on its way has come.
    pub(super) missing: u64,
    /// Acknowledged, from first to last.
    pub(super) acknowledged: u64,
    /// The fewest and the most messages that were taken from a publisher.
    pub(super) shares: (u64, u64),
    /// Resident memory before the first client, and the most that was seen, in kB of 1,024 bytes.
    pub(super) rss_kb: (u64, u64),
    /// How much of a core the load took.
    pub(super) load: f64,
}

/// One publisher.
struct Publisher {
    template: Template,
    sent: u64,
    acknowledged: u64,
}

impl Publisher {
    fn new(topic: &str, qos: u8) -> Self {
        Self {
            template: Template::new(topic, qos, BODY_BYTES.max(MARK_BYTES)),
            sent: 0,
            acknowledged: 0,
        }
    }
}

struct Flow {
    scene: Scene,
    publishers: Vec<Publisher>,
    measuring: bool,
    sent: u64,
    delivered: u64,
    /// Deliveries from first to last.
    came: u64,
    /// Deliveries that came after a later one of the same publisher, if there is one subscriber.
    out_of_order: u64,
    next: Vec<u64>,
    times_us: Vec<u32>,
    turn: usize,
}

impl Play for Flow {
    fn packet(
        &mut self,
        client: usize,
        packet: Packet<'_>,
        now_us: u64,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        match packet.kind {
            PUBACK => {
                let at = client - self.scene.subscribers;
                self.publishers[at].acknowledged += 1;
                Ok(())
            }
            PUBLISH => {
                let (id, mark) = packets::message(packet).context("a message of somebody else")?;
                if id != 0 {
                    packets::put_puback(out, id);
                }
                self.deliver(mark, now_us);
                Ok(())
            }
            kind => anyhow::bail!("client {client} got a packet of kind {kind}"),
        }
    }
}

impl Flow {
    fn new(scene: Scene) -> Self {
        let topic = |at: usize| {
            if scene.subscribers > 1 {
                "bench/all/data".to_owned()
            } else {
                format!("bench/{at}/data")
            }
        };
        let publishers = (0..scene.publishers)
            .map(|at| Publisher::new(&topic(at), scene.qos))
            .chain(
                scene
                    .per_s
                    .is_none()
                    .then(|| Publisher::new("bench/bystander", 1)),
            );
        let publishers: Vec<Publisher> = publishers.collect();
        Self {
            next: vec![0; publishers.len()],
            publishers,
            scene,
            measuring: false,
            sent: 0,
            delivered: 0,
            came: 0,
            out_of_order: 0,
            times_us: Vec::new(),
            turn: 0,
        }
    }

    fn deliver(&mut self, mark: Mark, now_us: u64) {
        let at = mark.publisher as usize;
        let is_bystander = at == self.scene.publishers;
        if self.scene.subscribers == 1 || is_bystander {
            self.out_of_order += u64::from(mark.number < self.next[at]);
            self.next[at] = mark.number + 1;
        }
        if !is_bystander {
            self.came += 1;
        }
        if self.measuring {
            self.delivered += u64::from(!is_bystander);
            if is_bystander == self.scene.per_s.is_none() {
                let time = now_us.saturating_sub(mark.sent_us);
                self.times_us.push(u32::try_from(time).unwrap_or(u32::MAX));
            }
        }
    }

    /// Sends one message of a publisher; `false` if it has to wait.
    fn publish(&mut self, crowd: &mut Crowd, at: usize, count: usize) -> anyhow::Result<bool> {
        let client = self.scene.subscribers + at;
        let publisher = &mut self.publishers[at];
        let waits = (self.scene.qos > 0 && publisher.sent - publisher.acknowledged >= UNDER_WAY)
            || crowd.is_blocked(client);
        if waits {
            return Ok(false);
        }
        let mut batch = Vec::new();
        for _ in 0..count {
            let mark = Mark {
                sent_us: crowd.now_us(),
                number: publisher.sent,
                publisher: u32::try_from(at)?,
            };
            let id = u16::try_from(publisher.sent % 65_535)? + 1;
            publisher.sent += 1;
            let packet = publisher.template.fill(id, mark);
            if count == 1 {
                crowd.send(client, packet)?;
            } else {
                batch.extend_from_slice(packet);
            }
        }
        if !batch.is_empty() {
            crowd.send(client, &batch)?;
        }
        if self.measuring && at < self.scene.publishers {
            self.sent += count as u64;
        }
        Ok(true)
    }

    /// Sends what is due after so many microseconds, or as much as is taken.
    fn push(&mut self, crowd: &mut Crowd, elapsed_us: u64) -> anyhow::Result<()> {
        let count = self.scene.publishers;
        let Some(per_s) = self.scene.per_s else {
            for at in 0..count {
                self.publish(crowd, at, BURST)?;
            }
            let due = elapsed_us * BYSTANDER_PER_S / 1_000_000;
            if self.publishers[count].sent < due {
                self.publish(crowd, count, 1)?;
            }
            return Ok(());
        };
        let due = elapsed_us * per_s / 1_000_000;
        let mut sent: u64 = self.publishers.iter().map(|publisher| publisher.sent).sum();
        let mut waiting = 0;
        while sent < due && waiting < count {
            let at = self.turn % count;
            self.turn += 1;
            if self.publish(crowd, at, 1)? {
                sent += 1;
                waiting = 0;
            } else {
                waiting += 1;
            }
        }
        Ok(())
    }
}

/// Runs a scene against a peer.
pub(super) fn run(scene: Scene, peer: &Peer, login: &Login, measured: Duration) -> anyhow::Result<Seen> {
    let mut crowd = Crowd::new()?;
    let mut seen = Seen::default();
    seen.rss_kb.0 = peer.rss_kb()?;
    let mut flow = Flow::new(scene);
    gather(&mut crowd, &flow, peer, login)?;
    let begin = Instant::now();
    let mut start = None;
    let mut looked = begin;
    loop {
        let elapsed = begin.elapsed();
        if start.is_none() && elapsed >= WARM {
            start = Some((Instant::now(), peer.cpu_s()?, machine::cpu_s(std::process::id())?));
            flow.measuring = true;
        }
        if elapsed >= WARM + measured {
            break;
        }
        if looked.elapsed() > Duration::from_millis(100) {
            looked = Instant::now();
            seen.rss_kb.1 = seen.rss_kb.1.max(peer.rss_kb()?);
        }
        flow.push(&mut crowd, u64::try_from(elapsed.as_micros())?)?;
        let patience = scene.per_s.map_or(Duration::ZERO, |_| TICK);
        crowd.turn(Some(patience), &mut flow)?;
    }
    let (since, cpu_s, own_s) = start.context("a scene that was measured")?;
    seen.seconds = since.elapsed().as_secs_f64();
    seen.cpu_s = peer.cpu_s()? - cpu_s;
    seen.load = (machine::cpu_s(std::process::id())? - own_s) / seen.seconds;
    flow.measuring = false;
    drain(&mut crowd, &mut flow)?;
    finish(seen, flow)
}

/// Connects and subscribes everybody: subscribers first, then publishers, then the bystander's two.
fn gather(crowd: &mut Crowd, flow: &Flow, peer: &Peer, login: &Login) -> anyhow::Result<()> {
    let scene = flow.scene;
    let has_bystander = flow.publishers.len() > scene.publishers;
    let count = scene.subscribers + flow.publishers.len() + usize::from(has_bystander);
    let connects: Vec<Vec<u8>> = (0..count)
        .map(|at| packets::connect(&format!("{}-{at}", scene.name), &login.user, &login.password))
        .collect();
    crowd.connect(peer.address, &connects)?;
    let filter = "bench/+/data".to_owned();
    let mut wanted: Vec<(usize, String)> = (0..scene.subscribers).map(|at| (at, filter.clone())).collect();
    if has_bystander {
        wanted.push((count - 1, "bench/bystander".into()));
    }
    crowd.subscribe(&wanted, scene.qos)
}

/// Takes what is still on its way.
fn drain(crowd: &mut Crowd, flow: &mut Flow) -> anyhow::Result<()> {
    let (mut last, mut came) = (Instant::now(), flow.came);
    while last.elapsed() < SILENCE {
        crowd.turn(Some(TICK), flow)?;
        if flow.came != came {
            came = flow.came;
            last = Instant::now();
        }
    }
    Ok(())
}

fn finish(mut seen: Seen, flow: Flow) -> anyhow::Result<Seen> {
    let scene = flow.scene;
    ensure!(
        flow.out_of_order == 0,
        "{}: {} messages overtook others",
        scene.name,
        flow.out_of_order
    );
    let real = &flow.publishers[..scene.publishers];
    let sent: u64 = real.iter().map(|publisher| publisher.sent).sum();
    seen.acknowledged = real.iter().map(|publisher| publisher.acknowledged).sum();
    let promised = if scene.qos > 0 { seen.acknowledged } else { sent };
    seen.missing = (promised * scene.subscribers as u64).saturating_sub(flow.came);
    let taken = real.iter().map(|publisher| publisher.sent);
    seen.shares = (
        taken.clone().min().unwrap_or_default(),
        taken.max().unwrap_or_default(),
    );
    seen.sent = flow.sent;
    seen.delivered = flow.delivered;
    seen.times_us = flow.times_us;
    seen.times_us.sort_unstable();
    ensure!(seen.delivered > 0, "{}: nothing was delivered", scene.name);
    Ok(seen)
}
