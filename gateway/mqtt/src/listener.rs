//! The listener: accepts TCP connections and gives each a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context, SupervisorHandle};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tracing::{info, warn};

use crate::broker::Broker;
use crate::connection;

/// Connections that the kernel holds until they are accepted. When the power returns to a building they come all at
/// once; the kernel cuts this down to its own `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// Wait after an accept that failed for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// Silence after which the kernel asks whether the other side still lives: for clients without keep-alive.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A gateway that was just restarted finds its port in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))
}

/// Accepts until it is told to stop.
pub(crate) async fn run(
    broker: Arc<Broker>,
    address: SocketAddr,
    connections: SupervisorHandle,
    context: Context,
) -> Result<(), BoxError> {
    let listener = listen(address).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("can't listen for MQTT on {address} ([mqtt] listen): {error}"),
        )
    })?;
    let bound = listener.local_addr()?;
    broker.bound(bound);
    info!(address = %bound, "listening for MQTT");
    context.ready();
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => accept(&broker, stream, peer, &connections).await?,
                Err(error) => {
                    warn!(%error, "can't accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn accept(
    broker: &Arc<Broker>,
    stream: TcpStream,
    peer: SocketAddr,
    connections: &SupervisorHandle,
) -> Result<(), BoxError> {
    if prepare(&stream).is_err() {
        // It is gone already.
        return Ok(());
    }
    let broker = Arc::clone(broker);
    let serve = move |context: Context| async move {
        connection::serve(broker, stream.into(), peer, context).await;
        Ok(())
    };
    Ok(connections.start_temporary(peer.to_string(), serve).await?)
}
