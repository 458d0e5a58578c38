//! A client of channels in the test's own process.

use axum::Router;
use serde_json::{Value, json};

use super::failure::Failure;
use super::frame::Frame;
use super::wire::{Greeting, Wire};

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
    /// What it says; null if that is bytes.
    pub response: Value,
    /// The bytes, if it says bytes.
    pub bytes: Option<Vec<u8>>,
}

/// A client that is about to connect.
#[derive(Debug)]
pub struct Dial<'a> {
    router: &'a Router,
    path: &'a str,
    greeting: Greeting,
}

impl Dial<'_> {
    /// Connects with a query such as `user=ann`.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.greeting.query);
        self
    }

    /// Connects with this header, besides those of every WebSocket.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.greeting.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Connects with a token, as the stock client does with its option `authToken`.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.greeting.token = Some(token.to_owned());
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// The connection is refused; a header that is none.
    pub async fn connect(self) -> Result<Client, Failure> {
        Ok(Client {
            wire: Wire::open(self.router, self.path, &self.greeting).await?,
            joined: Vec::new(),
            heard: Vec::new(),
        })
    }
}

impl Client {
    /// Connects to the mount at `path` (`/socket`) with a query such as `user=ann`.
    ///
    /// # Errors
    /// The connection is refused.
    pub async fn connect(router: &Router, path: &str, query: &str) -> Result<Self, Failure> {
        Self::dial(router, path).query(query).connect().await
    }

    /// Begins to connect to the mount at `path`: with headers, a token.
    #[must_use]
    pub fn dial<'a>(router: &'a Router, path: &'a str) -> Dial<'a> {
        let greeting = Greeting::default();
        Dial {
            router,
            path,
            greeting,
        }
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
            bytes: frame.bytes,
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

    /// Sends bytes to a joined channel and waits for its answer.
    ///
    /// # Errors
    /// As [`call`](Self::call); a topic or an event of more than 255 bytes.
    pub async fn call_bytes(&mut self, topic: &str, event: &str, bytes: &[u8]) -> Result<Reply, Failure> {
        let join = self.join_of(topic);
        let reference = self.wire.tell_bytes(&join, topic, event, bytes).await?;
        self.reply(&reference).await
    }

    /// Sends bytes that have no answer.
    ///
    /// # Errors
    /// The connection has ended; a topic or an event of more than 255 bytes.
    pub async fn tell_bytes(&mut self, topic: &str, event: &str, bytes: &[u8]) -> Result<(), Failure> {
        let join = self.join_of(topic);
        self.wire.tell_bytes(&join, topic, event, bytes).await.map(drop)
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
