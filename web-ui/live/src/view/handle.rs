//! A way to send a view messages from anywhere in the process.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use thiserror::Error;

/// A message whose type only its view knows.
pub(crate) type Letter = Box<dyn Any + Send>;
/// Where a view's messages are put; gives one back if it is full or the view has ended.
pub(crate) type Inbox = Arc<dyn Fn(Letter) -> Result<(), SendError> + Send + Sync>;

/// A message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the view has ended, or more messages wait for it than its inbox holds")]
pub struct SendError;

/// Sends messages of type `M` to one view. Made by [`Context::handle`](crate::Context::handle); cloning copies a
/// pointer.
pub struct Handle<M> {
    inbox: Option<Inbox>,
    message: PhantomData<fn(M)>,
}

impl<M: Send + 'static> Handle<M> {
    pub(crate) fn new(inbox: Option<Inbox>) -> Self {
        let message = PhantomData;
        Self { inbox, message }
    }

    /// Puts a message into the view's inbox; its `handle_message` gets it in turn.
    ///
    /// # Errors
    /// [`SendError`], at once: nothing waits. Always in the dead render.
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let inbox = self.inbox.as_ref().ok_or(SendError)?;
        inbox(Box::new(message))
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        let (inbox, message) = (self.inbox.clone(), PhantomData);
        Self { inbox, message }
    }
}

impl<M> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(..)")
    }
}
