//! Starting children in order, and the rounds in which one_for_all and rest_for_one restart a group.

use std::time::Duration;

use tokio::time::Instant;

use super::blueprint::Strategy;
use super::crew::Ended;
use super::shutdown::Shutdown;
use super::task::{Task, next_fresh};
use super::worker::{Phase, Verdict};

/// A group restart that waits for its backoff.
pub(super) struct Round {
    /// The first child of the group, by order of start; all later ones belong to it.
    pub(super) from: u64,
    /// When they are started.
    pub(super) wake: Instant,
}

enum Readiness {
    Ready,
    Ended {
        /// Whether its restart will start those after it too.
        restarts: bool,
    },
    Shutdown,
}

impl Task {
    /// Stops the group in reverse order and schedules its start. A round that was under way is widened by this one.
    pub(super) async fn begin_round(&mut self, from: u64, delay: Duration) {
        self.stop_from(from).await;
        let wake = Instant::now() + delay;
        let round = match self.round.take() {
            Some(before) => Round {
                from: before.from.min(from),
                wake: before.wake.max(wake),
            },
            None => Round { from, wake },
        };
        for child in self.children.range(round.from..).map(|(_, child)| child) {
            child.node.waiting(round.wake);
        }
        self.round = Some(round);
    }

    /// Starts the children from `from` on that do not run, each when the one before is ready.
    ///
    /// A child that ends before it is ready is handled like any exit. Under one_for_one its siblings do not depend on
    /// it and are started; under the other strategies its restart will start them.
    pub(super) async fn start_from(&mut self, from: u64, shutdown: &Shutdown) {
        let orders: Vec<u64> = self.children.range(from..).map(|(order, _)| *order).collect();
        for order in orders {
            let due = self
                .children
                .get(&order)
                .is_some_and(|child| child.running.is_none() && matches!(child.phase, Phase::Down));
            if !due {
                continue;
            }
            let Some(is_ready) = self.start(order) else {
                continue;
            };
            match self.wait_ready(order, is_ready, shutdown).await {
                Readiness::Ready => {}
                Readiness::Ended { restarts } if !restarts || self.strategy == Strategy::OneForOne => {}
                Readiness::Ended { .. } | Readiness::Shutdown => return,
            }
        }
    }

    async fn wait_ready(
        &mut self,
        order: u64,
        mut is_ready: tokio::sync::oneshot::Receiver<()>,
        shutdown: &Shutdown,
    ) -> Readiness {
        let deadline = self
            .children
            .get(&order)
            .and_then(|child| child.rules.ready_deadline);
        let timeout = tokio::time::sleep(deadline.unwrap_or_default());
        tokio::pin!(timeout);
        let mut overdue = false;
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return Readiness::Shutdown,
                ready = &mut is_ready, if !is_ready.is_terminated() => {
                    if ready.is_ok() {
                        return Readiness::Ready;
                    }
                    // It dropped its context without a word: it has ended, or goes on unready until its deadline.
                }
                ended = next_fresh(&mut self.crew, &self.children) => {
                    let ended = self.note_killed(ended);
                    let mine = ended.order == order;
                    let restarts = self.children.get(&order).is_some_and(|child| child.wants_restart(&ended.exit));
                    self.pending.push_back(ended);
                    if mine {
                        return Readiness::Ended { restarts };
                    }
                }
                () = &mut timeout, if !overdue => {
                    overdue = true;
                    if let Some(child) = self.children.get_mut(&order) {
                        child.kill(Verdict::NotReady);
                    }
                }
            }
        }
    }

    /// Puts the reason why a child was killed in place of the bare fact.
    pub(super) fn note_killed(&self, mut ended: Ended) -> Ended {
        if let (super::exit::Exit::Killed(why), Some(child)) =
            (&mut ended.exit, self.children.get(&ended.order))
        {
            *why = child.killed.map_or(*why, Verdict::text);
        }
        ended
    }
}
