//! How far something has come, for threads that move it and tasks that wait for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::LogError;

/// A count of records that only grows, and why it does not grow at the moment.
#[derive(Debug, Default)]
pub(super) struct Progress {
    reached: AtomicU64,
    failure: Mutex<Option<LogError>>,
    changed: Notify,
}

impl Progress {
    /// One that begins at `reached`.
    pub(super) fn at(reached: u64) -> Self {
        Self {
            reached: AtomicU64::new(reached),
            ..Self::default()
        }
    }

    /// How far it is.
    pub(super) fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// It has come to `count`, and nothing stands in the way any more.
    pub(super) fn reach(&self, count: u64) {
        self.failure().take();
        self.reached.fetch_max(count, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// It has come to `count` and gets no further; everybody who waits hears why.
    pub(super) fn stop_at(&self, count: u64, why: LogError) {
        *self.failure() = Some(why);
        self.reached.fetch_max(count, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Waits until it is at `count`. May be dropped at any time.
    ///
    /// # Errors
    /// Why it gets no further.
    pub(super) async fn until(&self, count: u64) -> Result<(), LogError> {
        while self.reached() < count {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the second look, so that no change between look and wait is missed.
            changed.as_mut().enable();
            if self.reached() >= count {
                break;
            }
            if let Some(why) = self.failure().clone() {
                return Err(why);
            }
            changed.await;
        }
        Ok(())
    }

    fn failure(&self) -> MutexGuard<'_, Option<LogError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
