//! The running tasks of one supervisor: started here, and each reports its end, whatever ended it.
//!
//! A set of join handles would cost each of ten thousand children twice as much.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::exit::{Exit, drop_guarded, poll_guarded};
use super::run_queue::{Fiber, RunQueue};
use super::shutdown::Shutdown;
use super::spawn;
use super::spec::ChildFuture;

/// One run of a child; no two runs in the program have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Run(u64);

static RUNS: AtomicU64 = AtomicU64::new(0);

/// A child's task has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) order: u64,
    pub(super) run: Run,
    pub(super) exit: Exit,
}

/// The running tasks.
#[derive(Debug)]
pub(super) struct Crew {
    // Unbounded, and yet bounded by the number of children: each of their runs reports once.
    sender: mpsc::UnboundedSender<Ended>,
    ends: mpsc::UnboundedReceiver<Ended>,
}

/// Where one run of a child reports its end.
#[derive(Debug)]
pub(super) struct Post {
    sender: mpsc::UnboundedSender<Ended>,
    order: u64,
    pub(super) run: Run,
}

impl Crew {
    pub(super) fn new() -> Self {
        let (sender, ends) = mpsc::unbounded_channel();
        Self { sender, ends }
    }

    /// The request to stop of a new run, by which it reports its end too.
    pub(super) fn new_run(&self, order: u64) -> (Run, Shutdown) {
        let run = Run(RUNS.fetch_add(1, Ordering::Relaxed));
        let sender = self.sender.clone();
        (run, Shutdown::of_run(Post { sender, order, run }))
    }

    /// The next task that ends. Safe to cancel.
    pub(super) async fn next_end(&mut self) -> Ended {
        match self.ends.recv().await {
            Some(ended) => ended,
            // The crew holds a sender itself.
            None => std::future::pending().await,
        }
    }
}

/// Starts the task of a run, in a run queue if there is one.
pub(super) fn start(future: ChildFuture, shutdown: Shutdown, queue: Option<&Arc<RunQueue>>) -> Abort {
    let task = Reporting {
        future: Some(future),
        shutdown,
    };
    match queue {
        None => Abort::Task(spawn(task)),
        Some(queue) => Abort::Fiber(queue.start(task)),
    }
}

/// How a run is ended at its next suspension.
pub(super) enum Abort {
    Task(AbortHandle),
    Fiber(Arc<Fiber>),
}

impl Abort {
    pub(super) fn abort(&self) {
        match self {
            Self::Task(task) => task.abort(),
            Self::Fiber(fiber) => fiber.abort(),
        }
    }
}

/// A task that reports its end: after everything it held is gone, so that whoever takes its place finds it free.
///
/// It has three words: with what the runtime adds, a task then takes 128 bytes, and with one more twice as much.
pub(super) struct Reporting {
    future: Option<ChildFuture>,
    shutdown: Shutdown,
}

const _: () = assert!(size_of::<Reporting>() <= 24);

impl Reporting {
    fn report(&mut self, exit: Exit) {
        if let Some(future) = self.future.take() {
            drop_guarded(future);
            if let Some(Post { sender, order, run }) = self.shutdown.post() {
                let (order, run) = (*order, *run);
                // Nobody listens any more when the supervisor itself has gone.
                let _ = sender.send(Ended { order, run, exit });
            }
        }
    }
}

impl Future for Reporting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(());
        };
        match poll_guarded(future, context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(exit) => {
                self.report(exit);
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.report(Exit::Killed("it was aborted"));
    }
}
