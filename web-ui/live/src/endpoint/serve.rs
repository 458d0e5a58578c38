//! A small server for programs that have none: one listener, one supervised task for each connection.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use roost_runtime::{BoxError, ChildSpec, Context, Strategy, Supervisor, SupervisorHandle};
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

/// Wait after an accept that failed for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;

/// The address of the other end: whoever serves connections puts it into the extensions of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves a router on a listener, in tasks of this supervisor. HTTP/1.1 only: HTTP/2 would start tasks that nobody
/// supervises.
#[must_use]
pub fn server(listener: std::net::TcpListener, router: Router) -> Supervisor {
    let requests = Supervisor::dynamic("requests");
    let starter = requests.handle();
    let listener = ChildSpec::new("http listener", move |context| {
        listen(listener.try_clone(), router.clone(), starter.clone(), context)
    });
    Supervisor::new("server", Strategy::OneForOne)
        .child(requests)
        .child(listener.awaits_ready())
}

async fn listen(
    listener: io::Result<std::net::TcpListener>,
    router: Router,
    requests: SupervisorHandle,
    context: Context,
) -> Result<(), BoxError> {
    let listener = listener?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    context.ready();
    loop {
        let accepted = tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let router = router.clone();
                let serve = move |context: Context| async move {
                    serve(router, stream, peer, context).await;
                    Ok(())
                };
                requests.start_temporary(peer.to_string(), serve).await?;
            }
            Err(error) => {
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(router: Router, stream: TcpStream, peer: SocketAddr, context: Context) {
    if stream.set_nodelay(true).is_err() {
        // It is gone already.
        return;
    }
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
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!(%peer, %error, "a connection ended with an error");
    }
}
