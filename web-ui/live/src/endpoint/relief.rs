//! Makes room when clients hold much together: those who have held most for longest are hung up on, not whoever comes
//! next.

use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context};
use tokio::time::Instant;
use tracing::debug;

use super::Hub;

/// Pause after a look at all connections, at least. To look at 20,000 takes some milliseconds: it is never more than a
/// fifth of a processor's time ([`SHARE`]).
const PAUSE: Duration = Duration::from_millis(1);
/// Times that it rests for what a look has taken.
const SHARE: u32 = 4;
/// Pause when there is nobody to hang up on: many hold a little.
const IDLE: Duration = Duration::from_millis(100);

/// Is whoever makes room, until the program stops.
pub(super) async fn work(hub: Arc<Hub>, context: Context) -> Result<(), BoxError> {
    while !context.shutdown.is_requested() {
        tokio::select! {
            () = hub.budget.pressed() => {}
            () = context.shutdown.requested() => break,
        }
        while hub.budget.is_tight() && !context.shutdown.is_requested() {
            let begun = Instant::now();
            let pause = if relieve(&hub) > 0 {
                PAUSE.max(begun.elapsed() * SHARE)
            } else {
                IDLE
            };
            hub.budget.call();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = context.shutdown.requested() => {}
            }
        }
        hub.budget.call();
    }
    Ok(())
}

/// Hangs up on those who weigh most until there will be room. Returns 0 if nobody is on the way out.
pub(super) fn relieve(hub: &Hub) -> usize {
    let now = hub.budget.now_ms();
    let mut holders: Vec<_> = hub
        .connections(|connection| connection.load(now).bytes > 0)
        .into_iter()
        .map(|connection| (connection.load(now), connection))
        .collect();
    holders.sort_unstable_by_key(|(load, _)| std::cmp::Reverse(load.weight));
    // What was hung up on before is going to be free, though some of it is not yet.
    let (ending, staying): (Vec<_>, Vec<_>) = holders
        .into_iter()
        .partition(|(_, connection)| connection.is_overflowing());
    let leaving = ending.iter().map(|(load, _)| load.bytes).sum::<usize>() + hub.left_behind(now);
    let mut held = hub.budget.held().saturating_sub(leaving);
    let mut hung_up = 0;
    for (load, connection) in staying {
        if held <= hub.budget.relieved_at() {
            break;
        }
        debug!(
            connection = connection.number(),
            bytes = load.bytes,
            "a connection that holds much for long is closed, since all together hold too much"
        );
        connection.overflow();
        held = held.saturating_sub(load.bytes);
        hung_up += 1;
    }
    usize::from(leaving > 0) + hung_up
}
