//! The request to stop, as a child sees it. There is one for every child, so it is as small as it can be.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;

use super::crew::Post;
use crate::lock;

/// Those who wait; one more, and all are woken to come again: a waker that nobody waits with any more is got rid of
/// that way.
const MOST_WAITING: usize = 8;

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    /// How often the child was asked for a sign of life since it last gave one.
    asked: AtomicU8,
    waiting: Mutex<SmallVec<[Waker; 1]>>,
    /// Where the run of a child that it belongs to reports its end: here, so that a run has one thing to hold.
    post: Option<Post>,
}

/// The request to stop. Cloning copies a pointer.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Inner>);

impl Shutdown {
    /// One that nobody has requested yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// That of one run of a child.
    pub(super) fn of_run(post: Post) -> Self {
        Self(Arc::new(Inner {
            post: Some(post),
            ..Inner::default()
        }))
    }

    /// Where the run reports its end, if it is a run's.
    pub(super) fn post(&self) -> Option<&Post> {
        self.0.post.as_ref()
    }

    /// Waits until the child is to stop. Safe to cancel.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + '_ {
        poll_fn(|context| self.poll_requested(context))
    }

    /// Whether the child is to stop; if not, its task is woken when it is.
    pub fn poll_requested(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_requested() {
            return Poll::Ready(());
        }
        let mut waiting = lock(&self.0.waiting);
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            if waiting.len() >= MOST_WAITING {
                waiting.drain(..).for_each(Waker::wake);
            }
            waiting.push(context.waker().clone());
        }
        drop(waiting);
        // Requested between the look and the lock.
        if self.is_requested() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether the child is to stop. To look is a sign of life.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        // Nearly always nobody has asked, and then nothing is written that other threads read.
        if self.0.asked.load(Ordering::Relaxed) != 0 {
            self.0.asked.store(0, Ordering::Relaxed);
        }
        self.0.requested.load(Ordering::Acquire)
    }

    /// Asks the child for a sign of life; how often it was asked before and has not given one since.
    pub(super) fn ask(&self) -> u8 {
        let asked = self.0.asked.load(Ordering::Relaxed);
        self.0.asked.store(asked.saturating_add(1), Ordering::Relaxed);
        self.wake();
        asked
    }

    /// Asks the child to stop.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        let waiting = std::mem::take(&mut *lock(&self.0.waiting));
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_who_waits_learns_of_the_request_however_many_they_are() {
        let shutdown = Shutdown::new();
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let shutdown = shutdown.clone();
                tokio::task::spawn(async move { shutdown.requested().await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(lock(&shutdown.0.waiting).len() <= MOST_WAITING);
        shutdown.request();
        for task in waiting {
            task.await.unwrap();
        }
        shutdown.requested().await;
    }
}
