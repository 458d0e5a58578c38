//! A fleet of simulated devices that talk real MQTT 3.1.1: for demonstrations, tests and measurements.
//!
//! Each device reports temperature, humidity and a relay by the native convention, and obeys commands to the relay.

mod client;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use roost_runtime::{Backoff, ChildSpec, Restart, Shutdown, Supervisor, SupervisorHandle};
use tokio::sync::{Semaphore, watch};

/// Handshakes under way at a time: a fleet in one process must not fail for want of the kernel's backlog.
const HANDSHAKES: usize = 256;

/// What a simulated device presents.
#[derive(Debug, Clone)]
pub struct Login {
    /// User name, which is the device's id.
    pub user: String,
    /// Its secret.
    pub password: String,
}

/// What a fleet does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where it connects.
    pub broker: SocketAddr,
    /// Time between two reports of a device.
    pub interval: Duration,
}

/// What a fleet has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Devices that are connected now.
    pub connected: u64,
    /// Reports sent.
    pub sent: u64,
    /// Reports acknowledged.
    pub acknowledged: u64,
    /// Commands obeyed.
    pub commands: u64,
    /// Connections that failed or were lost without being told to.
    pub errors: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connected, {} reports sent, {} acknowledged, {} commands obeyed, {} errors",
            self.connected, self.sent, self.acknowledged, self.commands, self.errors
        )
    }
}

/// What the devices of a fleet share.
struct Shared {
    plan: Plan,
    handshakes: Semaphore,
    /// Whether devices are to be connected. Switching it off cuts all of them at once, without a good-bye.
    power: watch::Sender<bool>,
    reporting: AtomicBool,
    connected: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    commands: AtomicU64,
    errors: AtomicU64,
}

/// A running fleet.
pub struct Fleet {
    shared: Arc<Shared>,
    shutdown: Shutdown,
    devices: SupervisorHandle,
    task: tokio::task::JoinHandle<()>,
}

impl Fleet {
    /// Starts a fleet whose devices connect and report. Must be called inside a runtime.
    #[must_use]
    pub fn start(plan: Plan, logins: Vec<Login>) -> Self {
        crate::run::raise_file_limit();
        let shared = Arc::new(Shared {
            plan,
            handshakes: Semaphore::new(HANDSHAKES),
            power: watch::Sender::new(true),
            reporting: AtomicBool::new(true),
            connected: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        });
        let supervisor = Supervisor::dynamic("fleet").no_intensity();
        let devices = supervisor.handle();
        let shutdown = Shutdown::new();
        let (started, adder, stop) = (Arc::clone(&shared), devices.clone(), shutdown.clone());
        let task = roost_runtime::supervisor::detached(async move {
            let adding = async {
                for (index, login) in logins.into_iter().enumerate() {
                    let spec = device(Arc::clone(&started), login, index);
                    if adder.start_child(spec).await.is_err() {
                        started.errors.fetch_add(1, Ordering::Relaxed);
                    }
                }
            };
            // The supervisor runs first, so that the mailbox is open when the first child is added.
            let (_, ()) = tokio::join!(biased; supervisor.run(stop), adding);
        });
        Self {
            shared,
            shutdown,
            devices,
            task,
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connected: get(&self.shared.connected),
            sent: get(&self.shared.sent),
            acknowledged: get(&self.shared.acknowledged),
            commands: get(&self.shared.commands),
            errors: get(&self.shared.errors),
        }
    }

    /// Power cut (`false`): every device is gone at once, without a good-bye. Power back (`true`): all connect at once.
    pub fn power(&self, on: bool) {
        self.shared.power.send_replace(on);
    }

    /// Whether connected devices report.
    pub fn report(&self, on: bool) {
        self.shared.reporting.store(on, Ordering::Relaxed);
    }

    /// How many devices it has.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.devices.child_count()
    }

    /// Stops all devices and says what they did.
    pub async fn stop(self) -> Counts {
        self.shutdown.request();
        // A fleet that panics has said so itself.
        let _ = self.task.await;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connected: 0,
            sent: get(&self.shared.sent),
            acknowledged: get(&self.shared.acknowledged),
            commands: get(&self.shared.commands),
            errors: get(&self.shared.errors),
        }
    }
}

fn device(shared: Arc<Shared>, login: Login, index: usize) -> ChildSpec {
    let name = login.user.clone();
    ChildSpec::new(name, move |context| {
        client::run(Arc::clone(&shared), login.clone(), index, context)
    })
    .restart(Restart::Transient)
    .backoff(Backoff {
        max: Duration::from_secs(5),
        ..Backoff::DEVICE
    })
}
