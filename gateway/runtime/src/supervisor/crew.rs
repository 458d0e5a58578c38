//! The running tasks of one supervisor: started here, and each reports its end, whatever ended it.
//!
//! A set of join handles would cost each of ten thousand children twice as much.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::exit::{Exit, Guarded};
use super::spawn;

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

impl Crew {
    pub(super) fn new() -> Self {
        let (sender, ends) = mpsc::unbounded_channel();
        Self { sender, ends }
    }

    /// Starts a task.
    pub(super) fn start(&self, order: u64, guarded: Guarded) -> (Run, AbortHandle) {
        let run = Run(RUNS.fetch_add(1, Ordering::Relaxed));
        let reporting = Reporting {
            guarded: Some(guarded),
            sender: self.sender.clone(),
            order,
            run,
        };
        (run, spawn(reporting))
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

/// A task that reports its end: after everything it held is gone, so that whoever takes its place finds it free.
struct Reporting {
    guarded: Option<Guarded>,
    sender: mpsc::UnboundedSender<Ended>,
    order: u64,
    run: Run,
}

impl Reporting {
    fn report(&mut self, exit: Exit) {
        if let Some(guarded) = self.guarded.take() {
            guarded.drop_guarded();
            let (order, run) = (self.order, self.run);
            // Nobody listens any more when the supervisor itself has gone.
            let _ = self.sender.send(Ended { order, run, exit });
        }
    }
}

impl Future for Reporting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(guarded) = &mut self.guarded else {
            return Poll::Ready(());
        };
        match Pin::new(guarded).poll(context) {
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
