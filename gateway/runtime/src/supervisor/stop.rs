//! Stopping children: ask, wait for the deadline, abort; one by one in reverse, or all at once.

use std::time::Duration;

use tokio::time::Instant;
use tracing::error;

use super::event::EventKind;
use super::exit::Exit;
use super::handle::{Reply, StartError};
use super::node::State;
use super::requests::answer;
use super::spec::Restart;
use super::task::{Task, next_fresh};
use super::worker::{Child, Phase, Timer, Verdict};

/// How long an aborted task may take to end. It ends at its next suspension; one that never suspends (an endless loop,
/// a blocking call) is given up, which is logged: a supervisor must not hang on a child.
pub(super) const ABORT_GRACE: Duration = Duration::from_secs(1);

impl Task {
    /// Stops everything: static children in reverse order, dynamic ones together.
    pub(super) async fn stop_all(&mut self) {
        self.round = None;
        if self.dynamic {
            self.stop_together().await;
        } else {
            self.stop_from(0).await;
        }
    }

    /// Stops the children from `from` on, the last started first. Temporary ones are forgotten.
    pub(super) async fn stop_from(&mut self, from: u64) {
        let orders: Vec<u64> = self
            .children
            .range(from..)
            .rev()
            .map(|(order, _)| *order)
            .collect();
        for order in orders {
            self.stop_one(order).await;
        }
    }

    async fn stop_one(&mut self, order: u64) {
        let Some(child) = self.children.get_mut(&order) else {
            return;
        };
        let replies = match std::mem::replace(&mut child.phase, Phase::Down) {
            Phase::Stopping(replies) => replies,
            Phase::Waiting(key) => {
                self.timers.remove(&key);
                Vec::new()
            }
            Phase::Up | Phase::Down => Vec::new(),
        };
        let deadline = child.stop_deadline();
        let temporary = child.restart() == Restart::Temporary;
        if let Some(running) = &child.running {
            child.node.enter(State::Stopping);
            running.shutdown.request();
            let mut exit = self.wait_for(order, deadline).await;
            if exit.is_none() {
                self.kill(order);
                exit = self.wait_for(order, Some(ABORT_GRACE)).await;
            }
            self.note_stopped(order, exit);
        } else {
            child.node.enter(State::Stopped);
        }
        for reply in replies {
            answer(reply, Ok(()));
        }
        if temporary {
            self.forget(order);
        }
    }

    fn kill(&mut self, order: u64) {
        if let Some(child) = self.children.get_mut(&order) {
            child.kill(Verdict::TooSlow);
        }
    }

    /// Waits until the child's task has ended; other exits are set aside. `None` if `deadline` passes first.
    async fn wait_for(&mut self, order: u64, deadline: Option<Duration>) -> Option<Exit> {
        if let Some(at) = self.pending.iter().position(|ended| ended.order == order) {
            return self.pending.remove(at).map(|ended| ended.exit);
        }
        let timeout = tokio::time::sleep(deadline.unwrap_or_default());
        tokio::pin!(timeout);
        loop {
            tokio::select! {
                biased;
                ended = next_fresh(&mut self.crew, &self.children) => {
                    let ended = self.note_killed(ended);
                    if ended.order == order {
                        return Some(ended.exit);
                    }
                    self.pending.push_back(ended);
                }
                () = &mut timeout, if deadline.is_some() => return None,
            }
        }
    }

    fn note_stopped(&mut self, order: u64, exit: Option<Exit>) {
        let Some(child) = self.children.get_mut(&order) else {
            return;
        };
        if child.running.take().is_some() && exit.is_none() {
            error!(child = %child.node.name, "the task does not end even when aborted; it is given up");
        }
        child
            .node
            .exited(&exit.unwrap_or(Exit::Killed("it hangs and was given up")));
        let node = std::sync::Arc::clone(&child.node);
        self.emit(&node, EventKind::Stopped);
    }

    /// Asks all at once, then aborts each whose own deadline has passed.
    async fn stop_together(&mut self) {
        let now = Instant::now();
        let mut deadlines = Vec::new();
        for (order, child) in &mut self.children {
            child.phase = Phase::Down;
            match &child.running {
                None => child.node.enter(State::Stopped),
                Some(running) => {
                    child.node.enter(State::Stopping);
                    running.shutdown.request();
                    if let Some(deadline) = child.stop_deadline() {
                        deadlines.push((now + deadline, *order));
                    }
                }
            }
        }
        deadlines.sort_unstable();
        while let Some(ended) = self.pending.pop_front() {
            self.note_stopped(ended.order, Some(ended.exit));
        }
        for (deadline, order) in deadlines {
            self.stopped_until(deadline, order).await;
            self.kill(order);
        }
        self.wait_for_the_rest().await;
    }

    /// Takes exits until `deadline`, or until this child is down.
    async fn stopped_until(&mut self, deadline: Instant, order: u64) {
        while self.is_running(order) {
            let next = next_fresh(&mut self.crew, &self.children);
            let Ok(ended) = tokio::time::timeout_at(deadline, next).await else {
                return;
            };
            let ended = self.note_killed(ended);
            self.note_stopped(ended.order, Some(ended.exit));
        }
    }

    /// Children without a deadline (supervisors) are waited for; killed ones get their grace.
    async fn wait_for_the_rest(&mut self) {
        let orders: Vec<u64> = self.children.keys().copied().collect();
        let grace = Instant::now() + ABORT_GRACE;
        for order in orders {
            let patient = self
                .children
                .get(&order)
                .is_some_and(|child| child.stop_deadline().is_none());
            let deadline = if patient {
                Instant::now() + Duration::from_secs(3600 * 24)
            } else {
                grace
            };
            self.stopped_until(deadline, order).await;
            if self.is_running(order) {
                self.note_stopped(order, None);
            }
        }
    }

    fn is_running(&self, order: u64) -> bool {
        self.children
            .get(&order)
            .is_some_and(|child| child.running.is_some())
    }

    /// Stops one child on request, without waiting: the answer comes when it has ended.
    pub(super) fn terminate_child(&mut self, name: &std::sync::Arc<str>, reply: Reply<()>) {
        let Some(order) = self.node.order_of(name) else {
            return answer(reply, Err(StartError::NotFound(std::sync::Arc::clone(name))));
        };
        let Some(child) = self.children.get_mut(&order) else {
            return answer(reply, Err(StartError::NotFound(std::sync::Arc::clone(name))));
        };
        if let Phase::Stopping(replies) = &mut child.phase {
            replies.push(reply);
            return;
        }
        if let Child {
            running: Some(running),
            ..
        } = &**child
        {
            running.shutdown.request();
            if let Some((run, deadline)) = running.run().zip(child.stop_deadline()) {
                self.timers.insert(Timer::Stop(order, run), deadline);
            }
            child.node.enter(State::Stopping);
            child.phase = Phase::Stopping(vec![reply]);
            return;
        }
        if let Phase::Waiting(key) = std::mem::replace(&mut child.phase, Phase::Down) {
            self.timers.remove(&key);
        }
        child.node.enter(State::Stopped);
        self.finish_stop(order, vec![reply]);
    }

    /// A child that was to stop has stopped.
    pub(super) fn finish_stop(&mut self, order: u64, replies: Vec<Reply<()>>) {
        let Some(child) = self.children.get(&order) else {
            return;
        };
        let node = std::sync::Arc::clone(&child.node);
        let forget = self.dynamic || child.restart() == Restart::Temporary;
        self.emit(&node, EventKind::Stopped);
        if forget {
            self.forget(order);
        }
        for reply in replies {
            answer(reply, Ok(()));
        }
    }
}
