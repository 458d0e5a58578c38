//! The task of a wired device: asks its bus to read it, at its cadence, and to write it when commanded.

use std::sync::Arc;
use std::time::Duration;

use roost_drivers::{DriverDef, DriverError, Sample, Samples};
use roost_model::{Access, Filter, NoData, Reading, Topic};
use roost_runtime::{BoxError, Context, Message};
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::DeviceEnv;
use super::commands::{Answer, Order, Said};
use super::points::Points;
use crate::buses::{Bus, BusError, Target};

struct Task {
    env: Arc<DeviceEnv>,
    bus: Bus,
    target: Target,
    cadence: Duration,
    points: Points,
    connected: Option<bool>,
}

/// Runs until it is told to stop.
pub(super) async fn run(env: Arc<DeviceEnv>, context: Context) -> Result<(), BoxError> {
    let device = env.device.wired.as_deref().ok_or("the device is not wired")?;
    let driver = driver(&device.driver)?;
    let bus = env.parts.buses.get(&device.bus).ok_or_else(|| {
        format!(
            "there is no bus {:?} in the configuration: buses are {}",
            device.bus,
            env.parts.buses.names().join(", ")
        )
    })?;
    let cadence = if device.cadence_ms > 0 {
        Duration::from_millis(device.cadence_ms)
    } else {
        driver.default_cadence
    };
    let target = Target {
        device: device.id.clone(),
        driver,
        address: device.address,
    };
    let points = Points::resume(&env.parts, &env.device.id, Some(cadence));
    let mut task = Task {
        env,
        bus,
        target,
        cadence,
        points,
        connected: None,
    };
    context.ready();
    let mut ticks = tokio::time::interval(cadence);
    // After a bus that hung, one read is due and not all that were missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = context.shutdown.requested() => {
                task.bus.detach(&task.target.device);
                return Ok(());
            }
            order = next_order(&task.env) => Box::pin(task.write(order)).await,
            _ = ticks.tick() => Box::pin(task.read()).await?,
        }
    }
}

async fn next_order(env: &DeviceEnv) -> Order {
    match &env.orders {
        Some(orders) => orders.next().await,
        None => std::future::pending().await,
    }
}

fn driver(name: &str) -> Result<&'static DriverDef, BoxError> {
    roost_drivers::find(name).ok_or_else(|| {
        let known: Vec<&str> = roost_drivers::DRIVERS.iter().map(|driver| driver.name).collect();
        format!("there is no driver {name:?}: drivers are {}", known.join(", ")).into()
    })
}

impl Task {
    async fn read(&mut self) -> Result<(), BoxError> {
        match self.bus.read(self.target.clone()).await {
            Ok((samples, outcome)) => {
                self.say_connected(outcome.as_ref().err());
                self.take(samples).await;
                Ok(())
            }
            // The driver's own panic is this device's failure: it restarts, with a reason, and its neighbours go on.
            Err(error @ BusError::Panicked(_)) => Err(error.into()),
            Err(error) => {
                self.say(false, Some(error.to_string()));
                let missed = self.missed(&error);
                self.take(missed).await;
                Ok(())
            }
        }
    }

    /// A bus that did not answer is a failed read of every point that is known.
    fn missed(&self, error: &BusError) -> Samples {
        let reason = if matches!(error, BusError::Timeout(_)) {
            NoData::Timeout
        } else {
            NoData::DeviceError
        };
        let mut samples = Samples::default();
        let Ok(filter) = Filter::new(format!("devices/{}/points/+", self.target.device)) else {
            return samples;
        };
        for message in self.env.parts.bus.retained(&filter) {
            let Ok(last) = serde_json::from_slice::<Reading>(&message.body) else {
                continue;
            };
            samples.push(Sample {
                point: message.topic.levels().last().unwrap_or_default().to_owned(),
                value: Err(reason),
                unit: last.unit,
                at: None,
                cadence: Some(self.cadence),
                access: Access::Read,
            });
        }
        samples
    }

    async fn take(&mut self, samples: Samples) {
        let answers = samples.iter().any(|sample| sample.value.is_ok());
        for sample in samples {
            let Some(point) = self.points.get_or_add(&sample.point) else {
                continue;
            };
            let sample = Sample {
                cadence: Some(self.cadence),
                ..sample
            };
            let taken = self.env.parts.intake.take(&self.target.device, point, sample);
            if self.env.is_awaited()
                && let Ok(value) = taken.reading.value
            {
                let observed = Said::Observed {
                    point: point.name().to_owned(),
                    value,
                    said_ms: None,
                };
                self.env.tell(observed).await;
            }
        }
        if answers {
            self.points.heard(self.env.parts.intake.clock().uptime_ms());
        }
    }

    fn say_connected(&mut self, error: Option<&DriverError>) {
        self.say(error.is_none(), error.map(ToString::to_string));
    }

    /// Says on the bus whether the device answers, each time that changes.
    fn say(&mut self, connected: bool, reason: Option<String>) {
        if self.connected.replace(connected) == Some(connected) {
            return;
        }
        let Ok(topic) = Topic::new(format!("devices/{}/status", self.target.device)) else {
            return;
        };
        let since_ms = self.env.parts.intake.now().unix_ms();
        let body = json!({ "connected": connected, "since_ms": since_ms, "reason": reason });
        self.env
            .parts
            .bus
            .publish(Message::new(topic, body.to_string()).at_least_once().retained());
    }

    /// Writes on the bus what a command asks for. The bus has carried it and the chip has taken it: the next read tells
    /// whether it came true.
    async fn write(&mut self, order: Order) {
        // While it waited for the bus its time may have passed; then it was said to be expired, and must not be done.
        if order.until_ms <= self.env.parts.intake.clock().uptime_ms() {
            return;
        }
        let written = self
            .bus
            .write(self.target.clone(), order.point, order.value)
            .await;
        let answer = match written {
            Ok(()) => Answer::Acknowledged,
            Err(error @ BusError::Timeout(_)) => {
                Answer::Lost(format!("{error}: nobody knows whether it was done"))
            }
            Err(error) => Answer::Refused(error.to_string()),
        };
        let (id, point) = (Some(order.id), None);
        self.env.tell(Said::Answered { id, point, answer }).await;
    }
}

impl Drop for Task {
    /// Whatever ended the task: nobody reads the device now.
    fn drop(&mut self) {
        self.say(false, Some("its task has ended".to_owned()));
    }
}
