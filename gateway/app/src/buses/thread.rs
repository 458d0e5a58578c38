//! A bus's thread: the only one that touches the bus. It owns the drivers of the bus's devices.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use hashbrown::HashMap;
use roost_drivers::{BOARDS, BoardError, Driver, DriverDef, DriverError, SharedI2c, poll};
use roost_model::Value;
use tokio::sync::oneshot;

use super::{BusError, Polled};
use crate::config::BusConfig;

/// A device on a bus.
#[derive(Clone)]
pub(crate) struct Target {
    /// Its id.
    pub(crate) device: String,
    /// What drives it.
    pub(crate) driver: &'static DriverDef,
    /// Its address on the bus.
    pub(crate) address: u16,
}

type Reply<T> = oneshot::Sender<Result<T, BusError>>;

pub(super) enum Job {
    Read {
        target: Target,
        reply: Reply<Polled>,
    },
    Write {
        target: Target,
        point: String,
        value: Value,
        reply: Reply<()>,
    },
    Detach {
        device: String,
    },
}

impl Job {
    fn is_stale(&self) -> bool {
        match self {
            Self::Read { reply, .. } => reply.is_closed(),
            Self::Write { reply, .. } => reply.is_closed(),
            Self::Detach { .. } => false,
        }
    }
}

struct Attached {
    driver: Box<dyn Driver>,
    /// Whether the device is known to be there and set up; a failure makes it doubtful again.
    probed: bool,
}

struct BusThread {
    i2c: SharedI2c,
    attached: HashMap<String, Attached>,
}

/// Opens the bus, says whether that went well, and works until nobody can ask any more.
pub(super) fn run(
    config: &BusConfig,
    jobs: &mpsc::Receiver<Job>,
    opened: oneshot::Sender<Result<(), BoardError>>,
) {
    let i2c = match open(config) {
        Ok(i2c) => i2c,
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    let _ = opened.send(Ok(()));
    let mut bus = BusThread {
        i2c,
        attached: HashMap::new(),
    };
    while let Ok(job) = jobs.recv() {
        bus.work(job);
    }
}

fn open(config: &BusConfig) -> Result<SharedI2c, BoardError> {
    let board = BOARDS
        .iter()
        .find(|board| board.name == config.board)
        .ok_or_else(|| BoardError::Open {
            path: config.board.clone(),
            cause: "there is no such board".into(),
            remedy: "see the list of boards in the documentation",
        })?;
    (board.open)(&config.spec())
}

impl BusThread {
    fn work(&mut self, job: Job) {
        // Nobody waits any more: a write that was reported as failed must not happen later.
        if job.is_stale() {
            return;
        }
        // Whoever asked may have given up; the answer is then dropped.
        match job {
            Job::Read { target, reply } => {
                let result = self.with(&target, |attached| {
                    if !attached.probed
                        && let Err(error) = attached.driver.probe()
                    {
                        return Ok((absent(&*attached.driver, &error), Err(error)));
                    }
                    let polled = poll(&mut *attached.driver);
                    attached.probed = polled.1.is_ok();
                    Ok(polled)
                });
                let _ = reply.send(result);
            }
            Job::Write {
                target,
                point,
                value,
                reply,
            } => {
                let result = self.with(&target, |attached| {
                    if !attached.probed {
                        attached.driver.probe()?;
                        attached.probed = true;
                    }
                    Ok(attached.driver.write(&point, &value)?)
                });
                let _ = reply.send(result);
            }
            Job::Detach { device } => {
                self.attached.remove(&device);
            }
        }
    }

    /// Calls a driver. One that panics is thrown away, so that its next call begins with a fresh one.
    fn with<T>(
        &mut self,
        target: &Target,
        call: impl FnOnce(&mut Attached) -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        if !self.attached.contains_key(&target.device) {
            let driver = target.driver.open(self.i2c.clone(), target.address)?;
            self.attached.insert(
                target.device.clone(),
                Attached {
                    driver,
                    probed: false,
                },
            );
        }
        let Some(attached) = self.attached.get_mut(&target.device) else {
            return Err(BusError::Closed(target.device.clone()));
        };
        catch_unwind(AssertUnwindSafe(|| call(attached))).unwrap_or_else(|panic| {
            self.attached.remove(&target.device);
            let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(BusError::Panicked(
                message.unwrap_or_else(|| "without a message".into()),
            ))
        })
    }
}

/// The samples of a device that is not there: every point, with the reason why it has no value.
fn absent(driver: &dyn Driver, error: &DriverError) -> roost_drivers::Samples {
    let mut samples = roost_drivers::Samples::default();
    for spec in driver.points() {
        samples.take(spec, Err(error.no_data()));
    }
    samples
}
