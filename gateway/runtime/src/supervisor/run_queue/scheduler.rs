//! A scheduler: a task of the runtime that lets the children of a run queue have their turns.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::coop::has_budget_remaining;

use super::{Fiber, RunQueue};
use crate::lock;

/// Turns after which the runtime's other tasks are let run, and the sockets are looked at.
const TURNS: usize = 64;
/// The same in time: whoever is woken by a socket does not wait longer for others who have much to say.
const SPAN: Duration = Duration::from_micros(250);

pub(super) struct Scheduler {
    queue: Arc<RunQueue>,
    number: usize,
}

/// What is to be done.
enum Next {
    /// Let this child have its turn, which begins now.
    Run(Arc<Fiber>, Instant),
    Sleep,
    End,
}

impl Scheduler {
    pub(super) fn new(queue: &Arc<RunQueue>, number: usize) -> Self {
        Self {
            queue: Arc::clone(queue),
            number,
        }
    }

    fn next(&self, context: &Context<'_>) -> Next {
        let mut inner = lock(&self.queue.0);
        let number = self.number;
        let place = inner.at_work.iter().position(|(other, _)| *other == number);
        if let Some(fiber) = inner.next() {
            let now = Instant::now();
            match place {
                Some(place) => inner.at_work[place].1 = now,
                None => {
                    // Woken by somebody else.
                    inner.idle.retain(|(other, _)| *other != number);
                    inner.at_work.push((number, now));
                }
            }
            return Next::Run(fiber, now);
        }
        match place {
            Some(place) => drop(inner.at_work.swap_remove(place)),
            None => inner.idle.retain(|(other, _)| *other != number),
        }
        // One that was made because others were held up goes when they are back.
        if (inner.closed && inner.alive == 0) || inner.idle.len() >= inner.threads {
            return Next::End;
        }
        inner.idle.push((number, context.waker().clone()));
        Next::Sleep
    }
}

impl Future for Scheduler {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut begun = None;
        for _ in 0..TURNS {
            match self.next(context) {
                Next::Run(fiber, now) => {
                    let since = now.duration_since(*begun.get_or_insert(now));
                    fiber.run();
                    // The children share what the runtime grants a task between two looks at the sockets.
                    if since > SPAN || !has_budget_remaining() {
                        break;
                    }
                }
                Next::Sleep => return Poll::Pending,
                Next::End => return Poll::Ready(()),
            }
        }
        // Comes back after a look at the sockets. Waking itself would wake another thread, too.
        let _ = pin!(tokio::task::yield_now()).poll(context);
        Poll::Pending
    }
}

impl Drop for Scheduler {
    /// When the last one has gone, nobody runs those who are ready: the runtime ends.
    fn drop(&mut self) {
        let left = {
            let mut inner = lock(&self.queue.0);
            inner.idle.retain(|(number, _)| *number != self.number);
            inner.at_work.retain(|(number, _)| *number != self.number);
            if inner.schedulers() > 0 {
                return;
            }
            let mut left = std::mem::take(&mut inner.woken);
            left.append(&mut inner.gave_way);
            left
        };
        for fiber in left {
            fiber.give_up();
        }
    }
}
