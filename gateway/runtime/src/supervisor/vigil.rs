//! The vigil: every child is asked for a sign of life now and then; one that gives none is ended like one that failed.
//!
//! The sign is that the child looks whether it is to stop ([`super::Shutdown::requested`]), which every child does
//! wherever it waits: one that would not hear that it is to stop hears nothing else either.

use std::time::Duration;

use tracing::error;

use super::crew::Ended;
use super::exit::Exit;
use super::node::State;
use super::task::Task;
use super::worker::{Phase, Timer, Verdict};

/// Parts of the children that are asked one after the other, so that ten thousand do not wake at the same moment.
const PARTS: usize = 8;
/// How often somebody looks whether a child holds up others. Mostly whoever is woken next has seen to it before.
const TURNS_EVERY: Duration = Duration::from_millis(100);
/// Questions that a child may leave without an answer: after one, the whole program may have been stopped for a while.
const UNANSWERED: u8 = 2;

/// How far a supervisor has come with asking its children.
pub(super) struct Vigil {
    every: Duration,
    /// The next part.
    part: usize,
    /// How many children are asked at a time.
    at_a_time: usize,
    /// The next child, by order of start.
    from: u64,
}

impl Vigil {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            part: 0,
            at_a_time: 0,
            from: 0,
        }
    }

    fn step(&self) -> Duration {
        self.every / u32::try_from(PARTS).unwrap_or(1)
    }
}

impl Task {
    /// Asks the next part of the children in a while.
    pub(super) fn keep_vigil(&mut self) {
        self.timers.insert(Timer::Look, self.vigil.step());
    }

    /// Looks whether a child holds up those who share its run queue, again and again.
    pub(super) fn watch_turns(&mut self) {
        if let Some(queue) = &self.run_queue {
            queue.look();
            self.timers.insert(Timer::Turns, TURNS_EVERY);
        }
    }

    /// Asks a part of the children, and ends those of them that have not answered.
    pub(super) fn look(&mut self) {
        if self.vigil.part == 0 {
            self.vigil.at_a_time = self.children.len().div_ceil(PARTS);
            self.vigil.from = 0;
        }
        self.vigil.part = (self.vigil.part + 1) % PARTS;
        let asked = self.children.range(self.vigil.from..).take(self.vigil.at_a_time);
        let orders: Vec<u64> = asked.map(|(order, _)| *order).collect();
        self.vigil.from = orders.last().map_or(u64::MAX, |last| last.saturating_add(1));
        for order in orders {
            self.ask(order);
        }
        self.keep_vigil();
    }

    fn ask(&mut self, order: u64) {
        let Some(child) = self.children.get_mut(&order) else {
            return;
        };
        let (Some(running), Phase::Up) = (&child.running, &child.phase) else {
            return;
        };
        // One that starts has a deadline of its own.
        if running.shutdown.ask() < UNANSWERED || child.node.view().state == State::Starting {
            return;
        }
        if child.killed.is_none() {
            return child.kill(Verdict::Hangs);
        }
        let (supervisor, child_name) = (&self.node.name, &child.node.name);
        error!(%supervisor, child = %child_name, "the task does not end even when aborted; it is given up");
        child.killed = Some(Verdict::GivenUp);
        let exit = Exit::Killed(Verdict::GivenUp.text());
        let ended = running.run().map(|run| Ended { order, run, exit });
        self.pending.extend(ended);
    }
}
