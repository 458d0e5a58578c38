//! A gateway on a free port, and a client that speaks in bytes, so that it can also speak nonsense.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roost_model::{Device, Profile};
use roost_mqtt::{Access, Broker, Certificates, Limits, Listen, WebSocketDoor};
use roost_runtime::{Bus, Events, Presence, Shutdown, SupervisorHandle};
use roost_store::{Secrets, Store, StoreOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) const V4: u8 = 4;
pub(crate) const V5: u8 = 5;
/// No answer of a gateway on the same machine takes this long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Stats {
    pub(crate) connected: u64,
    pub(crate) refused: u64,
    pub(crate) wills: u64,
}

/// How a client connects.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) version: u8,
    pub(crate) id: &'a str,
    pub(crate) login: Option<(&'a str, &'a str)>,
    pub(crate) will: Option<(&'a str, &'a str)>,
    pub(crate) keep_alive: u16,
    pub(crate) clean: bool,
    /// Version 5 only, as all that follow.
    pub(crate) expiry_s: Option<u32>,
    pub(crate) will_delay_s: Option<u32>,
    /// Further properties, encoded.
    pub(crate) properties: &'a [u8],
}

pub(crate) struct Gateway {
    broker: Arc<Broker>,
    access: Arc<Access>,
    secrets: Secrets,
    bus: Bus,
    connections: SupervisorHandle,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    limits: Limits,
    directory: tempfile::TempDir,
}

