//! One child inside its supervisor's task: its specification, its phase, its running task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::time::delay_queue;

use super::crew::{Abort, Run};
use super::exit::Exit;
use super::handle::Reply;
use super::node::Node;
use super::shutdown::Shutdown;
use super::spec::{Factory, Restart, Rules};

/// Why a child was aborted; a byte, where its text would be two words of each of ten thousand children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Hangs,
    GivenUp,
    TooSlow,
    NotReady,
}

impl Verdict {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Hangs => "it gave no sign of life",
            Self::GivenUp => "it hangs, does not end even when aborted, and was given up",
            Self::TooSlow => "it did not stop within its deadline",
            Self::NotReady => "it was not ready within its deadline",
        }
    }
}

/// A running task of a child.
pub(super) struct Running {
    pub(super) abort: Abort,
    pub(super) shutdown: Shutdown,
}

impl Running {
    pub(super) fn run(&self) -> Option<Run> {
        self.shutdown.post().map(|post| post.run)
    }

    pub(super) fn is(&self, run: Run) -> bool {
        self.run() == Some(run)
    }
}

/// What the supervisor has in mind with a child.
pub(super) enum Phase {
    /// It should be running.
    Up,
    /// It is started again when this timer fires.
    Waiting(delay_queue::Key),
    /// It was asked to stop; these want to know when it has.
    Stopping(Vec<Reply<()>>),
    /// It is left alone.
    Down,
}

/// A timer of one child. The task's id tells a timer of an earlier run from one of this run.
pub(super) enum Timer {
    Restart(u64),
    Stop(u64, Run),
    Ready(u64, Run),
    /// Time to ask for signs of life.
    Look,
    /// Time to look whether those who are ready have their turns.
    Turns,
}

/// One child.
pub(super) struct Child {
    pub(super) node: Arc<Node>,
    /// `None` for a child that came as a future and cannot be started twice.
    pub(super) factory: Option<Factory>,
    pub(super) rules: Arc<Rules>,
    pub(super) running: Option<Running>,
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    /// Why it was aborted, if it was.
    pub(super) killed: Option<Verdict>,
}

impl Child {
    pub(super) fn restart(&self) -> Restart {
        self.rules.restart
    }

    pub(super) fn stop_deadline(&self) -> Option<Duration> {
        self.rules.stop_deadline
    }

    pub(super) fn wants_restart(&self, exit: &Exit) -> bool {
        match self.restart() {
            Restart::Permanent => true,
            Restart::Transient => exit.is_abnormal(),
            Restart::Temporary => false,
        }
    }

    /// How long to wait before the restart that is due now; `ran` is how long the child was up.
    pub(super) fn next_delay(&mut self, ran: Duration) -> Duration {
        let backoff = self.rules.backoff;
        if ran >= backoff.healthy_after {
            self.attempt = 0;
        }
        let delay = backoff.delay(self.attempt, fastrand::f32());
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// Aborts the running task; it ends at its next suspension.
    pub(super) fn kill(&mut self, why: Verdict) {
        if let Some(running) = &self.running {
            self.killed = Some(why);
            running.abort.abort();
        }
    }
}

/// Calls a factory so that its own panic becomes the child's exit instead of the supervisor's.
pub(super) fn call<T>(factory: impl FnOnce() -> T) -> Result<T, Exit> {
    catch_unwind(AssertUnwindSafe(factory)).map_err(|payload| super::exit::panicked(payload.as_ref()))
}
