//! The broker: what all connections share, and its part of the supervision tree.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use roost_runtime::{Bus, ChildSpec, Events, Presence, Strategy, Supervisor, SupervisorHandle};
use roost_store::StoreError;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::access::Access;
use crate::clock::Clock;
use crate::keeper;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::listener::{self, Door};
use crate::lobby::Lobby;
use crate::pace::Rate;
use crate::roster::Roster;
use crate::session::AliasBudget;
use crate::stats::BrokerStats;
use crate::sys;
use crate::tls::{Certificates, Handshakes, renewal};
use crate::will::LastWill;

/// Presence topic of the devices that are connected by MQTT; the keys are their ids.
pub const PRESENCE: &str = "devices";

/// Messages of so much time may come in one moment: a device that was away has something to tell.
const PUBLISH_BURST: Duration = Duration::from_secs(2);

/// The broker. One per gateway, shared by its listeners and connections.
#[derive(Debug)]
pub struct Broker {
    bus: Bus,
    pub(crate) presence: PresenceBox,
    access: Arc<Access>,
    limits: Limits,
    stats: Arc<BrokerStats>,
    roster: Arc<Roster>,
    ledger: Arc<Ledger>,
    /// Wakes the keeper: a session has been left, with something that is due one day.
    session_left: Notify,
    clock: Clock,
    /// How fast one device may publish.
    publish_rate: Option<Rate>,
    /// Bytes of unfinished packets and unsent answers of all connections.
    buffered: AtomicUsize,
    /// What the aliases of all clients take.
    aliases: Arc<AliasBudget>,
    client_ids: AtomicU64,
    client_id_key: RandomState,
    lobby: Arc<Lobby>,
    handshakes: Handshakes,
    bound: Mutex<Bound>,
    /// Held from a change of presence to the status that tells of it, so that the last word is the true one.
    pub(crate) status_order: Mutex<()>,
    /// What is said of a device that is present, by version; shared by all of them.
    pub(crate) metas: [Arc<Map<String, Value>>; 2],
}

/// Where MQTT is listened for. Port 0 lets the system choose.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Without encryption.
    pub plain: SocketAddr,
    /// Inside TLS.
    pub tls: Option<(SocketAddr, Arc<Certificates>)>,
}

impl From<SocketAddr> for Listen {
    fn from(plain: SocketAddr) -> Self {
        Self { plain, tls: None }
    }
}

#[derive(Debug, Default)]
struct Bound {
    plain: Option<SocketAddr>,
    tls: Option<SocketAddr>,
}

pub(crate) struct PresenceBox(pub(crate) Presence);

impl std::fmt::Debug for PresenceBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presence")
    }
}

impl Broker {
    /// A broker that is not listening yet, and that remembers nothing of an earlier run.
    #[must_use]
    pub fn new(bus: Bus, presence: Presence, access: Arc<Access>, limits: Limits) -> Arc<Self> {
        let ledger = Ledger::new(&limits);
        Self::with(bus, presence, access, limits, ledger)
    }

    /// A broker that keeps its sessions and what clients have retained in the directory `dir`, and goes on with what it
    /// finds there. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] if the directory can't be used.
    pub fn open(
        bus: Bus,
        presence: Presence,
        access: Arc<Access>,
        limits: Limits,
        dir: &Path,
    ) -> Result<Arc<Self>, StoreError> {
        let ledger = Ledger::open(dir, &limits, &bus)?;
        Ok(Self::with(bus, presence, access, limits, ledger))
    }

    pub(crate) fn with(
        bus: Bus,
        presence: Presence,
        access: Arc<Access>,
        limits: Limits,
        ledger: Ledger,
    ) -> Arc<Self> {
        let meta = |version: &str| {
            let pairs = [
                ("via".to_owned(), "mqtt".into()),
                ("version".to_owned(), version.into()),
            ];
            Arc::new(pairs.into_iter().collect::<Map<String, Value>>())
        };
        let ledger = Arc::new(ledger);
        bus.set_ledger(Arc::clone(&ledger) as Arc<dyn roost_runtime::Ledger>);
        let stats = Arc::<BrokerStats>::default();
        Arc::new(Self {
            bus,
            presence: PresenceBox(presence),
            access,
            limits,
            lobby: Lobby::new(limits, Arc::clone(&stats)),
            handshakes: Handshakes::new(Arc::clone(&stats)),
            stats,
            roster: Arc::default(),
            ledger,
            session_left: Notify::new(),
            clock: Clock::default(),
            publish_rate: Rate::new(limits.publishes_per_s, PUBLISH_BURST),
            buffered: AtomicUsize::new(0),
            aliases: AliasBudget::new(&limits),
            client_ids: AtomicU64::new(1),
            client_id_key: RandomState::new(),
            bound: Mutex::default(),
            status_order: Mutex::new(()),
            metas: [meta("3.1.1"), meta("5.0")],
        })
    }

