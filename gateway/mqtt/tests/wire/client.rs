//! A client that speaks in bytes, so that it can also speak nonsense.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::gateway::PATIENCE;
use crate::packets::{V4, V5, connect_packet, framed, put_text};

/// What bytes can be sent through and read from.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(crate) struct Client {
    stream: Box<dyn Duplex>,
    pub(crate) version: u8,
    next_id: u16,
}

impl Client {
    pub(crate) fn on(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            version: V4,
            next_id: 0,
        }
    }

    /// Says CONNECT and gives back the answer.
    pub(crate) async fn say_connect(
        &mut self,
        version: u8,
        id: &str,
        login: Option<(&str, &str)>,
    ) -> Vec<u8> {
        self.version = version;
        self.send(&connect_packet(version, id, login, None, 60)).await;
        self.packet().await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // A gateway that has hung up in the middle of a flood is part of some tests.
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let reading = self.stream.read_exact(&mut bytes);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("an answer")
            .expect("an open connection");
        bytes
    }

    /// The next packet with its header.
    pub(crate) async fn packet(&mut self) -> Vec<u8> {
        let mut bytes = self.exactly(2).await;
        let mut length = usize::from(bytes[1] & 0x7f);
        let mut shift = 7;
        while bytes[bytes.len() - 1] & 0x80 != 0 {
            let more = self.exactly(1).await[0];
            length |= usize::from(more & 0x7f) << shift;
            shift += 7;
            bytes.push(more);
        }
        let body = self.exactly(length).await;
        bytes.extend(body);
        bytes
    }

    /// The packet that follows; messages that come in between are passed over.
    async fn packet_of(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let packet = self.packet().await;
            if packet[0] >> 4 == kind {
                return packet;
            }
            assert_eq!(packet[0] >> 4, 3, "{packet:x?}");
        }
    }

    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let reading = self.stream.read_to_end(&mut rest);
        // Reset or end: either is a connection that was ended.
        let _ = tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the gateway hangs up");
    }

    pub(crate) async fn disconnect_reason(&mut self) -> u8 {
        self.packet_of(14).await[2]
    }

    fn id(&mut self) -> u16 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn put_publish(out: &mut Vec<u8>, version: u8, topic: &str, payload: &[u8], qos: u8, id: u16) {
        let mut body = Vec::new();
        put_text(&mut body, topic.as_bytes());
        if qos > 0 {
            body.extend_from_slice(&id.to_be_bytes());
        }
        if version == V5 {
            body.push(0);
        }
        body.extend_from_slice(payload);
        out.extend(framed(0x30 | (qos << 1), &body));
    }

    pub(crate) async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8) {
        let (mut bytes, id) = (Vec::new(), self.id());
        Self::put_publish(&mut bytes, self.version, topic, payload, qos, id);
        self.send(&bytes).await;
    }

    /// Publishes with a packet identifier of the caller's choice.
    pub(crate) async fn publish_as(&mut self, topic: &str, payload: &[u8], qos: u8, id: u16) {
        let mut bytes = Vec::new();
        Self::put_publish(&mut bytes, self.version, topic, payload, qos, id);
        self.send(&bytes).await;
    }

    /// Publishes to be retained, with QoS 0.
    pub(crate) async fn publish_retained(&mut self, topic: &str, payload: &[u8]) {
        let mut bytes = Vec::new();
        Self::put_publish(&mut bytes, self.version, topic, payload, 0, 0);
        bytes[0] |= 1;
        self.send(&bytes).await;
    }

    /// The packet identifier of a PUBLISH that is short.
    pub(crate) fn id_of(&self, packet: &[u8]) -> [u8; 2] {
        let at = 4 + usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        [packet[at], packet[at + 1]]
    }

    /// The reason code of the next PUBACK; 0 where it has none.
    pub(crate) async fn puback(&mut self) -> u8 {
        self.packet_of(4).await.get(4).copied().unwrap_or(0)
    }

    async fn filter_packet(&mut self, first: u8, filter: &str, options: &[u8]) {
        let mut body = self.id().to_be_bytes().to_vec();
        if self.version == V5 {
            body.push(0);
        }
        put_text(&mut body, filter.as_bytes());
        body.extend_from_slice(options);
        self.send(&framed(first, &body)).await;
    }

    pub(crate) async fn subscribe_code(&mut self, filter: &str, qos: u8) -> u8 {
        self.filter_packet(0x82, filter, &[qos]).await;
        *self.packet_of(9).await.last().unwrap()
    }

    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) {
        assert_eq!(self.subscribe_code(filter, qos).await, qos);
    }

    pub(crate) async fn unsubscribe_code(&mut self, filter: &str) -> u8 {
        self.filter_packet(0xa2, filter, &[]).await;
        *self.packet_of(11).await.last().unwrap()
    }

    pub(crate) async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.packet_of(13).await, [0xd0, 0]);
    }

    pub(crate) async fn goodbye(mut self) {
        self.send(&[0xe0, 0]).await;
        self.closed().await;
    }

    /// Says good-bye, and how many seconds its session is to be kept.
    pub(crate) async fn goodbye_for(mut self, expiry_s: u32) {
        let mut packet = vec![0xe0, 7, 0, 5, 0x11];
        packet.extend_from_slice(&expiry_s.to_be_bytes());
        self.send(&packet).await;
        self.closed().await;
    }

    /// The next message, acknowledged if it asks for it.
    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        let packet = self.packet_of(3).await;
        let header = 1 + packet[1..].iter().take_while(|byte| *byte & 0x80 != 0).count() + 1;
        let length = usize::from(u16::from_be_bytes([packet[header], packet[header + 1]]));
        let mut at = header + 2 + length;
        let topic = String::from_utf8(packet[header + 2..at].to_vec()).unwrap();
        if packet[0] & 0b110 != 0 {
            self.send(&[0x40, 2, packet[at], packet[at + 1]]).await;
            at += 2;
        }
        if self.version == V5 {
            at += 1 + usize::from(packet[at]);
        }
        (topic, packet[at..].to_vec())
    }

    /// The next message on one topic; others are passed over.
    pub(crate) async fn message_at(&mut self, topic: &str) -> Vec<u8> {
        loop {
            let (at, body) = self.message().await;
            if at == topic {
                return body;
            }
        }
    }
}
