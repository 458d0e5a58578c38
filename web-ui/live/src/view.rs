//! Live views: pages whose state lives in a task of the server, and whose changes reach the browser as differences.

mod channel;
mod client;
mod component;
mod components;
mod container;
mod context;
mod effects;
mod erased;
mod handle;
mod inboxes;
mod join;
mod listening;
mod live_view;
mod nest;
mod present;
mod refusal;
mod running;
mod timers;
mod token;
mod turn;
pub mod upload;

#[cfg(test)]
mod tests;

pub use component::LiveComponent;
pub use components::COMPONENTS;
pub use context::Context;
pub use effects::{EVENTS, Go};
pub use handle::{Handle, SendError};
pub use join::{ADDRESS_BYTES, ASSET_BYTES, ASSETS, CONNECT_BYTES, LIVEVIEW_VERSION};
pub use listening::{FilterError, PUBLISHED, SUBSCRIPTIONS};
pub use live_view::{Container, LiveView};
pub use nest::NESTED;
pub use present::{PRESENCES, PresenceError};
pub use refusal::Refusal;
pub use running::PATCHES;
pub use timers::TIMERS;

pub(crate) use channel::ViewChannel;
pub(crate) use container::container;
pub(crate) use erased::ViewKind;
pub(crate) use handle::Inbox;
#[cfg(test)]
pub(crate) use handle::Letter;
pub(crate) use inboxes::{Inboxes, MessageType};
pub(crate) use nest::{Nest, Standing};
pub(crate) use running::{Opening, Running};
pub(crate) use token::{StaticToken, ViewToken};
pub(crate) use turn::Halt;
pub(crate) use upload::UploadChannel;
