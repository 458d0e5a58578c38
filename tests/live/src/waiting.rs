//! Waiting for what is going to happen, and giving up on what is not.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Longest wait for something that is going to happen: generous, because a loaded machine is slow and a failure rare.
const PATIENCE: Duration = Duration::from_secs(60);

/// What comes of `happening`.
///
/// # Panics
/// If it has not come within a minute; `what` says what was waited for.
pub async fn in_time<T>(what: &str, happening: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, happening).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Waits until `is_so`.
///
/// # Panics
/// If it is not within a minute; `what` says what was waited for.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let so = async {
        while !is_so() {
            // Between two looks, so that the looking does not slow down what is looked at.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(what, so).await;
}

/// What is told next.
///
/// # Panics
/// If nobody tells anything within a minute, or ever will.
pub async fn next_of<T>(teller: &mut UnboundedReceiver<T>) -> T {
    in_time("being told", teller.recv())
        .await
        .expect("there is somebody who tells")
}
