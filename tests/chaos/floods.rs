//! Floods: clients that ask for more than their share while all the rest goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use roost::sim::Login;
use roost_mqtt::codec::{self, Head, Version};
use roost_runtime::QoS;

use crate::stage::Stage;

/// Messages of one burst: many times what an inbox holds.
const BURST: u64 = 2000;
const BETWEEN: Duration = Duration::from_millis(1500);

fn enter(stage: &Stage, login: (&str, &str), id: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(stage.mqtt())?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut out = BytesMut::new();
    codec::put_connect(&mut out, id, login.0, login.1, 60);
    stream.write_all(&out)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    Ok(stream)
}

fn burst(stage: &Stage, login: (&str, &str), topic: &str, body: &[u8]) -> std::io::Result<()> {
    let mut stream = enter(stage, login, "flood")?;
    let mut out = BytesMut::new();
    for _ in 0..BURST {
        let head = Head {
            topic,
            qos: QoS::AtMostOnce,
            ..Head::default()
        };
        codec::put_publish(&mut out, Version::V4, &head, body);
    }
    stream.write_all(&out)
}

/// Floods one device's inbox, the commands of another, the door with wrong passwords, and takes everything without ever
/// reading it. Returns how many bursts there were.
pub(crate) fn pour(stage: &Stage, flooded: &Login, stop: &AtomicBool) -> u64 {
    let bursts = AtomicU64::new(0);
    let token = stage.program.token();
    let telemetry = format!("devices/{}/telemetry/x", flooded.user);
    let set = format!("devices/{}/points/relay/set", flooded.user);
    let mut deaf: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        let device = (flooded.user.as_str(), flooded.password.as_str());
        let poured = [
            burst(stage, device, &telemetry, b"1"),
            burst(stage, ("roost", &token), &set, b"{\"value\":true}"),
        ];
        bursts.fetch_add(poured.iter().flatten().count() as u64, Ordering::Relaxed);
        for _ in 0..50 {
            // Refused, or hung up on by a listener that is just being restarted.
            let _ = enter(stage, ("d0", "guess"), "stranger");
        }
        if deaf
            .as_mut()
            .is_none_or(|stream| stream.write_all(&[0xc0, 0]).is_err())
        {
            deaf = enter(stage, ("roost", &token), "deaf").ok();
            let mut out = BytesMut::new();
            codec::put_subscribe(&mut out, 1, "#", QoS::AtMostOnce);
            if deaf
                .as_mut()
                .is_some_and(|stream| stream.write_all(&out).is_err())
            {
                deaf = None;
            }
        }
        std::thread::sleep(BETWEEN);
    }
    bursts.into_inner()
}
