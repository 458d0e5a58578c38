//! Live views: pages whose state lives in a task of the server, and whose changes reach the browser as differences.

mod component;
mod context;
mod effects;
mod handle;
mod live_view;
mod refusal;
pub mod upload;

pub use crate::Rendered;
pub use component::{Cid, LiveComponent};
pub use context::{Context, FilterError, SUBSCRIPTIONS};
pub use effects::{EVENTS, Go};
pub use handle::{Handle, INBOX, SendError};
pub use live_view::{Container, LiveView};
pub use refusal::Refusal;
