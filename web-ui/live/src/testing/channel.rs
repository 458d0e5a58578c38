//! A client of channels in the test's own process.

use axum::Router;
use serde_json::{Value, json};

use super::failure::Failure;
use super::wire::{Frame, Wire};

/// More messages than this without what was waited for: it does not come.
const MESSAGES: usize = 1_000;

/// A client that is connected to a mount.
pub struct Client {
    wire: Wire,
    joined: Vec<(String, Value)>,
    heard: Vec<Frame>,
}

/// An answer to a join or a push.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// `ok`, `error`, or what the channel has called it.
    pub status: String,
    /// What it says.
    pub response: Value,
}

impl Client {
    /// Connects to the mount at `path` (`/socket`) with a query such as `user=ann`.
    ///
    /// # Errors
    /// The connection is refused.
    pub async fn connect(router: &Router, path: &str, query: &str) -> Result<Self, Failure> {
        Ok(Self {
            wire: Wire::open(router, path, query, "").await?,
            joined: Vec::new(),
            heard: Vec::new(),
        })
    }

    /// Joins a topic.
    ///
    /// # Errors
    /// No answer; a refusal is a [`Reply`].
    pub async fn join(&mut self, topic: &str, params: Value) -> Result<Reply, Failure> {
        let reference = self.wire.tell(&Value::Null, topic, "phx_join", &params).await?;
        self.joined.retain(|(known, _)| known != topic);
        self.joined.push((topic.to_owned(), reference.clone()));
        self.reply(&reference).await
    }

    fn join_of(&self, topic: &str) -> Value {
        let joined = self.joined.iter().find(|(known, _)| known == topic);
        joined.map_or(Value::Null, |(_, reference)| reference.clone())
    }

    async fn reply(&mut self, reference: &Value) -> Result<Reply, Failure> {
        let (before, frame) = self.wire.reply(reference).await?;
        self.heard.extend(before);
        Ok(Reply {
            status: frame.payload["status"].as_str().unwrap_or_default().to_owned(),
            response: frame.payload["response"].clone(),
        })
    }

    /// Sends a message to a joined channel and waits for its answer.
    ///
    /// # Errors
    /// No answer: a channel need not give one, then it is [`tell`](Self::tell).
    pub async fn call(&mut self, topic: &str, event: &str, payload: Value) -> Result<Reply, Failure> {
        let join = self.join_of(topic);
        let reference = self.wire.tell(&join, topic, event, &payload).await?;
        self.reply(&reference).await
    }

    /// Sends a message that has no answer.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn tell(&mut self, topic: &str, event: &str, payload: Value) -> Result<(), Failure> {
        let join = self.join_of(topic);
        self.wire.tell(&join, topic, event, &payload).await.map(drop)
    }

    /// Leaves a topic.
    ///
    /// # Errors
    /// No answer.
    pub async fn leave(&mut self, topic: &str) -> Result<Reply, Failure> {
        self.call(topic, "phx_leave", json!({})).await
    }

    /// The next push, broadcast or end of a channel with this event's name; others before it are dropped.
    ///
    /// # Errors
    /// It does not come.
    pub async fn heard(&mut self, event: &str) -> Result<Frame, Failure> {
        for _ in 0..MESSAGES {
            let frame = if self.heard.is_empty() {
                let next = self.wire.next().await;
                next.map_err(|error| Failure::new(format!("{event} never came: {error}")))?
            } else {
                self.heard.remove(0)
            };
            if frame.event == event {
                return Ok(frame);
            }
        }
        Err(Failure::new(format!("{event} never came")))
    }

    /// Everything that the server has said so far and nobody has asked for.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn everything(&mut self) -> Result<Vec<Frame>, Failure> {
        let mut all = std::mem::take(&mut self.heard);
        all.extend(self.wire.heard().await?);
        Ok(all)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("joined", &self.joined)
            .finish_non_exhaustive()
    }
}
