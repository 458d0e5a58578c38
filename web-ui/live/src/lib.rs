//! Channels, presence and live views, wire-compatible with the stock Phoenix clients.

// What `html!` writes names this crate by its outside name, here too.
#[allow(
    unused_extern_crates,
    reason = "used where a template is written in this crate"
)]
extern crate self as roost_live;

pub mod channel;
pub mod components;
pub mod endpoint;
pub mod flash;
pub mod form;
pub mod frame;
pub mod js;
pub mod params;
pub mod presence;
pub mod render;
pub mod routes;
pub mod scripts;
pub mod session;
pub mod sign;
pub mod site;
pub mod socket;
pub mod testing;
mod topics;
pub mod view;

pub use flash::Flash;
pub use js::Js;
pub use params::Params;
pub use render::{Cid, Component, Diff, Differ, Raw, RawUrl, Rendered, Stream};
pub use roost_live_macros::html;
pub use roost_reload as reload;
pub use routes::{Group, Page, Routes};
pub use session::Session;
pub use site::Site;
pub use view::{Context, Handle, LiveComponent, LiveView, Refusal};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex whose data is valid after every single statement, so that a panic elsewhere poisons nobody.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
