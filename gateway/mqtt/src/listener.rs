//! A listener: accepts TCP connections, no more than there are seats for, and gives each a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context, StartError, SupervisorHandle};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tracing::{debug, info, warn};

use crate::broker::Broker;
use crate::connection::{self, Arrival, Serving};
use crate::lobby::Seat;
use crate::probe::USUALLY_AFTER;
use crate::stats::BrokerStats;
use crate::tls::Certificates;
use crate::transport::Transport;

/// Connections that the kernel holds until they are accepted. When the power returns to a building they come all at
/// once; the kernel cuts this down to its own `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// Wait after an accept that failed for want of file descriptors or memory, or that nobody could serve.
const PAUSE: Duration = Duration::from_millis(100);

/// What is spoken at a door.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    /// MQTT.
    Plain,
    /// MQTT inside TLS.
    Tls(Arc<Certificates>),
}

impl Door {
    /// The section of the configuration that says where it is.
    fn section(&self) -> &'static str {
        match self {
            Self::Plain => "[mqtt]",
            Self::Tls(_) => "[mqtt.tls]",
        }
    }
}

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

pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(USUALLY_AFTER))
}

/// Accepts until it is told to stop.
pub(crate) async fn run(
    broker: Arc<Broker>,
    door: Door,
    address: SocketAddr,
    connections: SupervisorHandle,
    context: Context,
) -> Result<(), BoxError> {
    let section = door.section();
    let listener = listen(address).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("can't listen for MQTT on {address} ({section} listen): {error}"),
        )
    })?;
    let bound = listener.local_addr()?;
    broker.bound(&door, bound);
    info!(address = %bound, "listening for MQTT ({section})");
    context.ready();
    loop {
        let next = async {
            let room = broker.lobby().room().await?;
            Some((room, listener.accept().await))
        };
        let (room, accepted) = tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            Some(next) = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without a seat, or gone already: dropping the socket is all there is to do.
                if let Some(seat) = broker.lobby().sit(room, peer.ip())
                    && prepare(&stream).is_ok()
                {
                    let admitted = tokio::select! {
                        () = context.shutdown.requested() => return Ok(()),
                        admitted = admit(&broker, &door, (stream, peer, seat), &connections) => admitted,
                    };
                    // Those who hold the connections are being restarted, which is one fault and not two: this client
                    // has to come again, the others wait in the kernel's queue.
                    if let Err(error) = admitted {
                        warn!(%error, "can't admit a connection");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            Err(error) => {
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn admit(
    broker: &Arc<Broker>,
    door: &Door,
    (stream, peer, seat): (TcpStream, SocketAddr, Seat),
    connections: &SupervisorHandle,
) -> Result<(), StartError> {
    let (broker, name, door) = (Arc::clone(broker), peer.to_string(), door.clone());
    let serve = move |context: Context| {
        Serving::new(async move {
            let transport = match door {
                Door::Plain => Transport::Tcp(stream),
                Door::Tls(certificates) => {
                    Box::pin(shake(&broker, &certificates, stream, &seat, &context)).await?
                }
            };
            let arrival = Arrival {
                transport,
                peer,
                seat,
            };
            Box::pin(connection::greet(broker, arrival, context)).await
        })
    };
    connections.start_temporary(name, serve).await
}

/// Does the handshake, in the connection's own task and time.
async fn shake(
    broker: &Broker,
    certificates: &Certificates,
    stream: TcpStream,
    seat: &Seat,
    context: &Context,
) -> Option<Transport> {
    let config = certificates.config()?;
    let shaking = tokio::time::timeout_at(seat.deadline, broker.handshakes().shake(stream, config));
    let outcome = tokio::select! {
        outcome = shaking => outcome,
        () = context.shutdown.requested() => return None,
    };
    match outcome {
        Ok(Ok(stream)) => return Some(Transport::Tls(stream)),
        Ok(Err(error)) => debug!(%error, "no TLS handshake"),
        Err(_) => debug!("no TLS handshake in time"),
    }
    BrokerStats::count(&broker.stats().handshakes_failed);
    None
}
