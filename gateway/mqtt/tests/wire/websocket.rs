//! MQTT over WebSocket, frame by frame, after an upgrade that is taken for granted here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use roost_mqtt::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;
use crate::gateway::Gateway;
use crate::packets::{V4, V5, connect_packet};

pub(crate) const BINARY: u8 = 0x82;
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A browser's side of the socket.
pub(crate) struct Browser {
    pub(crate) stream: TcpStream,
}

pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    out
}

impl Browser {
    /// Connects, hands its other end to the gateway, with bytes that came early.
    pub(crate) async fn connect(gateway: &Gateway, early: &[u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, peer) = accepted.unwrap();
        let early = Bytes::copy_from_slice(early);
        assert!(gateway.door().admit(peer, async { Some((socket, early)) }).await);
        Self {
            stream: stream.unwrap(),
        }
    }

    async fn device(gateway: &Gateway, id: &str) -> Self {
        let secret = gateway.add_device(id, true);
        let hello = connect_packet(V4, "browser", Some((id, &secret)), None, 60);
        let mut browser = Self::connect(gateway, &frame(BINARY, &hello)).await;
        assert_eq!(browser.frame().await, (BINARY, vec![0x20, 2, 0, 0]));
        browser
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next frame: its first byte and its payload.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let (first, second) = (
            self.stream.read_u8().await.unwrap(),
            self.stream.read_u8().await.unwrap(),
        );
        let length = match second {
            126 => usize::from(self.stream.read_u16().await.unwrap()),
            127 => usize::try_from(self.stream.read_u64().await.unwrap()).unwrap(),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.unwrap();
        (first, payload)
    }

    /// The status that the gateway closes with, and that it does close.
    async fn close_status(&mut self) -> u16 {
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x88);
        assert_eq!(self.stream.read(&mut [0]).await.unwrap_or(0), 0);
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

#[tokio::test]
async fn packets_may_share_a_frame_and_span_several() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut dashboard = gateway.service(V5).await;
    dashboard.subscribe("devices/#", 1).await;
    let mut browser = Browser::device(&gateway, "boiler").await;
    let mut packets = Vec::new();
    for payload in [b"1", b"2"] {
        Client::put_publish(&mut packets, V4, "devices/boiler/telemetry/x", payload, 0, 0);
    }
    let large = vec![b'x'; 100_000];
    Client::put_publish(&mut packets, V4, "devices/boiler/telemetry/x", &large, 0, 0);
    let (head, tail) = packets.split_at(50);
    browser
        .send(&[frame(0x02, head), frame(0x89, b"in between"), frame(0x80, tail)].concat())
        .await;
    assert_eq!(browser.frame().await, (0x8a, b"in between".to_vec()));
    for payload in [&b"1"[..], b"2", &large] {
        assert_eq!(dashboard.message_at("devices/boiler/telemetry/x").await, payload);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn messages_for_a_browser_come_in_binary_frames() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut browser = Browser::device(&gateway, "boiler").await;
    let filter = b"devices/boiler/commands/#";
    let length = u8::try_from(filter.len()).unwrap();
    let subscribe = [&[0x82, length + 5, 0, 1, 0, length], &filter[..], &[0]].concat();
    browser.send(&frame(BINARY, &subscribe)).await;
    assert_eq!(browser.frame().await, (BINARY, vec![0x90, 3, 0, 1, 0]));
    let topic = roost_model::Topic::new("devices/boiler/commands/x").unwrap();
    let body = vec![b'y'; 150_000];
    gateway
        .bus()
        .publish(roost_runtime::Message::new(topic, body.clone()));
    let mut stream = Vec::new();
    while stream.len() < body.len() {
        let (first, payload) = browser.frame().await;
        assert_eq!(first, BINARY);
        stream.extend(payload);
    }
    assert!(stream.ends_with(&body));
    gateway.stop().await;
}

#[tokio::test]
async fn good_byes_are_said_on_both_levels() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut browser = Browser::device(&gateway, "boiler").await;
    browser.send(&frame(0x88, &[0x03, 0xe8])).await;
    assert_eq!(browser.close_status().await, 1000);
    gateway.until(|stats| stats.connected == 0).await;

    let hello = connect_packet(V5, "browser", Some(("boiler", "wrong")), None, 60);
    let mut refused = Browser::connect(&gateway, &frame(BINARY, &hello)).await;
    assert_eq!(refused.frame().await, (BINARY, vec![0x20, 3, 0, 0x86, 0]));
    assert_eq!(refused.close_status().await, 1000);
    gateway.stop().await;
}

#[tokio::test]
async fn text_bare_and_huge_frames_cost_their_sender_the_connection_and_nobody_else_anything() {
    let gateway = Gateway::start(Limits {
        connect_within: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let mut neighbour = Browser::device(&gateway, "lamp").await;
    for (bytes, status) in [
        (frame(0x81, b"hello"), 1003),
        (vec![0x82, 5, b'H', b'e', b'l', b'l', b'o'], 1002),
        (
            vec![
                0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
            ],
            1009,
        ),
        (frame(0xf2, b"reserved bits"), 1002),
    ] {
        let mut stranger = Browser::connect(&gateway, &bytes).await;
        assert_eq!(stranger.close_status().await, status, "{bytes:x?}");
        let mut device = Browser::device(&gateway, "boiler").await;
        device.send(&bytes).await;
        assert_eq!(device.close_status().await, status, "{bytes:x?}");
    }
    // Half a frame, and nothing at all.
    for bytes in [&frame(BINARY, &[0x10, 20, 0, 4])[..], &[0x82, 0xfe], &[]] {
        let mut silent = Browser::connect(&gateway, bytes).await;
        assert_eq!(silent.stream.read(&mut [0; 9]).await.unwrap_or(0), 0);
    }
    neighbour.send(&frame(BINARY, &[0xc0, 0])).await;
    assert_eq!(neighbour.frame().await, (BINARY, vec![0xd0, 0]));
    let waiting = &gateway.broker().stats().connects_waiting;
    gateway.until(|_| waiting.load(Ordering::Relaxed) == 0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn who_floods_with_pings_and_reads_no_answer_is_not_read_from_any_more() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut neighbour = Browser::device(&gateway, "lamp").await;
    let mut browser = Browser::device(&gateway, "boiler").await;
    let pings = frame(0x89, &[b'x'; 125]).repeat(1000);
    // 131 kB at a time: the kernel takes some megabytes before the gateway's silence is felt.
    let mut sent = 0;
    while sent < 64 << 20 {
        browser.stream.writable().await.unwrap();
        match tokio::time::timeout(Duration::from_millis(500), browser.stream.write_all(&pings)).await {
            Ok(written) => written.unwrap(),
            Err(_) => break,
        }
        sent += pings.len();
    }
    assert!(sent < 64 << 20, "64 MB of pings were read and their answers kept");
    neighbour.send(&frame(BINARY, &[0xc0, 0])).await;
    assert_eq!(neighbour.frame().await, (BINARY, vec![0xd0, 0]));
    gateway.stop().await;
}
