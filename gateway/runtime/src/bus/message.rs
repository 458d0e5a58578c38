//! A message on the bus, and one delivery of it.

use std::sync::Arc;

use bytes::Bytes;
use roost_model::Topic;
use tokio::sync::oneshot;

/// MQTT quality of service (OASIS MQTT 3.1.1 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum QoS {
    /// Delivered or not.
    #[default]
    AtMostOnce = 0,
    /// Acknowledged by the receiver; may come twice.
    AtLeastOnce = 1,
    /// Delivered once.
    ExactlyOnce = 2,
}

/// One message. Inside the bus it is shared, never copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it is published.
    pub topic: Topic,
    /// What it says, encoded.
    pub body: Bytes,
    /// How sure its publisher wants to be.
    pub qos: QoS,
    /// Whether the bus keeps it for those who subscribe later.
    pub retain: bool,
    /// Whether it is the gateway's own word. Its readings and states are kept whatever others have filled the space for
    /// retained messages with: they are bounded by the devices and their points.
    pub own: bool,
}

impl Message {
    /// A message that is delivered at most once and not retained.
    #[must_use]
    pub fn new(topic: Topic, body: impl Into<Bytes>) -> Self {
        Self {
            topic,
            body: body.into(),
            qos: QoS::AtMostOnce,
            retain: false,
            own: true,
        }
    }

    /// The same, to be retained.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retain = true;
        self
    }

    /// The same, to be acknowledged by its receivers.
    #[must_use]
    pub fn at_least_once(mut self) -> Self {
        self.qos = QoS::AtLeastOnce;
        self
    }
}

/// The way back to whoever asked by [`crate::Bus::request`].
#[derive(Debug)]
pub struct ReplyTo(pub(super) oneshot::Sender<Bytes>);

impl ReplyTo {
    /// Answers. Whoever asked may have given up meanwhile; then the answer is dropped.
    pub fn send(self, body: impl Into<Bytes>) {
        let _ = self.0.send(body.into());
    }
}

/// A message as one taker gets it.
#[derive(Debug)]
pub struct Delivery {
    /// The message, shared with all other takers.
    pub message: Arc<Message>,
    /// The lower of the message's QoS and the one the taker asked for: it is never raised.
    pub qos: QoS,
    /// Whether it was retained before the taker subscribed.
    pub retained: bool,
    /// Present if somebody waits for an answer.
    pub reply: Option<ReplyTo>,
}
