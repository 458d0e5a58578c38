//! Pauses: a client is not read from while its takers can't keep up, or because it publishes more than it may.

use std::pin::Pin;
use std::time::Duration;

use roost_runtime::Pressure;
use tokio::time::Instant;

use super::Guest;
use crate::broker::Broker;
use crate::pace::Pace;

/// A wait; a box, because few clients ever wait.
type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a client waits for, if it does.
#[derive(Default)]
pub(super) struct Pause {
    wait: Option<Wait>,
    /// How much of its rate it has used; only a device that publishes has one.
    pace: Option<Box<Pace>>,
}

impl Pause {
    /// Whether the client has to wait.
    pub(super) fn is_on(&self) -> bool {
        self.wait.is_some()
    }

    /// Looks whether the client has to wait after what it has just said.
    pub(super) fn look(&mut self, broker: &Broker, guest: &mut Guest) {
        let published = guest.session.take_published();
        if let Some(pressure) = guest.session.take_pressure() {
            self.wait = Some(relief(pressure, broker.limits().slow_within));
        } else if published > 0 && guest.session.grant.is_device {
            self.spend(broker, published);
        }
        if self.is_on() {
            // While the client is not read from, its silence is ours.
            guest.place.set_silence(0);
        }
    }

    fn spend(&mut self, broker: &Broker, published: u32) {
        let Some(rate) = broker.publish_rate() else {
            return;
        };
        let now = Instant::now();
        let pace = self.pace.get_or_insert_with(|| Box::new(Pace::new(now)));
        pace.spend(rate, published, now);
        if let Some(at) = pace.ready_at(rate, now) {
            self.wait = Some(Box::pin(tokio::time::sleep_until(at)));
        }
    }

    /// Waits until the client may be read from again; for ever if it may.
    pub(super) async fn over(&mut self) {
        match &mut self.wait {
            Some(wait) => wait.await,
            None => std::future::pending().await,
        }
        self.wait = None;
    }
}

fn relief(pressure: Pressure, patience: Duration) -> Wait {
    Box::pin(async move { pressure.relieved(patience).await })
}
