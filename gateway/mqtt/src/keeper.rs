//! The keeper: moves the clock, ends clients that fell silent, has those asked whose word is overdue, ends sessions
//! whose time has passed, publishes wills whose time has come, and has written down what clients have retained.

use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context};
use tokio::time::Instant;

use crate::broker::Broker;
use crate::clock::TICK;

/// How often changes of retained messages are written down.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// How often retained messages whose time has passed are removed.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Ticks between two looks for clients that have fallen silent.
const LOOK_EVERY: u32 = 2;

/// Runs until it is told to stop.
pub(crate) async fn run(broker: Arc<Broker>, context: Context) -> Result<(), BoxError> {
    context.ready();
    let mut tidy_at = Instant::now() + TIDY_EVERY;
    let mut keep_at = Instant::now() + KEEP_EVERY;
    let mut tick_at = Instant::now() + TICK;
    let mut due = Some(Instant::now());
    loop {
        if due.is_some_and(|due| due <= Instant::now()) {
            let overdue = broker.ledger().sweep();
            for will in overdue.wills {
                broker.publish_will(will);
            }
            due = overdue.next.map(Instant::from_std);
        }
        let next = due.map_or(tick_at, |due| tick_at.min(due));
        tokio::select! {
            () = context.shutdown.requested() => {
                broker.ledger().keep(broker.bus(), true);
                return Ok(());
            }
            () = broker.session_left() => due = Some(Instant::now()),
            () = tokio::time::sleep_until(next) => {}
        }
        while Instant::now() >= tick_at {
            tick_at += TICK;
            let now = broker.clock().tick();
            if now.is_multiple_of(LOOK_EVERY) {
                broker.look_at_silent(now);
            }
        }
        if Instant::now() >= keep_at {
            broker.ledger().keep(broker.bus(), false);
            keep_at = Instant::now() + KEEP_EVERY;
        }
        if Instant::now() >= tidy_at {
            broker.bus().remove_expired();
            tidy_at = Instant::now() + TIDY_EVERY;
        }
    }
}
