//! Channels: what an application does with one topic that one client has joined.
//!
//! A channel is a supervised temporary task of its own. It hears the client's events in order, whatever others send to
//! its inbox, and a source of its own; it answers, pushes and broadcasts through its [`Socket`]. A panic or an error
//! ends it alone: the client is told and joins again.

mod handle;
mod port;
mod run;

use std::fmt;
use std::future::{Future, pending, ready};
use std::sync::Arc;

use roost_runtime::BoxError;
use thiserror::Error;

use crate::frame::{Payload, Ref, Reply};
use crate::socket::Connection;

pub use handle::{Handle, Socket};
pub use port::{Full, INBOX_BYTES, INBOX_MESSAGES, Sender};

pub(crate) use port::{AnyPort, Port, cost, join_cost, seat_of};
pub(crate) use run::{Opening, Unstarted, run};

/// What an application does with one topic that one client has joined.
///
/// Functions that return an error end the channel as a panic does: the client hears `phx_error` and joins again.
pub trait Channel: Send + Sized + 'static {
    /// What all channels of a route share: given to [`crate::socket::Mount::channel`].
    type Shared: Send + Sync + 'static;
    /// What others send to it by a [`Sender`], or [`Channel::next`] gives; `()` where nothing does.
    type Info: Send + 'static;

    /// Events broadcast on its topic that go to [`Channel::handle_out`] instead of straight to the client.
    const INTERCEPT: &'static [&'static str] = &[];

    /// A client asks to join. Whoever comes in, and what is answered, or why not.
    fn join(
        join: Join<Self>,
        shared: Arc<Self::Shared>,
    ) -> impl Future<Output = Result<(Self, Payload), JoinError>> + Send;

    /// The client has been told that it has joined, and broadcasts reach it: the place for the first pushes.
    fn joined(&mut self, _socket: &Socket<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        ready(Ok(()))
    }

    /// An event of the client.
    fn handle_in(
        &mut self,
        event: Event,
        socket: &Socket<Self>,
    ) -> impl Future<Output = Result<Next, BoxError>> + Send;

    /// An event of [`Channel::INTERCEPT`] was broadcast. What is not pushed here does not reach the client.
    fn handle_out(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &Socket<Self>,
    ) -> impl Future<Output = Result<Next, BoxError>> + Send {
        let pushed = socket.push(event, &payload);
        ready(pushed.map(|()| Next::Continue).map_err(Into::into))
    }

    /// A source of its own: a subscription, a timer. Waited for beside the inbox, so it must be safe to cancel.
    fn next(&mut self) -> impl Future<Output = Self::Info> + Send {
        pending()
    }

    /// Something came from [`Channel::next`] or a [`Sender`].
    fn handle_info(
        &mut self,
        _info: Self::Info,
        _socket: &Socket<Self>,
    ) -> impl Future<Output = Result<Next, BoxError>> + Send {
        ready(Ok(Next::Continue))
    }

    /// It ends, other than by a panic or an error. What is pushed here still goes out before the client is told.
    fn terminate(&mut self, _why: Ending, _socket: &Socket<Self>) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// A client that asks to join.
pub struct Join<C: Channel> {
    /// The topic it asks for.
    pub topic: Arc<str>,
    /// What it says with it.
    pub params: Payload,
    /// The connection it comes by.
    pub connection: Arc<Connection>,
    pub(crate) sender: Sender<C::Info>,
}

impl<C: Channel> Join<C> {
    /// Sends to the channel that is being made. What is sent before it has joined waits until then.
    #[must_use]
    pub fn sender(&self) -> Sender<C::Info> {
        self.sender.clone()
    }
}

impl<C: Channel> fmt::Debug for Join<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// Why a client may not join.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The application says no; the client hears why.
    #[error("refused")]
    Refused(Payload),
    /// Something went wrong; the client hears `join crashed`.
    #[error(transparent)]
    Failed(#[from] BoxError),
}

impl JoinError {
    /// A refusal with `{"reason": reason}`.
    #[must_use]
    pub fn reason(reason: &str) -> Self {
        Self::Refused(serde_json::json!({ "reason": reason }).into())
    }
}

/// An event of a client.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: Box<str>,
    /// What it says.
    pub payload: Payload,
    /// Where an answer goes, now or later: [`Next::Reply`], [`Socket::reply`].
    pub reply_to: ReplyTo,
}

/// Where an answer goes.
#[derive(Debug, Clone)]
pub struct ReplyTo(pub(crate) Ref);

/// What happens after an event.
#[derive(Debug)]
pub enum Next {
    /// The next one.
    Continue,
    /// An answer, then the next one. After anything but an event of the client there is nobody to answer, and it is
    /// the same as [`Next::Continue`].
    Reply(Reply),
    /// The channel ends; the client does not join again.
    Stop,
    /// An answer, then the channel ends.
    ReplyAndStop(Reply),
}

/// Why a channel ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its client has left.
    Left,
    /// It wanted to, or somebody with its [`Handle`] did.
    Stopped,
    /// Its client has joined the topic again.
    Replaced,
    /// The connection is gone.
    Disconnected,
    /// The program stops.
    Shutdown,
}
