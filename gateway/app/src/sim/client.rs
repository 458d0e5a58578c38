//! One simulated device: a small MQTT 3.1.1 client on the gateway's own codec, and the values it makes up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use roost_mqtt::codec::{self, Version};
use roost_runtime::{BoxError, Context, QoS};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Login, Shared};

/// Largest packet that a device takes, in bytes.
const PACKET_BYTES: usize = 64 << 10;
/// Keep-alive that a device asks for, in seconds; its reports are far more frequent.
const KEEP_ALIVE_S: u16 = 120;

/// Lives until it is told to stop, through any number of power cuts.
pub(super) async fn run(
    shared: Arc<Shared>,
    login: Login,
    index: usize,
    context: Context,
) -> Result<(), BoxError> {
    let mut power = shared.power.subscribe();
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            on = power.wait_for(|on| *on) => {
                on?;
            }
        }
        let mut device = Device {
            shared: &shared,
            login: &login,
            index,
            relay: false,
            last_id: 0,
        };
        tokio::select! {
            result = device.live() => {
                shared.errors.fetch_add(1, Ordering::Relaxed);
                result?;
            }
            // Dropping the socket is what a power cut looks like from outside.
            _ = power.wait_for(|on| !*on) => {}
            () = context.shutdown.requested() => return Ok(()),
        }
    }
}

struct Device<'a> {
    shared: &'a Shared,
    login: &'a Login,
    index: usize,
    relay: bool,
    last_id: u16,
}

/// Counts a device as connected for as long as it lives.
struct Connected<'a>(&'a AtomicU64);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Device<'_> {
    /// Connects and reports; returns only when the connection is lost.
    async fn live(&mut self) -> Result<(), BoxError> {
        let (mut stream, mut read) = {
            let _turn = self.shared.handshakes.acquire().await?;
            self.connect().await?
        };
        self.shared.connected.fetch_add(1, Ordering::Relaxed);
        let _connected = Connected(&self.shared.connected);
        let interval = self.shared.plan.interval;
        // Devices report at moments of their own, spread over the interval.
        let offset = interval.mul_f64(fastrand::f64());
        let mut ticks = tokio::time::interval_at(Instant::now() + offset, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut out = BytesMut::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.shared.reporting.load(Ordering::Relaxed) {
                        self.report(&mut out);
                        stream.write_all(&out).await?;
                        out.clear();
                    }
                }
                ready = stream.readable() => {
                    ready?;
                    if !self.take(&mut stream, &mut read, &mut out).await? {
                        return Err("the gateway hung up".into());
                    }
                }
            }
        }
    }

    async fn connect(&self) -> Result<(TcpStream, BytesMut), BoxError> {
        let mut stream = TcpStream::connect(self.shared.plan.broker).await?;
        stream.set_nodelay(true)?;
        let mut out = BytesMut::new();
        let (user, password) = (&self.login.user, &self.login.password);
        codec::put_connect(&mut out, user, user, password, KEEP_ALIVE_S);
        codec::put_subscribe(
            &mut out,
            1,
            &format!("devices/{user}/commands/+"),
            QoS::AtLeastOnce,
        );
        stream.write_all(&out).await?;
        let mut read = BytesMut::new();
        // CONNACK and SUBACK.
        for expected in [0x20, 0x90] {
            let packet = next(&mut stream, &mut read).await?;
            let refused = if expected == 0x20 {
                packet[3] != 0
            } else {
                packet[packet.len() - 1] & 0x80 != 0
            };
            if packet[0] != expected || refused {
                return Err(format!("refused: {packet:02x?}").into());
            }
        }
        Ok((stream, read))
    }

    fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }

    /// Slow waves, different for each device: enough to see that something is alive.
    fn report(&mut self, out: &mut BytesMut) {
        let seconds = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        #[expect(clippy::cast_precision_loss, reason = "an index is small")]
        let phase = seconds.as_secs_f64() / 60.0 + self.index as f64;
        let temperature = ((21.0 + 4.0 * phase.sin()) * 100.0).round() / 100.0;
        let humidity = ((48.0 + 12.0 * (phase * 0.7).cos()) * 10.0).round() / 10.0;
        let cadence = self.shared.plan.interval.as_millis();
        let body = format!(
            "{{\"temperature\":{{\"value\":{temperature},\"unit\":\"°C\",\"cadence_ms\":{cadence}}},\
             \"humidity\":{{\"value\":{humidity},\"unit\":\"%\",\"cadence_ms\":{cadence}}},\
             \"relay\":{{\"value\":{},\"access\":\"read_write\",\"cadence_ms\":{cadence}}}}}",
            self.relay
        );
        let topic = format!("devices/{}/telemetry", self.login.user);
        let id = self.next_id();
        codec::put_publish(out, Version::V4, &reliable(&topic, id), body.as_bytes());
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes what has come. `false` if the connection has ended.
    async fn take(
        &mut self,
        stream: &mut TcpStream,
        read: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<bool, BoxError> {
        let mut chunk = [0; 2048];
        match stream.try_read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(count) => read.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        while let Some(length) = codec::frame(read, PACKET_BYTES)? {
            let packet = read.split_to(length);
            match packet[0] >> 4 {
                4 => {
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                3 => self.obey(&packet, out)?,
                _ => {}
            }
        }
        if read.is_empty() {
            *read = BytesMut::new();
        }
        if !out.is_empty() {
            stream.write_all(out).await?;
            out.clear();
        }
        Ok(true)
    }

    /// A command: acknowledged as a packet, obeyed, answered, and shown by the next report, which comes at once.
    fn obey(&mut self, packet: &[u8], out: &mut BytesMut) -> Result<(), BoxError> {
        let codec::Incoming::Publish(publish) = codec::decode(Version::V4, packet)? else {
            return Ok(());
        };
        if publish.qos == QoS::AtLeastOnce {
            let kind = codec::AckKind::PubAck;
            codec::put_ack(out, Version::V4, kind, publish.id, codec::Reason::Success);
        }
        let command: Value = serde_json::from_slice(publish.body)?;
        let relay = publish
            .topic
            .ends_with("/relay")
            .then(|| command.get("value").and_then(Value::as_bool))
            .flatten();
        let answer = match relay {
            Some(on) => {
                self.relay = on;
                serde_json::json!({ "id": command.get("id"), "ok": true })
            }
            None => {
                serde_json::json!({ "id": command.get("id"), "error": "only `relay` can be set, to true or false" })
            }
        };
        self.shared.commands.fetch_add(1, Ordering::Relaxed);
        let topic = format!("{}/result", publish.topic);
        let id = self.next_id();
        let answer = answer.to_string();
        codec::put_publish(out, Version::V4, &reliable(&topic, id), answer.as_bytes());
        // Its PUBACK will be counted too.
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
        self.report(out);
        Ok(())
    }
}

/// The head of a message of QoS 1.
fn reliable(topic: &str, id: u16) -> codec::Head<'_> {
    codec::Head {
        topic,
        qos: QoS::AtLeastOnce,
        id,
        ..codec::Head::default()
    }
}

async fn next(stream: &mut TcpStream, read: &mut BytesMut) -> Result<BytesMut, BoxError> {
    loop {
        if let Some(length) = codec::frame(read, PACKET_BYTES)? {
            return Ok(read.split_to(length));
        }
        if stream.read_buf(read).await? == 0 {
            return Err("the gateway hung up".into());
        }
    }
}
