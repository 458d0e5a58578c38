//! What a connection does with each message: who it is for, whether it may be there, and the joins.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use roost_runtime::Context;
use serde_json::json;
use tracing::{debug, warn};

use super::connection::Connection;
use super::mount::Asked;
use crate::channel::{AnyPort, Ending, Event, Opening, ReplyTo, cost, join_cost};
use crate::frame::{
    HEARTBEAT, HEARTBEAT_TOPIC, Incoming, JOIN, LEAVE, Malformed, Names, Outgoing, Payload, Ref, Reply,
    decode_binary, decode_text,
};

/// Most bytes of a topic that a client may join, as in frames of bytes, whose lengths are one byte.
pub const TOPIC_BYTES: usize = 255;

/// What is left to do of a message.
type Rest<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The channels of one connection.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) connection: Arc<Connection>,
    channels: Vec<Arc<dyn AnyPort>>,
    /// Whether the log has a warning of this client: one is enough.
    warned: bool,
}

impl Desk {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            channels: Vec::new(),
            warned: false,
        }
    }

    /// Takes a message of the client. Waits while the channel that it is for has too much to do.
    pub(super) async fn take(&mut self, body: Bytes, binary: bool) -> Result<(), Malformed> {
        if let Some(rest) = self.begin(&body, binary)? {
            rest.await;
        }
        Ok(())
    }

    /// Takes a message as far as it goes without waiting. What is left is boxed: few messages have to wait, and every
    /// connection would hold room for it.
    fn begin(&mut self, body: &Bytes, binary: bool) -> Result<Option<Rest<'_>>, Malformed> {
        self.connection.observe_in(body, binary);
        let version = self.connection.version();
        let message = if binary {
            decode_binary(version, body)
        } else {
            decode_text(version, body)
        }?;
        if message.topic == HEARTBEAT_TOPIC && message.event == HEARTBEAT {
            self.answer(&message.join_ref, &message, Reply::ok(Payload::empty()));
            return Ok(None);
        }
        match message.event.as_str() {
            JOIN => Ok(Some(Box::pin(self.join(message)))),
            LEAVE => {
                self.leave(&message);
                Ok(None)
            }
            _ => Ok(self.deliver(message)),
        }
    }

    fn answer(&self, join_ref: &Ref, message: &Incoming, reply: Reply) {
        let sent = self.connection.send(Outgoing::Reply {
            join_ref,
            reference: &message.reference,
            topic: &message.topic,
            reply: &reply,
        });
        if let Err(error) = sent {
            debug!(%error, "an answer can't be sent");
        }
    }

    fn unmatched(&self, message: &Incoming) {
        debug!(
            topic = message.topic,
            event = message.event,
            "a message for a topic that is not joined"
        );
        self.answer(
            &Ref::NULL,
            message,
            Reply::error(json!({"reason": "unmatched topic"})),
        );
    }

    /// The channel of a topic, if it is alive. There are few, and mostly one.
    fn channel(&self, topic: &str) -> Option<&Arc<dyn AnyPort>> {
        let found = self.channels.iter().find(|port| &**port.topic() == topic);
        found.filter(|port| !port.is_closed())
    }

    fn deliver(&self, message: Incoming) -> Option<Rest<'static>> {
        let Some(port) = self.channel(&message.topic) else {
            self.unmatched(&message);
            return None;
        };
        if is_stale(&message, &**port) {
            return None;
        }
        debug!(
            topic = message.topic,
            event = message.event,
            parameters = %Names(&message.payload),
            "a client says something"
        );
        let event = Event {
            name: message.event.into(),
            payload: message.payload,
            reply_to: ReplyTo(message.reference),
        };
        let mut event = port.take_event(event).err()?;
        let port = Arc::clone(port);
        let held = self.connection.hold(cost(&event));
        Some(Box::pin(async move {
            // Counted here until it waits in the channel.
            let _held = held;
            loop {
                poll_fn(|context| port.poll_room(context)).await;
                match port.take_event(event) {
                    Ok(()) => return,
                    Err(refused) => event = refused,
                }
            }
        }))
    }

    fn leave(&mut self, message: &Incoming) {
        match self.channel(&message.topic) {
            None => self.answer(&message.join_ref, message, Reply::ok(Payload::empty())),
            Some(port) if is_stale(message, &**port) => {}
            Some(port) => port.leave(message.reference.clone()),
        }
    }

    async fn join(&mut self, message: Incoming) {
        if message.topic.len() > TOPIC_BYTES {
            let reason = json!({"reason": "topic too long"});
            return self.answer(&message.join_ref, &message, Reply::error(reason));
        }
        let mounted = Arc::clone(self.connection.mounted());
        let Some(make) = mounted.route(&message.topic) else {
            if !std::mem::replace(&mut self.warned, true) {
                let (topic, mount) = (message.topic.as_str(), &*mounted.path);
                warn!(
                    topic,
                    mount, "a client joins a topic that this mount does not serve"
                );
            }
            return self.unmatched(&message);
        };
        let topic: Arc<str> = message.topic.as_str().into();
        debug!(topic = &*topic, parameters = %Names(&message.payload), "a client joins");
        let before = self.channel(&topic).cloned();
        if before.is_none() && !self.has_room() {
            let reason = json!({"reason": "too many channels joined"});
            return self.answer(&message.join_ref, &message, Reply::error(reason));
        }
        let held = self.connection.hold(join_cost(&message.payload));
        if let Some(before) = &before {
            before.stop(Ending::Replaced);
            if before.queues() {
                // Two of a topic are enough: one that ends, and one that takes its place. The deadline of the first
                // limits how long this takes.
                poll_fn(|context| before.poll_closed(context)).await;
            }
        }
        let (port, work) = make(Asked {
            topic: Arc::clone(&topic),
            connection: Arc::clone(&self.connection),
            join_ref: message.join_ref,
            reference: message.reference,
            opening: Opening {
                held,
                params: message.payload,
                before,
            },
        });
        // Before it starts: whatever becomes of it, it is asked to end when its client is gone.
        self.channels.retain(|other| other.topic() != port.topic());
        self.channels.push(port);
        let channels = &self.connection.hub().channels;
        let start = move |context: Context| work(context.shutdown);
        if let Err(error) = channels.start_temporary(Arc::clone(&topic), start).await {
            warn!(%error, topic = &*topic, "a channel can't be started");
        }
    }

    /// Whether one more topic may be joined.
    fn has_room(&mut self) -> bool {
        let most = self.connection.hub().limits.topics;
        if self.channels.len() >= most {
            self.channels.retain(|port| !port.is_closed());
        }
        self.channels.len() < most
    }
}

impl Drop for Desk {
    /// The connection is gone, and its channels end.
    fn drop(&mut self) {
        self.connection.gone();
        for port in &self.channels {
            port.stop(Ending::Disconnected);
        }
    }
}

/// Whether a message is of an earlier life of the channel.
fn is_stale(message: &Incoming, port: &dyn AnyPort) -> bool {
    !message.join_ref.is_null() && message.join_ref != *port.join_ref()
}
