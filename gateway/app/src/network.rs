//! The runtime in which the connections live: one thread, because threads that wake each other are what most of a
//! small message costs. Devices, services and pages have the others, so that no codec holds the connections up.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The runtime, until this is dropped.
pub(crate) struct Network {
    handle: Handle,
    // Dropping it ends the thread.
    _running: oneshot::Sender<()>,
}

impl Network {
    /// Starts its thread.
    ///
    /// # Errors
    /// If the system has no more threads or files.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("connections".into())
            .spawn(move || {
                // An error is how the end is said: the sender is gone.
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            _running: running,
        })
    }

    /// Where tasks are started in it.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}
