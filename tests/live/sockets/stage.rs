//! A server for one test, and a channel that does what its client says.

use std::sync::Arc;

use axum::Router;
use roost_live::channel::{Channel, Ending, Event, Join, JoinError, Next, ReplyTo, Socket};
use roost_live::endpoint::{Endpoint, Limits};
use roost_live::frame::{Payload, Reply};
use roost_live::socket::{Mount, Origin};
use roost_live_tests::Server;
use roost_runtime::BoxError;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Path of a socket of version 2.
pub(crate) const SOCKET: &str = "/socket/websocket?vsn=2.0.0";

/// A running server.
pub(crate) struct Stage {
    pub(crate) base: String,
    pub(crate) endpoint: Endpoint,
    server: Server,
}

impl Stage {
    /// Serves what `mount` puts up.
    pub(crate) fn new(limits: Limits, mount: impl FnOnce(&Endpoint) -> Router) -> Self {
        let server = Server::start(limits, mount);
        Self {
            base: server.base.clone(),
            endpoint: server.endpoint.clone(),
            server,
        }
    }

    /// Serves the channel of this file at `/socket`.
    pub(crate) fn plain(limits: Limits) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (told, heard) = mpsc::unbounded_channel();
        let mount = Mount::new()
            .origin(Origin::Any)
            .channel::<Actor>("room:*", Arc::new(told));
        (
            Self::new(limits, |endpoint| endpoint.mount("/socket", mount)),
            heard,
        )
    }

    /// How many tasks the channels are.
    pub(crate) fn channels(&self) -> usize {
        self.server.channels()
    }

    /// Asks the program to stop; what is returned is ready when it has.
    pub(crate) fn stop(self) -> tokio::task::JoinHandle<()> {
        self.server.stop()
    }
}

/// A channel that does what its client says, and tells what became of it.
pub(crate) struct Actor {
    told: Arc<mpsc::UnboundedSender<String>>,
    later: Option<ReplyTo>,
}

impl Channel for Actor {
    type Shared = mpsc::UnboundedSender<String>;
    type Info = Value;

    const INTERCEPT: &'static [&'static str] = &["marked"];

    async fn join(join: Join<Self>, told: Arc<Self::Shared>) -> Result<(Self, Payload), JoinError> {
        if join.topic.as_ref() == "room:broken" {
            return Err(BoxError::from("no database").into());
        }
        // Waits until the client has its answer.
        join.sender().send(json!({"early": true})).unwrap();
        Ok((Self { told, later: None }, Payload::empty()))
    }

    async fn handle_in(&mut self, event: Event, socket: &Socket<Self>) -> Result<Next, BoxError> {
        match event.name.as_ref() {
            "echo" => return Ok(Next::Reply(Reply::ok(event.payload))),
            "status" => return Ok(Next::Reply(Reply::new("maybe", Payload::empty()))),
            "later" => self.later = Some(event.reply_to),
            "now" => {
                if let Some(later) = self.later.take() {
                    socket.reply(&later, &Reply::ok(json!({"late": true})))?;
                }
                return Ok(Next::Reply(Reply::ok(Payload::empty())));
            }
            "tell" => socket.sender().send(event.payload.value())?,
            "broadcast" => socket.broadcast("news", &event.payload)?,
            "broadcast_from" => socket.broadcast_from("news", &event.payload)?,
            "mark" => socket.broadcast("marked", &event.payload)?,
            "array" => socket.push("news", &json!([1]).into())?,
            "fail" => return Err("no more".into()),
            "hang" => std::future::pending().await,
            "flood" => {
                let count = event.payload.value()["count"].as_u64().unwrap_or_default();
                let news = Payload::from(json!({"x": "y".repeat(1000)}));
                for _ in 0..count {
                    socket.push("news", &news)?;
                }
            }
            _ => {}
        }
        Ok(Next::Continue)
    }

    async fn handle_out(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &Socket<Self>,
    ) -> Result<Next, BoxError> {
        let mut was = payload.value();
        // Filling, which nobody wants back.
        was.as_object_mut().map(|was| was.remove("x"));
        let marked = json!({"for": socket.connection().number().to_string(), "was": was});
        socket.push(event, &marked.into())?;
        Ok(Next::Continue)
    }

    async fn handle_info(&mut self, info: Value, socket: &Socket<Self>) -> Result<Next, BoxError> {
        socket.push("info", &info.into())?;
        Ok(Next::Continue)
    }

    async fn terminate(&mut self, why: Ending, socket: &Socket<Self>) {
        let _ = socket.push("last", &json!({"why": format!("{why:?}")}).into());
        let _ = self.told.send(format!("{why:?}"));
    }
}
