//! A child that takes turns with others: its task, and whether it is ready.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::RunQueue;
use crate::lock;
use crate::supervisor::crew::Reporting;

/// It waits for something.
const ASLEEP: u8 = 0;
/// It is in the queue.
const READY: u8 = 1;
/// It has its turn.
const AT_WORK: u8 = 2;
/// It has its turn, and was woken meanwhile.
const WOKEN_AT_WORK: u8 = 3;

thread_local! {
    /// The child that has its turn on this thread gives way.
    static GIVES_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Lets others run first that are ready, and then goes on. In a run queue ([`super::super::Supervisor::run_queue`])
/// these are all those who have waited; anywhere else it is left to the runtime.
pub fn give_way() -> impl Future<Output = ()> + Send {
    let mut given = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        GIVES_WAY.set(true);
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// A child that takes turns.
pub(in crate::supervisor) struct Fiber {
    queue: Arc<RunQueue>,
    state: AtomicU8,
    aborted: AtomicBool,
    /// `None` when it has ended.
    task: Mutex<Option<Reporting>>,
}

impl Fiber {
    pub(super) fn new(queue: &Arc<RunQueue>, task: Reporting) -> Arc<Self> {
        Arc::new(Self {
            queue: Arc::clone(queue),
            state: AtomicU8::new(ASLEEP),
            aborted: AtomicBool::new(false),
            task: Mutex::new(Some(task)),
        })
    }

    /// Has its first turn soon.
    pub(super) fn start(self: &Arc<Self>) {
        self.wake_by_ref();
    }

    /// It ends at its next suspension, or now if it is suspended.
    pub(in crate::supervisor) fn abort(self: &Arc<Self>) {
        self.aborted.store(true, Ordering::Release);
        self.wake_by_ref();
    }

    /// Has its turn.
    pub(super) fn run(self: Arc<Self>) {
        self.state.store(AT_WORK, Ordering::Release);
        let mut place = lock(&self.task);
        let Some(task) = place.as_mut() else { return };
        let is_over = self.aborted.load(Ordering::Acquire) || {
            GIVES_WAY.set(false);
            let waker = Waker::from(Arc::clone(&self));
            Pin::new(task).poll(&mut Context::from_waker(&waker)).is_ready()
        };
        if is_over {
            let task = place.take();
            drop(place);
            self.end(task);
            return;
        }
        drop(place);
        let slept = self
            .state
            .compare_exchange(AT_WORK, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        if slept.is_err() {
            self.state.store(READY, Ordering::Release);
            self.queue_up(GIVES_WAY.get());
        }
    }

    /// Whether it has to be put into the queue, now that it is woken.
    fn wakes(&self) -> bool {
        let woken = |state| match state {
            ASLEEP => Some(READY),
            AT_WORK => Some(WOKEN_AT_WORK),
            _ => None,
        };
        let before = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, woken);
        before == Ok(ASLEEP)
    }

    fn queue_up(self: Arc<Self>, gave_way: bool) {
        let queue = Arc::clone(&self.queue);
        if let Err(fiber) = queue.put(self, gave_way) {
            fiber.give_up();
        }
    }

    /// Nobody will run it any more.
    pub(super) fn give_up(&self) {
        if self.aborted.load(Ordering::Acquire) {
            let task = lock(&self.task).take();
            self.end(task);
        }
    }

    /// Drops the task, which reports its end.
    fn end(&self, task: Option<Reporting>) {
        if task.is_some() {
            drop(task);
            self.queue.ended();
        }
    }
}

impl Wake for Fiber {
    fn wake(self: Arc<Self>) {
        if self.wakes() {
            self.queue_up(false);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.wakes() {
            Arc::clone(self).queue_up(false);
        }
    }
}
