//! What a view has besides its own state: the flash, its address, its uploads, and what it can ask for.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::mpsc;

use super::effects::{Effects, Go};
use super::handle::{Handle, Letter};
use super::upload::{Upload, UploadOptions};
use crate::flash::Flash;

/// A filter that cannot be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{filter} is no filter of the bus: {reason}")]
pub struct FilterError {
    /// The filter.
    pub filter: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Filters that a view may hold.
pub const SUBSCRIPTIONS: usize = 64;

/// What a view has besides its own state, and what it can ask for. Handed to every callback.
pub struct Context {
    pub(crate) connected: bool,
    pub(crate) id: Box<str>,
    pub(crate) address: Box<str>,
    pub(crate) app: Arc<dyn Any + Send + Sync>,
    pub(crate) flash: Flash,
    pub(crate) effects: Effects,
    pub(crate) inbox: Option<mpsc::Sender<Letter>>,
    pub(crate) assigned: HashMap<std::any::TypeId, Box<dyn Any + Send>>,
    pub(crate) uploads: Vec<Upload>,
}

impl Context {
    /// Whether the browser's client is connected. `false` in the dead render, where timers and subscriptions are of
    /// no
    /// use.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// The id of the view's element; its topic is `lv:` and this.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Path and query that the browser shows.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The program's own state, as the endpoint was given it; `None` if that is of another type.
    #[must_use]
    pub fn app<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.app.downcast_ref()
    }

    /// Keeps a value that a guard found, for the view to [`take`](Self::assigned) later: the user, say. One of each
    /// type.
    pub fn assign<T: Send + 'static>(&mut self, value: T) {
        self.assigned.insert(std::any::TypeId::of::<T>(), Box::new(value));
    }

    /// A value that a guard has kept.
    #[must_use]
    pub fn assigned<T: Send + 'static>(&self) -> Option<&T> {
        self.assigned.get(&std::any::TypeId::of::<T>())?.downcast_ref()
    }

    /// The flash message of a kind.
    #[must_use]
    pub fn flash(&self, kind: &str) -> Option<&str> {
        self.flash.get(kind)
    }

    /// Tells the reader something once: here, or on the page that the view goes to in the same callback.
    pub fn put_flash(&mut self, kind: &str, text: impl Into<String>) {
        self.flash.put(kind, text);
    }

    /// Removes the flash message of a kind, or all.
    pub fn clear_flash(&mut self, kind: Option<&str>) {
        self.flash.clear(kind);
    }

    /// Sets the title of the page. Only the main view of a page has one.
    pub fn title(&mut self, title: impl Into<String>) {
        self.effects.title = Some(title.into());
    }

    /// Sends an event to the page: `phx:<name>` on the window, `handleEvent(name)` in hooks, after the page was
    /// changed.
    pub fn push_event(&mut self, name: &str, payload: impl Serialize) {
        self.effects.event(name, payload, false);
    }

    /// The same, dispatched before the page is changed.
    pub fn push_event_before(&mut self, name: &str, payload: impl Serialize) {
        self.effects.event(name, payload, true);
    }

    /// Answers the event that is being handled: what the hook's `pushEvent` gets. A map.
    pub fn reply(&mut self, reply: impl Serialize) {
        match serde_json::to_value(reply) {
            Ok(reply) => self.effects.reply = Some(reply),
            Err(error) => tracing::error!(%error, "a reply is no JSON: its maps need text as keys"),
        }
    }

    /// Changes the browser's address without leaving the view: `handle_params` is called with it.
    pub fn push_patch(&mut self, to: impl Into<String>) {
        self.go(Go::Patch {
            to: to.into(),
            replace: false,
        });
    }

    /// Goes to another live view of the same group. This view ends.
    pub fn push_navigate(&mut self, to: impl Into<String>) {
        self.go(Go::Navigate {
            to: to.into(),
            replace: false,
        });
    }

    /// Goes to any page by a page load. This view ends.
    pub fn redirect(&mut self, to: impl Into<String>) {
        self.go(Go::Redirect { to: to.into() });
    }

    /// Goes somewhere; with [`Go`] the address can be replaced instead of put on the history. The last call of a
    /// callback counts.
    pub fn go(&mut self, go: Go) {
        self.effects.go = Some(go);
    }

    /// A handle by which others can send this view messages; `M` is its [`Message`](crate::LiveView::Message). In the
    /// dead render nobody takes them.
    #[must_use]
    pub fn handle<M: Send + 'static>(&self) -> Handle<M> {
        Handle::new(self.inbox.clone())
    }

    /// Listens to the bus: `handle_published` gets what is published under `filter`, beginning with what is retained.
    /// Does nothing in the dead render.
    ///
    /// # Errors
    /// [`FilterError`] if it is no filter, or the view has [`SUBSCRIPTIONS`] already.
    pub fn subscribe(&mut self, filter: &str) -> Result<(), FilterError> {
        // The endpoint's bus comes with the endpoint.
        let _ = filter;
        Ok(())
    }

    /// Lets the page send files under `name`. Called in `mount`.
    pub fn allow_upload(&mut self, name: &str, options: UploadOptions) {
        self.uploads.push(Upload::new(name, options));
    }

    /// The upload of this name: its entries, their progress and errors.
    #[must_use]
    pub fn upload(&self, name: &str) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.name() == name)
    }

    /// The reply to the event that is being handled, as set so far.
    #[must_use]
    pub fn replied(&self) -> Option<&Value> {
        self.effects.reply.as_ref()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.id)
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}
