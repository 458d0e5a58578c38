//! Freshness of all points: one supervised task says on the bus when a value grows late or stale, when a device has
//! fallen silent, and when either is heard again.
//!
//! When something of a device is late, the broker finds out whether the device is still at the other end of its
//! connection: at the first value that does not come, so that a dead link is known before the value is stale.
//!
//! A reading costs two stores into its point's [`Pulse`]; the task looks at a point when it would be late, and not
//! before. What is as it should be is not said: a point without a message under `…/freshness` is fresh.

mod pulse;
mod wheel;

pub(crate) use pulse::{Pulse, Whose};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use roost_model::{Freshness, Topic};
use roost_mqtt::Broker;
use roost_runtime::{BoxError, Bus, ChildSpec, Context, Message};
use serde_json::json;
use tokio::sync::Notify;

use super::DeviceParts;
use crate::clock::Clock;
use pulse::Judgement;
use wheel::Wheel;

/// Pulses that are looked at before other tasks get their turn.
const AT_ONCE: usize = 1000;
/// Freshnesses in the order in which they are counted.
const STATES: [Freshness; 4] = [
    Freshness::Fresh,
    Freshness::Late,
    Freshness::Stale,
    Freshness::Unknown,
];

/// What all pulses share with the task that looks at them.
#[derive(Default)]
pub(crate) struct FreshnessWatch {
    wheel: tokio::sync::Mutex<Wheel<Arc<Pulse>>>,
    /// Pulses that are new, or were heard after they had been said to be late.
    woken: Mutex<Vec<Arc<Pulse>>>,
    wake: Notify,
    points: [AtomicU64; STATES.len()],
    silent: AtomicU64,
}

impl FreshnessWatch {
    /// How many points are in a state.
    #[must_use]
    pub(crate) fn points(&self, freshness: Freshness) -> u64 {
        self.points[place(freshness)].load(Ordering::Relaxed)
    }

    /// How many devices are silent.
    #[must_use]
    pub(crate) fn silent(&self) -> u64 {
        self.silent.load(Ordering::Relaxed)
    }

    fn wake(&self, pulse: Arc<Pulse>) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.push(pulse);
        drop(woken);
        self.wake.notify_one();
    }

    fn take_woken(&self) -> Vec<Arc<Pulse>> {
        std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where a pulse in this state is counted, if it is.
    fn count(&self, whose: Whose, freshness: Freshness) -> Option<&AtomicU64> {
        match whose {
            Whose::Point => Some(&self.points[place(freshness)]),
            Whose::Device => (freshness == Freshness::Stale).then_some(&self.silent),
        }
    }
}

fn place(freshness: Freshness) -> usize {
    STATES
        .iter()
        .position(|state| *state == freshness)
        .unwrap_or_default()
}

/// The child that looks at all pulses. The wheel outlives it: after a crash it goes on where it was.
#[must_use]
pub(crate) fn child(parts: &Arc<DeviceParts>, broker: &Arc<Broker>) -> ChildSpec {
    let (parts, broker) = (Arc::clone(parts), Arc::clone(broker));
    ChildSpec::new("freshness", move |context| {
        run(Arc::clone(&parts), Arc::clone(&broker), context)
    })
}

async fn run(parts: Arc<DeviceParts>, broker: Arc<Broker>, context: Context) -> Result<(), BoxError> {
    let (watch, clock) = (&parts.freshness, parts.intake.clock());
    let mut wheel = watch.wheel.lock().await;
    context.ready();
    loop {
        let wait = wheel.next_ms().map(|next| next.saturating_sub(clock.uptime_ms()));
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            () = watch.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(wait.unwrap_or(u64::MAX >> 20))), if wait.is_some() => {}
        }
        let mut looked_at = 0;
        for pulse in watch.take_woken() {
            pulse.is_looked_at();
            look((&parts.bus, &broker), clock, &mut wheel, pulse, false);
            looked_at += 1;
            if looked_at % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        for pulse in wheel.due(clock.uptime_ms()) {
            look((&parts.bus, &broker), clock, &mut wheel, pulse, true);
            looked_at += 1;
            if looked_at % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Judges one pulse, says what has changed, and puts it where it is looked at again.
fn look(
    (bus, broker): (&Bus, &Broker),
    clock: &Clock,
    wheel: &mut Wheel<Arc<Pulse>>,
    pulse: Arc<Pulse>,
    was_in_wheel: bool,
) {
    if Arc::strong_count(&pulse) == 1 {
        // The device's task has ended; its next one brings pulses of its own.
        return;
    }
    let Judgement { freshness, until_ms } = pulse.judge(clock.uptime_ms());
    if let Some(before) = pulse.settle(freshness) {
        say(bus, &pulse, before, freshness, clock.now().unix_ms());
        if matches!(freshness, Freshness::Late | Freshness::Stale)
            && let Some(device) = pulse.topic().levels().nth(1)
        {
            broker.probe(device);
        }
    }
    match until_ms {
        Some(until_ms) if was_in_wheel || pulse.enter_wheel() => wheel.place(pulse, until_ms),
        Some(_) => {}
        None if was_in_wheel => pulse.leave_wheel(),
        None => {}
    }
}

/// Says a change. The bus keeps what is not as it should be, and only that.
fn say(bus: &Bus, pulse: &Pulse, before: Option<Freshness>, freshness: Freshness, at_ms: i64) {
    let Ok(topic) = Topic::new(format!("{}/freshness", pulse.topic())) else {
        return;
    };
    let word = match (pulse.whose(), freshness) {
        (Whose::Device, Freshness::Stale) => "silent",
        (_, freshness) => freshness.word(),
    };
    let body = json!({ "freshness": word, "at_ms": at_ms }).to_string();
    let is_kept = match freshness {
        Freshness::Late | Freshness::Stale => true,
        // Without a cadence there is nothing to say; with one, the time of the value is not to be believed.
        Freshness::Unknown => pulse.has_cadence() && pulse.whose() == Whose::Point,
        Freshness::Fresh => false,
    };
    if is_kept {
        bus.publish(Message::new(topic, body).at_least_once().retained());
        return;
    }
    // A new pulse may follow one of a task that crashed.
    if before.is_some() || bus.retained_at(&topic).is_some() {
        bus.publish(
            Message::new(topic.clone(), Bytes::new())
                .at_least_once()
                .retained(),
        );
        if bus.has_takers(&topic) {
            bus.publish(Message::new(topic, body).at_least_once());
        }
    }
}
