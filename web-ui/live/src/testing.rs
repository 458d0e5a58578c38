//! Views and channels driven in the test's own process: no port, no browser.
//!
//! A [`Browser`] opens a page of the program's router; its [`Page`] is clicked, filled and looked at as a person would.
//! A [`Client`] joins channels. Both go through the same routes, tokens and tasks as the real clients do, and put the
//! page together from the view's messages as the browser does.

mod alone;
mod browser;
mod channel;
mod document;
mod failure;
mod form;
mod found;
mod frame;
mod loaded;
mod page;
mod rows;
mod selector;
mod tree;
mod wire;

use roost_runtime::Shutdown;
use roost_runtime::supervisor::detached;

use crate::endpoint::Endpoint;

pub use alone::component;
pub use browser::Browser;
pub use channel::{Client, Dial, Reply};
pub use failure::Failure;
pub use frame::Frame;
pub use loaded::Loaded;
pub use page::Page;

/// Runs an endpoint's part of the supervision tree, as its program does, for as long as the test's runtime lives.
/// Returns when clients are let in.
pub async fn run(endpoint: &Endpoint) {
    detached(endpoint.supervisor().run(Shutdown::new()));
    while !endpoint.is_running().await {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests;

/// The host that pages are asked of here.
const HOST: &str = "www.example.com";
