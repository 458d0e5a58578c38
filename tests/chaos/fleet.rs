//! A fleet of devices that count: each says the next number with QoS 1, says again what was not acknowledged, connects
//! again whatever happens, obeys commands and remembers which.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::BytesMut;
use roost::sim::Login;
use roost_mqtt::codec::{self, AckKind, Head, Incoming, Reason, Version};
use roost_runtime::QoS;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, timeout};

/// Messages of a device that wait for their acknowledgement, at most.
const WINDOW: usize = 20;
/// How long a device waits for a word of the gateway before it connects again.
const PATIENCE: Duration = Duration::from_secs(5);
const PACKET_BYTES: usize = 64 << 10;

/// What the devices of a fleet share.
pub(crate) struct Shared {
    broker: SocketAddr,
    interval: Duration,
    counts: AtomicBool,
    stops: AtomicBool,
    connected: AtomicUsize,
    acknowledged: AtomicU64,
    pending: AtomicUsize,
    lost: AtomicU64,
    /// How often each command was obeyed, by its id.
    obeyed: Mutex<HashMap<String, u32>>,
    /// Relays as each device has shown them, with the time of day in milliseconds.
    shown: Mutex<HashMap<String, Vec<(u64, bool)>>>,
}

/// A running fleet.
pub(crate) struct Fleet {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
    devices: Vec<tokio::task::JoinHandle<(String, u64)>>,
}

impl Fleet {
    /// Starts devices that each say a number every `interval`, once they are told to count.
    pub(crate) fn start(broker: SocketAddr, interval: Duration, logins: Vec<Login>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            broker,
            interval,
            counts: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            connected: AtomicUsize::new(0),
            acknowledged: AtomicU64::new(0),
            pending: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            obeyed: Mutex::default(),
            shown: Mutex::default(),
        });
        let devices = logins
            .into_iter()
            .map(|login| runtime.spawn(Device::new(login, Arc::clone(&shared)).live()))
            .collect();
        Self {
            shared,
            runtime,
            devices,
        }
    }

    pub(crate) fn count(&self, on: bool) {
        self.shared.counts.store(on, Ordering::Relaxed);
    }

    pub(crate) fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::Relaxed)
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Numbers that were said and not acknowledged yet.
    pub(crate) fn pending(&self) -> usize {
        self.shared.pending.load(Ordering::Relaxed)
    }

    /// Connections that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// How often a command was obeyed.
    pub(crate) fn obeyed(&self, id: &str) -> u32 {
        self.shared.obeyed.lock().unwrap().get(id).copied().unwrap_or(0)
    }

    /// Whether the relay of a device stood so at any time between two times of day, in milliseconds.
    pub(crate) fn stood(&self, device: &str, relay: bool, (from, to): (u64, u64)) -> bool {
        let shown = self.shared.shown.lock().unwrap();
        let Some(shown) = shown.get(device) else {
            return false;
        };
        let before = shown.iter().rev().find(|(at, _)| *at < from);
        let meanwhile = shown.iter().filter(|(at, _)| (from..=to).contains(at));
        before
            .into_iter()
            .chain(meanwhile)
            .any(|(_, stood)| *stood == relay)
    }

    /// Ends all; the last number of each.
    pub(crate) fn stop(self) -> HashMap<String, u64> {
        self.shared.stops.store(true, Ordering::Relaxed);
        let Self { runtime, devices, .. } = self;
        let ends = async {
            let mut last = HashMap::new();
            for device in devices {
                last.extend([device.await.expect("a device does not panic")]);
            }
            last
        };
        runtime.block_on(ends)
    }
}

struct Device {
    login: Login,
    shared: Arc<Shared>,
    /// The last number that was said.
    said: u64,
    /// Packet identifiers and their numbers, oldest first; 0 for what is no number.
    waiting: VecDeque<(u16, u64)>,
    last_id: u16,
    relay: bool,
}

impl Device {
    fn new(login: Login, shared: Arc<Shared>) -> Self {
        Self {
            login,
            shared,
            said: 0,
            waiting: VecDeque::new(),
            last_id: 0,
            relay: false,
        }
    }