impl Gateway {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::listening(limits, None).await
    }

    pub(crate) async fn listening(limits: Limits, tls: Option<Arc<Certificates>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), StoreOptions::default()).unwrap();
        let secrets = Secrets::open(&store).unwrap();
        let access = Arc::new(Access::new(secrets.clone()));
        access.set_service(secrets.hash("token"));
        access.set_profile(&Profile {
            id: "native".into(),
            publishes: vec!["devices/{device}/telemetry/#".into()],
            subscribes: vec!["devices/{device}/commands/#".into()],
            ..Profile::default()
        });
        Self::run(directory, access, secrets, limits, tls).await
    }

    async fn run(
        directory: tempfile::TempDir,
        access: Arc<Access>,
        secrets: Secrets,
        limits: Limits,
        tls: Option<Arc<Certificates>>,
    ) -> Self {
        let bus = Bus::default();
        let broker = Broker::open(
            bus.clone(),
            Presence::new(bus.clone()),
            Arc::clone(&access),
            limits,
            &directory.path().join("sessions"),
        )
        .unwrap();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = Listen {
            plain: anywhere,
            tls: tls.map(|certificates| (anywhere, certificates)),
        };
        let secured = listen.tls.is_some();
        let (supervisor, connections) = broker.supervisor(listen, &Events::new(8));
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let task = tokio::task::spawn(async move { supervisor.run(stop).await.unwrap() });
        let gateway = Self {
            broker,
            access,
            secrets,
            bus,
            connections,
            shutdown,
            task,
            limits,
            directory,
        };
        let listens = || {
            let broker = &gateway.broker;
            broker.address().is_some() && (!secured || broker.tls_address().is_some())
        };
        while !listens() {
            tokio::task::yield_now().await;
        }
        gateway
    }

    pub(crate) async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap();
    }

    /// Stops, and goes on with what is on disk.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            broker,
            access,
            secrets,
            bus,
            connections: _,
            shutdown,
            task,
            limits,
            directory,
        } = self;
        shutdown.request();
        task.await.unwrap();
        broker.close();
        // The log is open in one place at a time.
        drop((broker, bus));
        Self::run(directory, access, secrets, limits, None).await
    }

    /// Connects. Whether the session of before was found comes with the client.
    pub(crate) async fn open(&self, entry: &Entry<'_>) -> (Client, bool) {
        let mut client = self.connect().await;
        client.version = entry.version;
        client.send(&connect_as(entry)).await;
        let answer = client.packet().await;
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:x?}");
        (client, answer[2] == 1)
    }

    /// Publishes numbers of four digits with QoS 1, each acknowledged, by a client that may.
    pub(crate) async fn publish_numbers(&self, topic: &str, range: std::ops::Range<usize>) {
        let topic = roost_model::Topic::new(topic).unwrap();
        for number in range {
            let message = roost_runtime::Message::new(topic.clone(), format!("{number:04}")).at_least_once();
            let published = self.bus.publish_from(message, roost_runtime::Origin::default());
            self.broker.written(published.barrier).await;
        }
    }

    pub(crate) async fn publish_qos_2(&self, topic: &str, body: &'static [u8]) {
        let mut message = roost_runtime::Message::new(roost_model::Topic::new(topic).unwrap(), body);
        message.qos = roost_runtime::QoS::ExactlyOnce;
        let published = self.bus.publish_from(message, roost_runtime::Origin::default());
        self.broker.written(published.barrier).await;
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn stats(&self) -> Stats {
        let stats = self.broker.stats();
        Stats {
            connected: stats.connected.load(Ordering::Relaxed),
            refused: stats.refused.load(Ordering::Relaxed),
            wills: stats.wills.load(Ordering::Relaxed),
        }
    }

    pub(crate) async fn until(&self, holds: impl Fn(Stats) -> bool) {
        let waiting = async {
            while !holds(self.stats()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it never came to that");
    }

    /// Waits until all connections together hold so many bytes of unfinished packets and unsent answers.
    pub(crate) async fn until_buffered(&self, bytes: usize) {
        let waiting = async {
            while self.broker.buffered() != bytes {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it never came to that");
    }

    pub(crate) fn evict(&self, identity: &str) -> usize {
        self.broker.disconnect(identity)
    }

    pub(crate) fn add_device(&self, id: &str, enabled: bool) -> String {
        let secret = Secrets::generate().unwrap();
        self.access.set_device(&Device {
            id: id.into(),
            enabled,
            profile: "native".into(),
            secret_hash: self.secrets.hash(&secret),
            ..Device::default()
        });
        secret
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) async fn connect(&self) -> Client {
        let address: SocketAddr = self.broker.address().unwrap();
        Client::on(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.broker.tls_address().unwrap()
    }

    /// Where WebSockets are handed over.
    pub(crate) fn door(&self) -> WebSocketDoor {
        WebSocketDoor::new(Arc::clone(&self.broker), self.connections.clone())
    }

    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    pub(crate) async fn knock(&self, version: u8, id: &str, login: Option<(&str, &str)>) -> Vec<u8> {
        let mut client = self.connect().await;
        client.send(&connect_packet(version, id, login, None, 60)).await;
        client.packet().await
    }

    pub(crate) async fn knock_with_will(
        &self,
        version: u8,
        user: &str,
        secret: &str,
        topic: &str,
    ) -> Vec<u8> {
        let mut client = self.connect().await;
        client
            .send(&connect_packet(
                version,
                "c",
                Some((user, secret)),
                Some((topic, "will")),
                60,
            ))
            .await;
        client.packet().await
    }

    pub(crate) async fn enter(
        &self,
        version: u8,
        id: &str,
        user: &str,
        password: &str,
        will: Option<(&str, &str)>,
        keep_alive: u16,
    ) -> Client {
        let mut client = self.connect().await;
        client.version = version;
        client
            .send(&connect_packet(
                version,
                id,
                Some((user, password)),
                will,
                keep_alive,
            ))
            .await;
        let answer = client.packet().await;
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:x?}");
        client
    }

    pub(crate) async fn device(&self, version: u8, id: &str) -> Client {
        let secret = self.add_device(id, true);
        self.enter(version, &format!("client of {id}"), id, &secret, None, 60)
            .await
    }

    pub(crate) async fn service(&self, version: u8) -> Client {
        self.enter(version, "", "roost", "token", None, 60).await
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend_from_slice(text);
}

fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let byte = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

pub(crate) fn connect_packet(
    version: u8,
    id: &str,
    login: Option<(&str, &str)>,
    will: Option<(&str, &str)>,
    keep_alive: u16,
) -> Vec<u8> {
    connect_as(&Entry {
        version,
        id,
        login,
        will,
        keep_alive,
        clean: true,
        ..Entry::default()
    })
}

fn put_properties(body: &mut Vec<u8>, numbers: &[(u8, Option<u32>)], more: &[u8]) {
    let mut properties = Vec::new();
    for (id, number) in numbers {
        if let Some(number) = number {
            properties.push(*id);
            properties.extend_from_slice(&number.to_be_bytes());
        }
    }
    properties.extend_from_slice(more);
    body.push(u8::try_from(properties.len()).unwrap());
    body.extend(properties);
}

fn connect_as(entry: &Entry<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    put_text(&mut body, b"MQTT");
    let flag = |on: bool, bits: u8| if on { bits } else { 0 };
    let flags = flag(entry.clean, 2) | flag(entry.will.is_some(), 0x0c) | flag(entry.login.is_some(), 0xc0);
    body.extend_from_slice(&[entry.version, flags]);
    body.extend_from_slice(&entry.keep_alive.to_be_bytes());
    if entry.version == V5 {
        put_properties(&mut body, &[(0x11, entry.expiry_s)], entry.properties);
    }
    put_text(&mut body, entry.id.as_bytes());
    if let Some((topic, message)) = entry.will {
        if entry.version == V5 {
            put_properties(&mut body, &[(0x18, entry.will_delay_s)], &[]);
        }
        put_text(&mut body, topic.as_bytes());
        put_text(&mut body, message.as_bytes());
    }
    if let Some((user, password)) = entry.login {
        put_text(&mut body, user.as_bytes());
        put_text(&mut body, password.as_bytes());
    }
    framed(0x10, &body)
}

/// What bytes can be sent through and read from.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(crate) struct Client {
    stream: Box<dyn Duplex>,
    version: u8,
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
