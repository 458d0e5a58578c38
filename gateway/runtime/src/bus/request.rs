//! A request: a message to whoever serves a topic, and the way back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_model::Topic;
use thiserror::Error;
use tokio::sync::oneshot;

use super::Bus;
use super::filters::Found;
use super::message::{Delivery, Message, ReplyTo};
use super::queue::Queue;

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Nobody serves this topic: the device is not running.
    #[error("nobody takes it: the device is not running")]
    NoTaker,
    /// The taker has too much to do.
    #[error("the taker's queue is full")]
    Busy,
    /// The taker ended before it answered.
    #[error("the taker ended before it answered")]
    Dropped,
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Timeout,
}

impl Bus {
    /// Asks whoever serves `topic` and waits for the answer. See [`Subscription::serve`].
    ///
    /// # Errors
    /// [`RequestError`]; without a taker at once, not after the deadline.
    pub async fn request(
        &self,
        topic: Topic,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, RequestError> {
        let taker = self.server(&topic).ok_or(RequestError::NoTaker)?;
        let (reply, answer) = oneshot::channel();
        let message = Message::new(topic, body).at_least_once();
        let qos = message.qos;
        let delivery = Delivery {
            message: Arc::new(message),
            qos,
            retained: false,
            share: 0,
            reply: Some(ReplyTo(reply)),
        };
        if !taker.offer(delivery) {
            return Err(RequestError::Busy);
        }
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(RequestError::Dropped),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    fn server(&self, topic: &Topic) -> Option<Arc<Queue>> {
        let filters = self.0.read();
        let mut found = Found::default();
        filters.collect(topic, &mut found);
        let server = found.entries.iter().find(|entry| entry.serves)?;
        Some(Arc::clone(&server.queue))
    }
}