    /// The broker's part of the tree: connections, and a listener for each door. A listener that fails takes no
    /// connection down with it.
    #[must_use]
    pub fn supervisor(
        self: &Arc<Self>,
        listen: impl Into<Listen>,
        events: &Events,
    ) -> (Supervisor, SupervisorHandle) {
        // Clients that have not sent their CONNECT yet take places too.
        let places = self.limits.connections + self.limits.connects_waiting;
        let connections = Supervisor::dynamic("connections")
            .events(events)
            .max_children(places)
            .run_queue();
        let handle = connections.handle();
        let broker = Arc::clone(self);
        let figures = {
            let broker = Arc::clone(self);
            ChildSpec::new("figures", move |context| sys::run(Arc::clone(&broker), context))
        };
        let sessions = ChildSpec::new("sessions", move |context| {
            keeper::run(Arc::clone(&broker), context)
        });
        let Listen { plain, tls } = listen.into();
        let mut supervisor = Supervisor::new("broker", Strategy::OneForOne)
            .events(events)
            .child(sessions)
            .child(figures)
            .child(connections)
            .child(self.listener("mqtt listener", Door::Plain, plain, &handle));
        if let Some((address, certificates)) = tls {
            let door = Door::Tls(Arc::clone(&certificates));
            let renewal = move |context| renewal::run(Arc::clone(&certificates), context);
            supervisor = supervisor
                .child(ChildSpec::new("mqtt certificates", renewal).awaits_ready())
                .child(self.listener("mqtt tls listener", door, address, &handle));
        }
        (supervisor, handle)
    }

    fn listener(
        self: &Arc<Self>,
        name: &'static str,
        door: Door,
        address: SocketAddr,
        connections: &SupervisorHandle,
    ) -> ChildSpec {
        let (broker, connections) = (Arc::clone(self), connections.clone());
        let run = move |context| {
            listener::run(
                Arc::clone(&broker),
                door.clone(),
                address,
                connections.clone(),
                context,
            )
        };
        ChildSpec::new(name, run).awaits_ready()
    }

    /// Ends the connections of a device: its record was changed or removed. Returns how many there were.
    pub fn disconnect(&self, identity: &str) -> usize {
        self.roster.evict(identity)
    }

    /// Ends the sessions of a device for good: its record was removed. Its connections are ended by
    /// [`Self::disconnect`].
    pub fn forget(&self, identity: &str) {
        self.ledger.forget(identity);
    }

    /// Sessions that outlive their connections, and messages that wait in them.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        self.ledger.counts()
    }

    /// Waits until what was published is written down, as far as it has to be: the barrier of
    /// [`roost_runtime::Published`].
    pub async fn written(&self, barrier: u64) {
        // What can't be written is tried again by the log, and said by it.
        let _ = self.ledger.until_written(barrier).await;
    }

    /// Ends what is written down: what happens from here on is not remembered. Blocks until the disk has everything.
    pub fn close(&self) {
        self.ledger.close();
    }

    /// Bytes of the log of sessions and retained messages on disk.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.ledger.log_bytes()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<BrokerStats> {
        &self.stats
    }

    /// Where it listens, once it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).plain
    }

    /// Where it listens for TLS, once it does.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).tls
    }

    pub(crate) fn bound(&self, door: &Door, address: SocketAddr) {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        match door {
            Door::Plain => bound.plain = Some(address),
            Door::Tls(_) => bound.tls = Some(address),
        }
    }

    pub(crate) fn lobby(&self) -> &Arc<Lobby> {
        &self.lobby
    }

    pub(crate) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    pub(crate) fn publish_rate(&self) -> Option<Rate> {
        self.publish_rate
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Bytes of unfinished packets and unsent answers that all connections hold now.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffered.load(Ordering::Relaxed)
    }

    /// A connection holds `now` bytes in its buffers, where it held `before`. Returns what all hold.
    pub(crate) fn count_buffered(&self, before: usize, now: usize) -> usize {
        if now >= before {
            let more = now - before;
            self.buffered.fetch_add(more, Ordering::Relaxed) + more
        } else {
            self.buffered.fetch_sub(before - now, Ordering::Relaxed)
        }
    }

    /// What the aliases of all clients may take.
    pub(crate) fn aliases(&self) -> &Arc<AliasBudget> {
        &self.aliases
    }

    /// A session has been left: something is due one day.
    pub(crate) fn look_at_sessions(&self) {
        self.session_left.notify_one();
    }

    /// Returns when a session has been left. Safe to cancel.
    pub(crate) async fn session_left(&self) {
        self.session_left.notified().await;
    }

    pub(crate) fn publish_will(&self, will: LastWill) {
        BrokerStats::count(&self.stats.wills);
        self.bus.publish(will.said());
    }

    /// A name for a client that gave none (3.1.1 section 3.1.3.1). It is no other's, now and after a restart: a session
    /// may be kept under it.
    pub(crate) fn new_client_id(&self) -> String {
        let number = self.client_ids.fetch_add(1, Ordering::Relaxed);
        format!("auto-{:016x}", self.client_id_key.hash_one(number))
    }
}
