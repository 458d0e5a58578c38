//! Supervision: tasks that are started in order, watched, restarted by rule and stopped in reverse.
//!
//! The semantics are those of OTP's `supervisor` and `DynamicSupervisor`, with two additions that a gateway needs:
//! a restart waits for an exponential backoff, and a supervisor never blocks on a child that it merely restarts.
//! This folder is the only place that spawns tasks.

mod backoff;
mod blueprint;
mod crew;
mod event;
mod exit;
mod group;
mod handle;
mod hush;
mod intensity;
mod node;
mod requests;
mod run_queue;
mod sabotage;
mod shutdown;
mod spec;
mod stop;
mod task;
mod vigil;
mod worker;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use blueprint::{Strategy, Supervisor, SupervisorError};
pub use event::{Event, EventKind, Events};
pub use exit::Exit;
pub use handle::{StartError, SupervisorHandle};
pub use intensity::Intensity;
pub use node::{ChildView, Kind, State, TreeView};
pub use run_queue::give_way;
pub use sabotage::{Saboteur, sabotage};
pub use shutdown::Shutdown;
pub use spec::{BoxError, ChildFuture, ChildSpec, Context, Restart};

/// Spawns the task of a root supervisor that runs beside others in one program: a simulated fleet, a test. Everything
/// else is a child of somebody.
pub fn detached<F>(root: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::task::spawn(root)
}

/// Starts the task of a child.
fn spawn(child: impl Future<Output = ()> + Send + 'static) -> tokio::task::AbortHandle {
    tokio::task::spawn(child).abort_handle()
}
