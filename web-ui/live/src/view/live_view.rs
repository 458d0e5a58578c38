//! What a page has to say to be a live view.

use roost_runtime::Message;
use serde_json::Value;

use super::context::Context;
use super::refusal::Refusal;
use crate::params::Params;
use crate::presence::Change;
use crate::render::Rendered;
use crate::session::Session;

/// The element that holds a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    /// Its tag.
    pub tag: &'static str,
    /// Its attributes, such as a class.
    pub attributes: &'static [(&'static str, &'static str)],
}

impl Default for Container {
    fn default() -> Self {
        Self {
            tag: "div",
            attributes: &[],
        }
    }
}

/// A page that lives: its state is `Self`, in a task of its own, for as long as the browser shows it.
///
/// A page load calls `mount`, `handle_params` and `render` once, and the state is dropped: that is the *dead
/// render*, the HTML
/// that a browser without JavaScript sees. When the browser's client has connected, the three are called again, and
/// from then on every call that may have changed something is followed by `render`; what differs is sent.
///
/// A panic in any of them ends this view alone. The client joins again, and the state begins anew.
pub trait LiveView: Sized + Send + 'static {
    /// What the view sends itself, or is sent by whoever has a [`Handle`](crate::Handle) of it; `()` if nothing.
    type Message: Send + 'static;

    /// Makes the state. `params` are those of the path and the query; a view that stands in another view has none.
    ///
    /// # Errors
    /// A [`Refusal`]: the page is elsewhere, not there, or not for this reader.
    fn mount(params: &Params, session: &Session, context: &mut Context) -> Result<Self, Refusal>;

    /// The parameters after `mount`, and again whenever the browser changes its address without leaving the view.
    fn handle_params(&mut self, params: &Params, context: &mut Context) {
        let _ = (params, context);
    }

    /// Something that the reader did: `event` is the name in `phx-click` and its like. `value` is a map for clicks
    /// and
    /// keys, the decoded form for forms (with `_target` as a list of names), anything for hooks.
    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        let _ = (value, context);
        // Clients name events as they like.
        tracing::debug!(
            view = std::any::type_name::<Self>(),
            event,
            "the view has no answer to an event"
        );
    }

    /// A message from the view itself or from the holder of a handle.
    fn handle_message(&mut self, message: Self::Message, context: &mut Context) {
        let _ = (message, context);
    }

    /// A message on the bus, under a filter that [`Context::subscribe`] was given.
    fn handle_published(&mut self, message: &Message, context: &mut Context) {
        let _ = (message, context);
    }

    /// Somebody has come to a topic or has left it, after [`Context::watch`] was called for it.
    fn handle_presence(&mut self, change: &Change, context: &mut Context) {
        let _ = (change, context);
    }

    /// A file of an upload got on, was done or failed: see [`Context::upload`].
    fn handle_progress(&mut self, upload: &str, entry: &str, context: &mut Context) {
        let _ = (upload, entry, context);
    }

    /// What the page shows now.
    fn render(&self, context: &Context) -> Rendered;

    /// The element that holds the view.
    #[must_use]
    fn container() -> Container {
        Container::default()
    }
}
