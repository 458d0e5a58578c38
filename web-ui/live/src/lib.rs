//! Channels, presence and live views, wire-compatible with the stock Phoenix clients.

pub mod flash;
pub mod params;
#[allow(dead_code, reason = "the endpoint comes next")]
pub mod routes;
pub mod session;
pub mod sign;
#[allow(dead_code, reason = "the endpoint comes next")]
pub mod view;

pub use flash::Flash;
pub use params::Params;
pub use routes::{Group, Page, Routes};
pub use session::Session;
pub use view::{Context, Handle, LiveComponent, LiveView, Refusal};
