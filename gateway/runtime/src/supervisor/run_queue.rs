//! A run queue of a supervisor's own: its children take turns, and no thread is woken for each of them.
//!
//! The runtime wakes another thread as soon as two tasks are ready, which is right for tasks that compute. Children
//! that read a few bytes and pass them on spend more on being woken than on their work. Here one task of the runtime,
//! the scheduler, runs whoever is ready; another one helps when there is much to do, or when a child does not let go.

mod fiber;
mod scheduler;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::crew::Reporting;
use crate::lock;
pub(super) use fiber::Fiber;
pub use fiber::give_way;
use scheduler::Scheduler;

/// Children that are ready for each scheduler at work; beyond it another one helps.
const CROWD: usize = 64;
/// How long a child may take for its turn. When another is ready then, it is not to wait any longer.
const PATIENCE: Duration = Duration::from_millis(1);
/// How long nobody may have had a turn, though some wait for it, until another scheduler is made.
const STUCK: Duration = Duration::from_secs(1);
/// Schedulers of one queue; each more than the runtime has threads stands for a child that holds one for good.
const MOST_SCHEDULERS: usize = 32;
/// Children that have waited and have turns one after the other before one has its turn that gave way.
const BEFORE_OTHERS: u32 = 16;

/// Children that take turns.
pub(super) struct RunQueue(Mutex<Inner>);

struct Inner {
    /// Those who were woken, in this order.
    woken: VecDeque<Arc<Fiber>>,
    /// Those who gave way though they could have gone on.
    gave_way: VecDeque<Arc<Fiber>>,
    /// Turns of those who were woken since one had its turn that gave way.
    turns: u32,
    /// Schedulers that have nothing to do, by their number.
    idle: Vec<(usize, Waker)>,
    /// The others, and when each began its present turn.
    at_work: Vec<(usize, Instant)>,
    /// How many of them are kept when there is nothing to do.
    threads: usize,
    /// The number of the next scheduler.
    next: usize,
    /// Children that have not ended.
    alive: usize,
    /// No more will come.
    closed: bool,
}

impl RunQueue {
    /// An empty one, with as many schedulers as the runtime has threads.
    pub(super) fn new() -> Arc<Self> {
        let runtime = Handle::current();
        let threads = match runtime.runtime_flavor() {
            RuntimeFlavor::MultiThread => runtime.metrics().num_workers().min(MOST_SCHEDULERS),
            _ => 1,
        };
        let queue = Arc::new(Self(Mutex::new(Inner {
            woken: VecDeque::new(),
            gave_way: VecDeque::new(),
            turns: 0,
            idle: Vec::new(),
            at_work: Vec::new(),
            threads,
            next: 0,
            alive: 0,
            closed: false,
        })));
        for _ in 0..threads {
            queue.add_scheduler();
        }
        queue
    }

    fn add_scheduler(self: &Arc<Self>) {
        let number = {
            let mut inner = lock(&self.0);
            inner.next += 1;
            let number = inner.next;
            inner.at_work.push((number, Instant::now()));
            number
        };
        super::spawn(Scheduler::new(self, number));
    }

    /// Starts the task of a run.
    pub(super) fn start(self: &Arc<Self>, task: Reporting) -> Arc<Fiber> {
        lock(&self.0).alive += 1;
        let fiber = Fiber::new(self, task);
        fiber.start();
        fiber
    }

    /// Puts a child among those who are ready. Gives it back if there is nobody to run it any more.
    fn put(&self, fiber: Arc<Fiber>, gave_way: bool) -> Result<(), Arc<Fiber>> {
        let mut inner = lock(&self.0);
        if inner.schedulers() == 0 {
            return Err(fiber);
        }
        if gave_way {
            inner.gave_way.push_back(fiber);
        } else {
            inner.woken.push_back(fiber);
        }
        let helper = inner.helper();
        drop(inner);
        if let Some(helper) = helper {
            helper.wake();
        }
        Ok(())
    }

    /// Looks whether those who are ready have their turns: if nobody has had one for a while, another scheduler helps.
    pub(super) fn look(self: &Arc<Self>) {
        let mut inner = lock(&self.0);
        if inner.waiting() == 0 {
            return;
        }
        let helper = inner.helper();
        let needs_more =
            inner.idle.is_empty() && inner.is_held_up(STUCK) && inner.schedulers() < MOST_SCHEDULERS;
        drop(inner);
        match helper {
            Some(helper) => helper.wake(),
            None if needs_more => self.add_scheduler(),
            None => {}
        }
    }

    /// No more children will come. The schedulers end with the last one.
    pub(super) fn close(&self) {
        let idle = {
            let mut inner = lock(&self.0);
            inner.closed = true;
            let (idle, now) = (std::mem::take(&mut inner.idle), Instant::now());
            inner
                .at_work
                .extend(idle.iter().map(|(number, _)| (*number, now)));
            idle
        };
        idle.into_iter().for_each(|(_, scheduler)| scheduler.wake());
    }

    /// One child less.
    fn ended(&self) {
        let over = {
            let mut inner = lock(&self.0);
            inner.alive -= 1;
            inner.closed && inner.alive == 0
        };
        if over {
            self.close();
        }
    }
}

impl Inner {
    fn waiting(&self) -> usize {
        self.woken.len() + self.gave_way.len()
    }

    fn schedulers(&self) -> usize {
        self.idle.len() + self.at_work.len()
    }

    /// Whether all that are at work have been at one turn for longer than that.
    fn is_held_up(&self, patience: Duration) -> bool {
        self.at_work.iter().all(|(_, begun)| begun.elapsed() > patience)
    }

    /// A scheduler that has to be woken. It is at work from now on.
    fn helper(&mut self) -> Option<Waker> {
        let is_needed = !self.idle.is_empty()
            && (self.waiting() > CROWD * self.at_work.len() || self.is_held_up(PATIENCE));
        let (number, helper) = self.idle.pop_if(|_| is_needed)?;
        self.at_work.push((number, Instant::now()));
        Some(helper)
    }

    /// The next child that has its turn: one that was woken, but now and then one that gave way.
    fn next(&mut self) -> Option<Arc<Fiber>> {
        self.turns += 1;
        if (self.turns > BEFORE_OTHERS || self.woken.is_empty())
            && let Some(fiber) = self.gave_way.pop_front()
        {
            self.turns = 0;
            return Some(fiber);
        }
        self.woken.pop_front()
    }
}
