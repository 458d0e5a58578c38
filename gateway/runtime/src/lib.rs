//! What everything else stands on: supervised tasks, the bus, presence.

#[cfg(not(panic = "unwind"))]
compile_error!(
    "roost needs panic = \"unwind\": a supervisor catches the panic of one task and restarts that task alone; with \
     panic = \"abort\" one bad device would end the whole gateway"
);

pub mod bus;
pub mod presence;
pub mod supervisor;

pub use bus::{
    Bell, Bus, BusLimits, BusStats, Capacity, Delivery, Expected, Extra, Ledger, Message, Origin, Policy,
    Pressure, Published, QoS, Receipt, ReplyTo, RequestError, Subscription, Taken, Terms,
};
// The words of the bus, for those who know nothing else of a gateway.
pub use roost_model::{Filter, Topic, TopicError};

pub use presence::{Presence, PresenceGuard};
pub use supervisor::{
    Backoff, BoxError, ChildFuture, ChildSpec, ChildView, Context, Event, EventKind, Events, Exit, Intensity,
    Kind, Restart, Saboteur, Shutdown, StartError, State, Strategy, Supervisor, SupervisorError,
    SupervisorHandle, TreeView, give_way, sabotage,
};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex whose data is valid after every single statement, so that a panic elsewhere poisons nobody.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
