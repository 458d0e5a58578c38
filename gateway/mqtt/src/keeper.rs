//! The keeper of sessions: ends those whose time has passed, publishes wills whose time has come, and has written down
//! what clients have retained.

use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context};
use tokio::time::Instant;

use crate::broker::Broker;
use crate::ledger::Pace;

/// How often changes of retained messages are written down.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Runs until it is told to stop.
pub(crate) async fn run(broker: Arc<Broker>, context: Context) -> Result<(), BoxError> {
    context.ready();
    let mut pace = Pace::default();
    let mut keep_at = Instant::now() + KEEP_EVERY;
    loop {
        let overdue = broker.ledger().sweep();
        for will in overdue.wills {
            broker.publish_will(will);
        }
        let next = overdue
            .next
            .map_or(keep_at, |next| keep_at.min(Instant::from_std(next)));
        tokio::select! {
            () = context.shutdown.requested() => {
                broker.ledger().keep(broker.bus(), &mut pace, true);
                return Ok(());
            }
            () = broker.session_left() => {}
            () = tokio::time::sleep_until(next) => {}
        }
        if Instant::now() >= keep_at {
            broker.ledger().keep(broker.bus(), &mut pace, false);
            keep_at = Instant::now() + KEEP_EVERY;
        }
    }
}
