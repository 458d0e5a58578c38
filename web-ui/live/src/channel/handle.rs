//! What a channel speaks through, and what others hold of it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;

use super::port::{AnyPort, Port, Sender};
use super::{Channel, Ending, ReplyTo};
use crate::frame::{Outgoing, Payload, PayloadError, Ref, Reply};
use crate::socket::Connection;

/// A channel's own end: it pushes, answers and broadcasts here.
pub struct Socket<C: Channel> {
    pub(super) port: Arc<Port<C::Info>>,
}

impl<C: Channel> Socket<C> {
    /// Its topic.
    #[must_use]
    pub fn topic(&self) -> &Arc<str> {
        &self.port.topic
    }

    /// The connection it came by.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.port.connection
    }

    /// Sends an event to this client.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn push(&self, event: &str, payload: &Payload) -> Result<(), PayloadError> {
        push(&*self.port, event, payload)
    }

    /// Answers an event of the client.
    ///
    /// # Errors
    /// [`PayloadError`], if a field is too long for a binary answer.
    pub fn reply(&self, to: &ReplyTo, reply: &Reply) -> Result<(), PayloadError> {
        answer(&*self.port, AnyPort::own_ref(&*self.port), &to.0, reply)
    }

    /// Sends an event to everybody on the topic, this client too.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn broadcast(&self, event: &str, payload: &Payload) -> Result<(), PayloadError> {
        let hub = self.port.connection.hub();
        hub.topics
            .broadcast(&self.port.topic, event, payload, None)
            .map(|_| ())
    }

    /// Sends an event to everybody else on the topic.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn broadcast_from(&self, event: &str, payload: &Payload) -> Result<(), PayloadError> {
        let hub = self.port.connection.hub();
        let own: &dyn AnyPort = &*self.port;
        hub.topics
            .broadcast(&self.port.topic, event, payload, Some(own))
            .map(|_| ())
    }

    /// Sends to its own inbox.
    #[must_use]
    pub fn sender(&self) -> Sender<C::Info> {
        Sender(Arc::clone(&self.port))
    }

    /// What others may hold of it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        let port: Arc<Port<C::Info>> = Arc::clone(&self.port);
        Handle(port)
    }

    /// Whether the client takes what it is sent: little waits for it.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.port.connection.has_room()
    }

    /// Returns when the client has taken most of what waited for it, or is gone. Safe to cancel.
    pub fn room(&self) -> impl Future<Output = ()> + Send + use<C> {
        let connection = Arc::clone(&self.port.connection);
        poll_fn(move |context| connection.poll_room(context))
    }
}

impl<C: Channel> fmt::Debug for Socket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.port).finish()
    }
}

/// A channel as others in the program hold it. Cloning copies a pointer.
#[derive(Debug, Clone)]
pub struct Handle(Arc<dyn AnyPort>);

impl Handle {
    /// Sends an event to its client, any event at all.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn push(&self, event: &str, payload: &Payload) -> Result<(), PayloadError> {
        push(&*self.0, event, payload)
    }

    /// Asks it to end; its client hears `phx_close`.
    pub fn close(&self) {
        self.0.stop(Ending::Stopped);
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

pub(super) fn push(port: &dyn AnyPort, event: &str, payload: &Payload) -> Result<(), PayloadError> {
    port.connection().send(Outgoing::Push {
        join_ref: port.own_ref(),
        reference: &Ref::NULL,
        topic: port.topic(),
        event,
        payload,
    })
}

pub(super) fn answer(
    port: &dyn AnyPort,
    join_ref: &Ref,
    reference: &Ref,
    reply: &Reply,
) -> Result<(), PayloadError> {
    let message = |reply| Outgoing::Reply {
        join_ref,
        reference,
        topic: port.topic(),
        reply,
    };
    let sent = port.connection().send(message(reply));
    if sent == Err(PayloadError::NoBinary) {
        // It waits for an answer, and this is the true one.
        let reason =
            Reply::error(serde_json::json!({"reason": "the answer is bytes, which cannot be sent here"}));
        return port.connection().send(message(&reason));
    }
    sent
}

/// Tells the client how a channel has ended: `phx_close` or `phx_error`.
pub(super) fn farewell(port: &dyn AnyPort, event: &str, payload: &Payload) {
    let reference = port.own_ref();
    // An object, or nothing would be sent: it cannot fail.
    let _ = port.connection().send(Outgoing::Push {
        join_ref: reference,
        reference,
        topic: port.topic(),
        event,
        payload,
    });
}
