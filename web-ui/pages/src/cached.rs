//! A value that is costly to make and good for a moment: made once for all who ask in that time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// One value with an age limit. Whoever asks while it is being made waits for the one that is made.
pub(crate) struct Cached<T> {
    keep: Duration,
    slot: Mutex<Option<(Instant, Arc<T>)>>,
}

impl<T> Cached<T> {
    pub(crate) fn new(keep: Duration) -> Self {
        Self {
            keep,
            slot: Mutex::new(None),
        }
    }

    /// The value, made by `make` if there is none young enough. A failure is not kept.
    pub(crate) async fn get<E>(&self, make: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        let mut slot = self.slot.lock().await;
        if let Some((made, value)) = &*slot
            && made.elapsed() < self.keep
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(make.await?);
        *slot = Some((Instant::now(), Arc::clone(&value)));
        Ok(value)
    }

    /// Drops the value: what it was made of has changed.
    pub(crate) async fn forget(&self) {
        *self.slot.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_value_is_made_once_for_all_who_ask_until_it_is_forgotten() {
        let (cached, made) = (Cached::new(Duration::from_secs(60)), AtomicU32::new(0));
        let make = || async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(made.fetch_add(1, Ordering::Relaxed))
        };
        let (first, second) = tokio::join!(cached.get(make()), cached.get(make()));
        assert_eq!((*first.unwrap(), *second.unwrap()), (0, 0));
        cached.forget().await;
        assert_eq!(*cached.get(make()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let cached = Cached::new(Duration::from_secs(60));
        assert!(cached.get(async { Err::<u32, _>("no") }).await.is_err());
        assert_eq!(*cached.get(async { Ok::<_, &str>(7) }).await.unwrap(), 7);
    }
}
