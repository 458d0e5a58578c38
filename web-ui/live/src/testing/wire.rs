//! Frames to and from an endpoint without a network: its own routes for long poll, called in this process.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, Response, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::failure::Failure;

/// What has not come after this does not come.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer.
const ANSWER: usize = 64 << 20;

/// A message from the server: `[join_ref, ref, topic, event, payload]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The channel it belongs to; null for broadcasts.
    pub join_ref: Value,
    /// Of replies: the reference of the message that it answers.
    pub reference: Value,
    /// Topic.
    pub topic: String,
    /// Event; `phx_reply` for replies.
    pub event: String,
    /// Payload; of replies `{"status", "response"}`.
    pub payload: Value,
}

impl Frame {
    fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::new(format!("no frame: {text}"));
        let parts: [Value; 5] = serde_json::from_str(text).map_err(|_| wrong())?;
        let [
            join_ref,
            reference,
            Value::String(topic),
            Value::String(event),
            payload,
        ] = parts
        else {
            return Err(wrong());
        };
        if !payload.is_object() {
            return Err(Failure::new(format!("a payload is an object: {text}")));
        }
        Ok(Self {
            join_ref,
            reference,
            topic,
            event,
            payload,
        })
    }
}

/// An open socket.
pub(super) struct Wire {
    router: Router,
    path: String,
    cookies: String,
    token: String,
    arrived: VecDeque<Frame>,
    references: u64,
}

/// Calls a route.
pub(super) async fn ask(router: &Router, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let answer = tokio::time::timeout(PATIENCE, router.clone().oneshot(request)).await;
    let answer = answer.map_err(|_| Failure::new(format!("no answer within {PATIENCE:?}")))?;
    answer.map_err(|never| match never {})
}

/// The text of an answer.
pub(super) async fn text(response: Response<Body>) -> Result<String, Failure> {
    let bytes = to_bytes(response.into_body(), ANSWER).await;
    let bytes = bytes.map_err(|error| Failure::new(format!("an answer breaks off: {error}")))?;
    String::from_utf8(bytes.to_vec()).map_err(|error| Failure::new(error.to_string()))
}

impl Wire {
    /// Connects to the mount (`/live`) with a query and cookies.
    pub(super) async fn open(
        router: &Router,
        mount: &str,
        query: &str,
        cookies: &str,
    ) -> Result<Self, Failure> {
        let mut wire = Self {
            router: router.clone(),
            path: format!(
                "{mount}/longpoll?{query}{}vsn=2.0.0",
                if query.is_empty() { "" } else { "&" }
            ),
            cookies: cookies.to_owned(),
            token: String::new(),
            arrived: VecDeque::new(),
            references: 0,
        };
        let answer = wire.request(Method::GET, Body::empty(), "").await?;
        if answer["status"] != 410 {
            return Err(Failure::new(format!("the connection is refused: {answer}")));
        }
        wire.token = answer["token"].as_str().unwrap_or_default().to_owned();
        Ok(wire)
    }

    async fn request(&self, method: Method, body: Body, kind: &str) -> Result<Value, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(&self.path)
            .header(header::HOST, super::HOST)
            .header(header::CONTENT_TYPE, kind);
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, &self.cookies);
        }
        if !self.token.is_empty() {
            request = request.header("x-phoenix-longpoll-token", &self.token);
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::new(error.to_string()))?;
        let text = text(ask(&self.router, request).await?).await?;
        serde_json::from_str(&text).map_err(|_| Failure::new(format!("long poll answers {text:?}")))
    }

    /// A reference that this connection has not used.
    pub(super) fn reference(&mut self) -> Value {
        self.references += 1;
        Value::from(self.references.to_string())
    }

    async fn send(&mut self, line: String) -> Result<(), Failure> {
        let answer = self
            .request(Method::POST, Body::from(line), "application/x-ndjson")
            .await?;
        if answer["status"] == 200 {
            Ok(())
        } else {
            Err(Failure::new(format!("the message is refused: {answer}")))
        }
    }

    async fn poll(&mut self) -> Result<(), Failure> {
        let answer = self.request(Method::GET, Body::empty(), "").await?;
        if !matches!(answer["status"].as_u64(), Some(200 | 204)) {
            return Err(Failure::new(format!("the connection has ended: {answer}")));
        }
        for message in answer["messages"].as_array().into_iter().flatten() {
            self.arrived
                .push_back(Frame::read(message.as_str().unwrap_or_default())?);
        }
        Ok(())
    }

    /// The next message of the server.
    pub(super) async fn next(&mut self) -> Result<Frame, Failure> {
        loop {
            if let Some(frame) = self.arrived.pop_front() {
                return Ok(frame);
            }
            self.poll().await?;
        }
    }

    /// Everything that the server has said so far: what it says to a heartbeat comes after it.
    pub(super) async fn heard(&mut self) -> Result<Vec<Frame>, Failure> {
        let reference = self.reference();
        self.send(json!([null, reference, "phoenix", "heartbeat", {}]).to_string())
            .await?;
        let mut heard = Vec::new();
        loop {
            let frame = self.next().await?;
            if frame.topic == "phoenix" && frame.reference == reference {
                return Ok(heard);
            }
            heard.push(frame);
        }
    }

    /// Sends a message and does not wait.
    pub(super) async fn tell(
        &mut self,
        join: &Value,
        topic: &str,
        event: &str,
        payload: &Value,
    ) -> Result<Value, Failure> {
        let reference = self.reference();
        // A join is its own reference.
        let join = if event == "phx_join" { &reference } else { join };
        self.send(json!([join, reference, topic, event, payload]).to_string())
            .await?;
        Ok(reference)
    }

    /// Sends raw bytes: a push of the binary format, whose reply is awaited by the caller.
    pub(super) async fn tell_bytes(
        &mut self,
        join: &str,
        topic: &str,
        event: &str,
        bytes: &[u8],
    ) -> Result<Value, Failure> {
        let reference = self.reference();
        let names = [join, reference.as_str().unwrap_or_default(), topic, event];
        let mut frame = vec![0_u8];
        for name in names {
            let length = u8::try_from(name.len()).map_err(|_| Failure::new(format!("{name} is too long")))?;
            frame.push(length);
        }
        for name in names {
            frame.extend_from_slice(name.as_bytes());
        }
        frame.extend_from_slice(bytes);
        use base64::Engine as _;
        let line = base64::engine::general_purpose::STANDARD.encode(Bytes::from(frame));
        self.send(line).await?;
        Ok(reference)
    }

    /// The reply to a message, and what came before it.
    pub(super) async fn reply(&mut self, reference: &Value) -> Result<(Vec<Frame>, Frame), Failure> {
        let mut before = Vec::new();
        loop {
            let frame = self.next().await?;
            if frame.event == "phx_reply" && frame.reference == *reference {
                return Ok((before, frame));
            }
            before.push(frame);
        }
    }
}