    async fn live(mut self) -> (String, u64) {
        while !self.shared.stops.load(Ordering::Relaxed) {
            if let Ok(Ok((stream, read))) = timeout(PATIENCE, self.connect()).await {
                self.shared.connected.fetch_add(1, Ordering::Relaxed);
                let ended = self.converse(stream, read).await;
                self.shared.connected.fetch_sub(1, Ordering::Relaxed);
                if ended.is_ok() {
                    break;
                }
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
            }
            let pause = fastrand::u64(100..300);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        (self.login.user, self.said)
    }

    async fn connect(&self) -> anyhow::Result<(TcpStream, BytesMut)> {
        let mut stream = TcpStream::connect(self.shared.broker).await?;
        stream.set_nodelay(true)?;
        let mut out = BytesMut::new();
        let (user, password) = (&self.login.user, &self.login.password);
        codec::put_connect(&mut out, user, user, password, 60);
        let commands = format!("devices/{user}/commands/+");
        codec::put_subscribe(&mut out, 1, &commands, QoS::AtLeastOnce);
        stream.write_all(&out).await?;
        let mut read = BytesMut::new();
        for expected in [0x20, 0x90] {
            let packet = loop {
                if let Some(length) = codec::frame(&read, PACKET_BYTES)? {
                    break read.split_to(length);
                }
                anyhow::ensure!(stream.read_buf(&mut read).await? > 0, "the gateway hung up");
            };
            anyhow::ensure!(
                packet[0] == expected
                    && packet[packet.len() - 1] & 0x80 == 0
                    && (expected != 0x20 || packet[3] == 0)
            );
        }
        Ok((stream, read))
    }

    /// `Ok` when it is told to stop and nothing waits any more.
    async fn converse(&mut self, mut stream: TcpStream, mut read: BytesMut) -> anyhow::Result<()> {
        let mut out = BytesMut::new();
        self.say_again(&mut out);
        self.show(&mut out);
        stream.write_all(&out).await?;
        out.clear();
        let offset = self.shared.interval.mul_f64(fastrand::f64());
        let mut ticks = tokio::time::interval_at(Instant::now() + offset, self.shared.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.shared.stops.load(Ordering::Relaxed) && self.waiting.is_empty() {
                        return Ok(());
                    }
                    anyhow::ensure!(self.waiting.is_empty() || heard.elapsed() < PATIENCE, "no acknowledgement");
                    if self.waiting.is_empty() {
                        heard = Instant::now();
                    }
                    if self.shared.counts.load(Ordering::Relaxed) && self.waiting.len() < WINDOW {
                        self.said += 1;
                        self.say(self.said, false, &mut out);
                    }
                }
                count = stream.read_buf(&mut read) => {
                    anyhow::ensure!(count? > 0, "the gateway hung up");
                    heard = Instant::now();
                    while let Some(length) = codec::frame(&read, PACKET_BYTES)? {
                        let packet = read.split_to(length);
                        self.take(&packet, &mut out)?;
                    }
                }
            }
            if !out.is_empty() {
                timeout(PATIENCE, stream.write_all(&out)).await??;
                out.clear();
            }
        }
    }

    fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }

    fn publish(&mut self, topic: &str, body: &[u8], dup: bool, out: &mut BytesMut) -> u16 {
        let id = self.next_id();
        let head = Head {
            topic,
            qos: QoS::AtLeastOnce,
            dup,
            id,
            ..Head::default()
        };
        codec::put_publish(out, Version::V4, &head, body);
        id
    }

    fn say(&mut self, number: u64, dup: bool, out: &mut BytesMut) {
        let topic = format!("devices/{}/telemetry/n", self.login.user);
        let id = self.publish(&topic, number.to_string().as_bytes(), dup, out);
        self.waiting.push_back((id, number));
        if !dup {
            self.shared.pending.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was not acknowledged on the connection before.
    fn say_again(&mut self, out: &mut BytesMut) {
        for (_, number) in std::mem::take(&mut self.waiting) {
            if number > 0 {
                self.say(number, true, out);
            }
        }
    }

    /// Shows the relay, which is what can be commanded.
    fn show(&mut self, out: &mut BytesMut) {
        let topic = format!("devices/{}/telemetry", self.login.user);
        let now_ms = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as u64);
        let mut shown = self.shared.shown.lock().unwrap();
        shown
            .entry(self.login.user.clone())
            .or_default()
            .push((now_ms, self.relay));
        drop(shown);
        let body = json!({ "relay": { "value": self.relay, "access": "read_write", "cadence_ms": 600_000 } });
        let id = self.publish(&topic, body.to_string().as_bytes(), false, out);
        self.waiting.push_back((id, 0));
    }

    fn take(&mut self, packet: &[u8], out: &mut BytesMut) -> anyhow::Result<()> {
        match packet[0] >> 4 {
            4 => {
                let id = u16::from_be_bytes([packet[2], packet[3]]);
                let at = self.waiting.iter().position(|(other, _)| *other == id);
                let at = at.ok_or_else(|| anyhow::anyhow!("{id} was acknowledged, and never said"))?;
                if self.waiting.remove(at).is_some_and(|(_, number)| number > 0) {
                    self.shared.pending.fetch_sub(1, Ordering::Relaxed);
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            }
            3 => self.obey(packet, out)?,
            _ => {}
        }
        Ok(())
    }

    fn obey(&mut self, packet: &[u8], out: &mut BytesMut) -> anyhow::Result<()> {
        let Incoming::Publish(publish) = codec::decode(Version::V4, packet)? else {
            return Ok(());
        };
        codec::put_ack(out, Version::V4, AckKind::PubAck, publish.id, Reason::Success);
        let command: Value = serde_json::from_slice(publish.body)?;
        let id = command["id"].as_str().unwrap_or_default();
        *self
            .shared
            .obeyed
            .lock()
            .unwrap()
            .entry(id.to_owned())
            .or_insert(0) += 1;
        self.relay = command["value"] == true;
        let answer = json!({ "id": id, "ok": true }).to_string();
        let topic = format!("{}/result", publish.topic);
        let id = self.publish(&topic, answer.as_bytes(), false, out);
        self.waiting.push_back((id, 0));
        self.show(out);
        Ok(())
    }
}
