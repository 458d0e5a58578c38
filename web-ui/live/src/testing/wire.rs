//! Frames to and from an endpoint without a network: a WebSocket to its own routes, through memory.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use roost_runtime::supervisor::detached;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::ServiceExt as _;

use super::failure::Failure;
use super::frame::{Frame, push_of_bytes};
use crate::view::Inboxes;

/// What has not come after this does not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of an answer.
const ANSWER: usize = 64 << 20;
/// Bytes that are on their way in each direction.
const MEMORY: usize = 1 << 20;

/// An open socket. Dropped, it is gone, as a browser's is whose window is closed.
pub(super) struct Wire {
    socket: WebSocketStream<DuplexStream>,
    inboxes: Inboxes,
    arrived: VecDeque<Frame>,
    references: u64,
}

/// What a client says when it connects.
#[derive(Debug, Clone, Default)]
pub(super) struct Greeting {
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) token: Option<String>,
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

/// Serves the routes to the other end of a stream, with the inboxes of what is joined over it.
fn serve(router: &Router, inboxes: &Inboxes) -> DuplexStream {
    let (near, far) = tokio::io::duplex(MEMORY);
    let router = TowerToHyperService::new(router.clone());
    let inboxes = inboxes.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(inboxes.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(far), service)
        .with_upgrades();
    // What goes wrong shows at the near end.
    detached(async move { drop(connection.await) });
    near
}

/// What a client that is not let in is told.
fn refused(error: &Error) -> Failure {
    match error {
        Error::Http(answer) => Failure::new(format!(
            "the connection is refused with status {}",
            answer.status()
        )),
        other => Failure::new(format!("the connection is refused: {other}")),
    }
}

impl Wire {
    /// Connects to the mount (`/live`).
    pub(super) async fn open(router: &Router, mount: &str, greeting: &Greeting) -> Result<Self, Failure> {
        let query = &greeting.query;
        let and = if query.is_empty() { "" } else { "&" };
        let address = format!("ws://{}{mount}/websocket?{query}{and}vsn=2.0.0", super::HOST);
        let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{address}: {error}"));
        let mut request = address
            .as_str()
            .into_client_request()
            .map_err(|error| wrong(&error))?;
        if let Some(token) = &greeting.token {
            // As the stock client says it: base 64 of the usual alphabet, without padding.
            let protocols = format!("phoenix, base64url.bearer.phx.{}", STANDARD_NO_PAD.encode(token));
            let protocols = HeaderValue::from_str(&protocols).map_err(|error| wrong(&error))?;
            request
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, protocols);
        }
        for (name, value) in &greeting.headers {
            let name: HeaderName = name.parse().map_err(|error| wrong(&error))?;
            let value = HeaderValue::from_str(value).map_err(|error| wrong(&error))?;
            request.headers_mut().append(name, value);
        }
        let inboxes = Inboxes::default();
        let stream = serve(router, &inboxes);
        let opened = tokio::time::timeout(PATIENCE, client_async(request, stream)).await;
        let opened = opened.map_err(|_| Failure::new(format!("no connection within {PATIENCE:?}")))?;
        let (socket, _) = opened.map_err(|error| refused(&error))?;
        Ok(Self {
            socket,
            inboxes,
            arrived: VecDeque::new(),
            references: 0,
        })
    }

    /// The inboxes of the views that were joined over it.
    pub(super) fn inboxes(&self) -> &Inboxes {
        &self.inboxes
    }

    /// A reference that this connection has not used.
    pub(super) fn reference(&mut self) -> Value {
        self.references += 1;
        Value::from(self.references.to_string())
    }

    async fn send(&mut self, message: Message) -> Result<(), Failure> {
        let sent = tokio::time::timeout(PATIENCE, self.socket.send(message)).await;
        let sent = sent.map_err(|_| Failure::new(format!("nobody reads within {PATIENCE:?}")))?;
        sent.map_err(|error| Failure::new(format!("the message can't be sent: {error}")))
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        let message = message.map_err(|_| Failure::new(format!("nothing comes within {PATIENCE:?}")))?;
        let ended = |why: &dyn std::fmt::Display| Failure::new(format!("the connection has ended: {why}"));
        match message {
            Some(Ok(Message::Text(text))) => self.arrived.push_back(Frame::read(&text)?),
            Some(Ok(Message::Binary(bytes))) => self.arrived.push_back(Frame::read_bytes(&bytes)?),
            Some(Ok(Message::Close(Some(close)))) => return Err(ended(&close)),
            Some(Ok(Message::Close(None))) | None => return Err(ended(&"without a word")),
            // Pings are answered while it is read.
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(ended(&error)),
        }
        Ok(())
    }

    /// The next message of the server.
    pub(super) async fn next(&mut self) -> Result<Frame, Failure> {
        loop {
            if let Some(frame) = self.arrived.pop_front() {
                return Ok(frame);
            }
            self.receive().await?;
        }
    }

    /// Everything that the server has said so far: what it says to a heartbeat comes after it.
    pub(super) async fn heard(&mut self) -> Result<Vec<Frame>, Failure> {
        let reference = self.reference();
        let beat = json!([null, reference, "phoenix", "heartbeat", {}]).to_string();
        self.send(Message::text(beat)).await?;
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
        let said = json!([join, reference, topic, event, payload]).to_string();
        self.send(Message::text(said)).await?;
        Ok(reference)
    }

    /// Sends bytes and does not wait.
    pub(super) async fn tell_bytes(
        &mut self,
        join: &Value,
        topic: &str,
        event: &str,
        bytes: &[u8],
    ) -> Result<Value, Failure> {
        let reference = self.reference();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let frame = push_of_bytes([&text(join), &text(&reference), topic, event], bytes)?;
        self.send(Message::Binary(frame)).await?;
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
