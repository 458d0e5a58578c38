//! The watchdog: tells systemd that the gateway is ready, and goes on telling it that it is alive as long as the
//! supervisors answer. A gateway that hangs stops saying so, and systemd starts it anew.

use std::time::Duration;

use roost_runtime::{BoxError, ChildSpec, Context, SupervisorHandle};
use sd_notify::NotifyState;
use tracing::warn;

/// How long a supervisor may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often they are asked where systemd does not watch: a hanging supervisor is worth a line in the log anyway.
const UNWATCHED_EVERY: Duration = Duration::from_secs(15);

/// The watchdog's child. It is the last one of the tree, so when it starts everything else has.
pub(crate) fn child(watched: Vec<SupervisorHandle>) -> ChildSpec {
    ChildSpec::new("watchdog", move |context| run(watched.clone(), context))
}

pub(crate) fn notify(states: &[NotifyState<'_>]) {
    // Not started by systemd, or systemd is gone: the gateway works all the same.
    let _ = sd_notify::notify(states);
}

/// Whether all supervisors answer.
async fn ask(watched: &[SupervisorHandle]) -> bool {
    let mut all_answer = true;
    for supervisor in watched {
        let answer = tokio::time::timeout(PATIENCE, supervisor.ping()).await;
        if !matches!(answer, Ok(Ok(()))) {
            all_answer = false;
            warn!(?supervisor, "a supervisor does not answer");
        }
    }
    all_answer
}

async fn run(watched: Vec<SupervisorHandle>, context: Context) -> Result<(), BoxError> {
    // Half of what systemd asks for, as sd_watchdog_enabled(3) recommends.
    let every = sd_notify::watchdog_enabled().map_or(UNWATCHED_EVERY, |limit| limit / 2);
    notify(&[NotifyState::Ready]);
    loop {
        tokio::select! {
            // Not "stopping": this task is restarted with others when a service fails, and the gateway goes on.
            () = context.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
        let all_answer = tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            all_answer = ask(&watched) => all_answer,
        };
        if all_answer {
            notify(&[NotifyState::Watchdog]);
        }
    }
}
