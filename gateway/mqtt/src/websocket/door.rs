//! The door for WebSockets: who listens for HTTP hands connections over here.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use roost_runtime::{Context, SupervisorHandle};
use tokio::net::TcpStream;

use super::WebSocket;
use crate::broker::Broker;
use crate::connection::{self, Arrival, Serving};
use crate::listener::prepare;
use crate::lobby::Seat;
use crate::transport::Transport;

/// Where connections come in that another listener has accepted.
#[derive(Debug, Clone)]
pub struct WebSocketDoor {
    broker: Arc<Broker>,
    connections: SupervisorHandle,
}

impl WebSocketDoor {
    /// A door to this broker; `connections` is the supervisor that it lives under.
    #[must_use]
    pub fn new(broker: Arc<Broker>, connections: SupervisorHandle) -> Self {
        Self { broker, connections }
    }

    /// Takes a connection on, in a task of its own. `upgraded` gives the socket once it speaks WebSocket, with what was
    /// read of it already, or `None` if it never came to that.
    ///
    /// Returns whether there was room; without, `upgraded` was dropped.
    pub async fn admit(
        &self,
        peer: SocketAddr,
        upgraded: impl Future<Output = Option<(TcpStream, Bytes)>> + Send + 'static,
    ) -> bool {
        let lobby = self.broker.lobby();
        let Some(seat) = lobby.room_now().and_then(|room| lobby.sit(room, peer.ip())) else {
            return false;
        };
        let broker = Arc::clone(&self.broker);
        let serve = move |context: Context| {
            Serving::new(async move {
                let opening = Box::pin(open(upgraded, &seat, &context));
                let transport = opening.await?;
                let arrival = Arrival {
                    transport,
                    peer,
                    seat,
                };
                Box::pin(connection::greet(broker, arrival, context)).await
            })
        };
        let started = self.connections.start_temporary(peer.to_string(), serve).await;
        started.is_ok()
    }
}

/// Waits for the socket, though no longer than for any newcomer.
async fn open(
    upgraded: impl Future<Output = Option<(TcpStream, Bytes)>>,
    seat: &Seat,
    context: &Context,
) -> Option<Transport> {
    let upgrade = tokio::select! {
        upgrade = tokio::time::timeout_at(seat.deadline, upgraded) => upgrade,
        () = context.shutdown.requested() => return None,
    };
    let (stream, early) = upgrade.ok().flatten()?;
    prepare(&stream).ok()?;
    let socket = WebSocket::new(stream.into(), early);
    Some(Transport::WebSocket(Box::new(socket)))
}
