//! A gateway on a free port, without a program around it.
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
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::packets::{Entry, connect_as, connect_packet};

/// No answer of a gateway on the same machine takes this long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Stats {
    pub(crate) connected: u64,
    pub(crate) refused: u64,
    pub(crate) wills: u64,
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
