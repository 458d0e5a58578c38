//! A way to send a view messages from anywhere in the process.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use thiserror::Error;
use tokio::sync::mpsc;

/// Messages that wait for a view; beyond that whoever sends is told so.
pub const INBOX: usize = 64;

pub(crate) type Letter = Box<dyn Any + Send>;

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// The view has [`INBOX`] messages waiting.
    #[error("the view has {INBOX} messages waiting")]
    Full,
    /// The view has ended, or never lived: the dead render takes no messages.
    #[error("the view has ended")]
    Ended,
}

/// Sends messages of type `M` to one view. Made by [`Context::handle`](crate::Context::handle); cloning copies a
/// pointer.
pub struct Handle<M> {
    sender: Option<mpsc::Sender<Letter>>,
    message: PhantomData<fn(M)>,
}

impl<M: Send + 'static> Handle<M> {
    pub(crate) fn new(sender: Option<mpsc::Sender<Letter>>) -> Self {
        Self {
            sender,
            message: PhantomData,
        }
    }

    /// Puts a message into the view's inbox; its `handle_message` gets it in turn.
    ///
    /// # Errors
    /// [`SendError`]; nothing waits.
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let sender = self.sender.as_ref().ok_or(SendError::Ended)?;
        sender.try_send(Box::new(message)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Ended,
        })
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            message: PhantomData,
        }
    }
}

impl<M> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(..)")
    }
}
