//! The server: its part of the supervision tree, the listener, and one supervised task for each connection.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use roost_runtime::{
    BoxError, ChildSpec, Context, Events, StartError, Strategy, Supervisor, SupervisorHandle,
};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tracing::{debug, info, warn};

use crate::router;
use crate::upgrade::Peer;
use crate::web::Web;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1024;
/// Wait after an accept that failed for want of file descriptors or memory, or that nobody could serve.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a client may take to send the head of a request, and may stay silent between two.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long the kernel tries to get rid of a response that the client does not take.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// How long a request may go on after the stop was asked for. Less than the supervisor waits.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// The web side's part of the tree: connections, and the listener. A listener that fails takes no request
/// down.
#[must_use]
pub fn supervisor(web: Arc<Web>, events: &Events) -> Supervisor {
    let requests = Supervisor::dynamic("requests")
        .events(events)
        .max_children(web.options.connections);
    let starter = requests.handle();
    let router = router::router(Arc::clone(&web));
    let listener = ChildSpec::new("http listener", move |context| {
        listen(Arc::clone(&web), router.clone(), starter.clone(), context)
    });
    Supervisor::new("web", Strategy::OneForOne)
        .events(events)
        .child(requests)
        .child(listener.awaits_ready())
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
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
    SockRef::from(stream).set_tcp_user_timeout(Some(SEND_DEADLINE))
}

/// Accepts until it is told to stop.
async fn listen(
    web: Arc<Web>,
    router: Router,
    requests: SupervisorHandle,
    context: Context,
) -> Result<(), BoxError> {
    // A restart finds the port that the system chose the first time: whoever asked for it keeps the right
    // one.
    let address = web.bound.get().unwrap_or(web.options.address);
    let listener = bind(address).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("can't listen for HTTP on {address} ([web] listen): {error}"),
        )
    })?;
    let bound = listener.local_addr()?;
    web.bound.set(bound);
    info!(address = %bound, "listening for HTTP");
    context.ready();
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let accepted = tokio::select! {
                        () = context.shutdown.requested() => return Ok(()),
                        accepted = accept(&router, stream, peer, &requests) => accepted,
                    };
                    // Those who serve requests are being restarted, which is one fault and not two.
                    if let Err(error) = accepted {
                        warn!(%error, "can't serve a connection");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(error) => {
                    warn!(%error, "can't accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn accept(
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    requests: &SupervisorHandle,
) -> Result<(), StartError> {
    if prepare(&stream).is_err() {
        // It is gone already.
        return Ok(());
    }
    let router = router.clone();
    let serve = move |context: Context| async move {
        serve(router, stream, peer, context).await;
        Ok(())
    };
    requests.start_temporary(peer.to_string(), serve).await
}

/// Serves one connection: HTTP/1.1 only, since HTTP/2 would start tasks that nobody supervises.
async fn serve(router: Router, stream: TcpStream, peer: SocketAddr, context: Context) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = context.shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(STOP_DEADLINE, connection).await {
                Ok(outcome) => outcome,
                Err(_) => return debug!(%peer, "a request did not end in time"),
            }
        }
    };
    if let Err(error) = outcome {
        // A client that goes away or sends nonsense is its own affair.
        debug!(%peer, %error, "a connection ended with an error");
    }
}
