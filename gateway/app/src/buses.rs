//! The board's buses: a thread for each, because a bus blocks, and a supervised task that owns the thread.

mod thread;

pub(crate) use thread::Target;

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use roost_drivers::{DriverError, Samples};
use roost_model::Value;
use roost_runtime::{BoxError, ChildSpec, Context, Events, Strategy, Supervisor};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::config::BusConfig;
use thread::Job;

/// How long a bus may take for one device. An I²C transaction takes milliseconds; a bus that a chip holds low takes for
/// ever.
const DEADLINE: Duration = Duration::from_secs(2);
/// Jobs that wait for a bus; one more is refused at once.
const QUEUE: usize = 256;

/// Why a bus did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Error)]
pub(crate) enum BusError {
    /// The bus is not open; its task says why.
    #[error("bus {0} is not open")]
    Closed(String),
    /// Too many devices wait for it.
    #[error("bus {0} has {QUEUE} jobs waiting")]
    Busy(String),
    /// It did not answer in time.
    #[error("bus {0} did not answer within {DEADLINE:?}")]
    Timeout(String),
    /// The driver panicked.
    #[error("the driver panicked: {0}")]
    Panicked(String),
    /// The driver said no.
    #[error("{0}")]
    Driver(#[from] DriverError),
}

/// One bus, as devices see it. Valid while its task is restarted.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    config: Arc<BusConfig>,
    /// `None` while the bus is not open.
    jobs: Arc<Mutex<Option<mpsc::SyncSender<Job>>>>,
}

/// What one read of a device brought: a sample of each point, with or without data, and whether the device answered.
pub(crate) type Polled = (Samples, Result<(), DriverError>);

impl Bus {
    fn new(config: BusConfig) -> Self {
        Self {
            config: Arc::new(config),
            jobs: Arc::default(),
        }
    }

    fn name(&self) -> String {
        self.config.name.clone()
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, BusError>>) -> Job,
    ) -> Result<T, BusError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let jobs = jobs.ok_or_else(|| BusError::Closed(self.name()))?;
        let (reply, answer) = oneshot::channel();
        jobs.try_send(job(reply)).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => BusError::Busy(self.name()),
            mpsc::TrySendError::Disconnected(_) => BusError::Closed(self.name()),
        })?;
        match tokio::time::timeout(DEADLINE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(BusError::Closed(self.name())),
            Err(_) => Err(BusError::Timeout(self.name())),
        }
    }

    /// Reads a device once.
    ///
    /// # Errors
    /// [`BusError`]; a device that does not answer is not one, but a result without data.
    pub(crate) async fn read(&self, target: Target) -> Result<Polled, BusError> {
        self.ask(|reply| Job::Read { target, reply }).await
    }

    /// Writes a point of a device.
    ///
    /// # Errors
    /// [`BusError`].
    pub(crate) async fn write(&self, target: Target, point: String, value: Value) -> Result<(), BusError> {
        self.ask(|reply| Job::Write {
            target,
            point,
            value,
            reply,
        })
        .await
    }

    /// Forgets the driver of a device that is gone.
    pub(crate) fn detach(&self, device: &str) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = &*jobs {
            // A full queue keeps a driver's few bytes until the bus is reopened.
            let _ = jobs.try_send(Job::Detach {
                device: device.to_owned(),
            });
        }
    }

    /// Opens the bus on a thread of its own and waits until that ends.
    async fn run(self, context: Context) -> Result<(), BoxError> {
        let (jobs, inbox) = mpsc::sync_channel(QUEUE);
        let (opened, is_open) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let config = Arc::clone(&self.config);
        std::thread::Builder::new()
            .name(format!("bus {}", config.name))
            .spawn(move || {
                thread::run(&config, &inbox, opened);
                let _ = ended.send(());
            })?;
        is_open.await??;
        let _open = Open::new(&self.jobs, jobs);
        context.ready();
        tokio::select! {
            () = context.shutdown.requested() => Ok(()),
            _ = has_ended => Err("the bus's thread has ended".into()),
        }
    }
}

/// While this lives, devices reach the bus; its thread ends when the last sender is gone.
struct Open<'a>(&'a Mutex<Option<mpsc::SyncSender<Job>>>);

impl<'a> Open<'a> {
    fn new(place: &'a Mutex<Option<mpsc::SyncSender<Job>>>, jobs: mpsc::SyncSender<Job>) -> Self {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(jobs);
        Self(place)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// All buses of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buses(Vec<Bus>);

impl Buses {
    /// The buses of a configuration, not open yet.
    #[must_use]
    pub(crate) fn new(configs: &[BusConfig]) -> Self {
        Self(configs.iter().cloned().map(Bus::new).collect())
    }

    /// The bus of this name.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<Bus> {
        self.0.iter().find(|bus| bus.config.name == name).cloned()
    }

    /// The names of the buses.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(Bus::name).collect()
    }

    /// Their part of the tree. A bus that can't be opened is tried again for ever: an adapter may be plugged in later.
    #[must_use]
    pub(crate) fn supervisor(&self, events: &Events) -> Supervisor {
        let buses = Supervisor::new("buses", Strategy::OneForOne)
            .no_intensity()
            .events(events);
        self.0.iter().fold(buses, |buses, bus| {
            let bus = bus.clone();
            buses.child(ChildSpec::new(bus.name(), move |context| {
                bus.clone().run(context)
            }))
        })
    }
}
