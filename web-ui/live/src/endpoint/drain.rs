//! How everything that is connected is told to come back when the program stops: in stages, since all who are told at
//! once come back at once.

use std::sync::Arc;
use std::time::Duration;

use roost_runtime::ChildSpec;

use super::Hub;

/// Status of a close when the program stops (RFC 6455 registry: "service restart").
pub(crate) const RESTART: u16 = 1012;
/// From one stage to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// By then all have been told: a second before the supervisor loses its patience.
const DRAINED: Duration = Duration::from_secs(4);

/// Lets clients in as long as it runs, and sees them off when it is to stop. Whatever they need until then stands
/// before it in the tree.
pub(super) fn drain(hub: &Arc<Hub>) -> ChildSpec {
    let hub = Arc::clone(hub);
    let at_the_door = move |context: roost_runtime::Context| {
        let hub = Arc::clone(&hub);
        async move {
            hub.open_door();
            context.shutdown.requested().await;
            // Whoever has shut it before has told everybody.
            if hub.shut_door() {
                tell_all(&hub).await;
            }
            Ok(())
        }
    };
    ChildSpec::new("drain", at_the_door)
}

/// Those who came first leave first. What a client still has to say or to hear, its own task sees to.
async fn tell_all(hub: &Hub) {
    let mut connections = hub.connections(|_| true);
    connections.sort_unstable_by_key(|connection| connection.number());
    let batch = hub.limits.drain_batch.max(1);
    let pause = pause(connections.len().div_ceil(batch));
    let mut stages = connections.chunks(batch).peekable();
    while let Some(stage) = stages.next() {
        stage.iter().for_each(|connection| connection.close(RESTART));
        if stages.peek().is_some() {
            tokio::time::sleep(pause).await;
        }
    }
    // Those who were not polling just now, or have a request that hangs.
    hub.sessions.end_all();
}

/// Between two of so many stages.
fn pause(stages: usize) -> Duration {
    u32::try_from(stages).map_or(Duration::ZERO, |stages| PAUSE.min(DRAINED / stages.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_in_time_however_many_stages_there_are() {
        assert_eq!((pause(1), pause(2), pause(40)), (PAUSE, PAUSE, PAUSE));
        for stages in [41, 1000, 20_000, usize::MAX] {
            let all = pause(stages).as_secs_f64() * stages as f64;
            assert!(all <= DRAINED.as_secs_f64(), "{stages} stages take {all} s");
        }
    }
}
