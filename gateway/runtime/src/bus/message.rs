//! A message on the bus, and one delivery of it.

use std::sync::Arc;
use std::time::Instant;

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
    /// What few messages have.
    pub extra: Option<Arc<Extra>>,
}

/// What few messages have: properties of MQTT 5, and an end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extra {
    /// Properties that pass through unchanged, encoded as in OASIS MQTT 5.0 section 2.2.2.2: payload format, content
    /// type, response topic, correlation data, user properties.
    pub properties: Box<[u8]>,
    /// From when on it is not delivered any more (section 3.3.2.3.3).
    pub expires: Option<Instant>,
}

/// What a message takes in memory besides its topic and body, roughly.
const OVERHEAD: usize = 128;

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
            extra: None,
        }
    }

    /// Its properties of MQTT 5, encoded; empty for most.
    #[must_use]
    pub fn properties(&self) -> &[u8] {
        self.extra.as_ref().map_or(&[], |extra| &extra.properties)
    }

    /// From when on it is not delivered any more.
    #[must_use]
    pub fn expires(&self) -> Option<Instant> {
        self.extra.as_ref().and_then(|extra| extra.expires)
    }

    /// Whether it is too late to deliver it.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.expires().is_some_and(|at| at <= Instant::now())
    }

    /// Bytes that it takes in memory, roughly.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.topic.as_str().len() + self.body.len() + self.properties().len() + OVERHEAD
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
    /// The taker's share of the message's bytes, as it counts in the sum of all queues.
    pub(super) share: u32,
    /// Present if somebody waits for an answer.
    pub reply: Option<ReplyTo>,
}
