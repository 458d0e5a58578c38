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

/// Most connections of HTTP at once; one more is answered 503. Those that became WebSockets are not among them.
pub const HTTP_CONNECTIONS: usize = 10_000;
/// What one more is told, without a look at what it wants.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n";
/// Wait after an accept that failed for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;

/// The address of the other end: whoever serves connections puts it into the extensions of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves a router on a listener, with so many connections at most.
pub(super) fn server(listener: std::net::TcpListener, router: Router, most: usize) -> Supervisor {
    let requests = Supervisor::dynamic("requests").max_children(most);
    let starter = requests.handle();
    let listener = ChildSpec::new("http listener", move |context| {
        let requests = (starter.clone(), most);
        listen(listener.try_clone(), router.clone(), requests, context)
    });
    Supervisor::new("server", Strategy::OneForOne)
        .child(requests)
        .child(listener.awaits_ready())
}

async fn listen(
    listener: io::Result<std::net::TcpListener>,
    router: Router,
    (requests, most): (SupervisorHandle, usize),
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
                if requests.child_count() >= most {
                    // What it does not take at once it need not know.
                    let _ = stream.try_write(TOO_MANY);
                    continue;
                }
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

#[cfg(test)]
mod tests {
    use roost_runtime::Shutdown;
    use roost_runtime::supervisor::detached;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn one_connection_too_many_is_told_so_and_the_others_go_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let shutdown = Shutdown::new();
        let tree = server(listener, router, 1);
        let running = detached({
            let stop = shutdown.clone();
            async move { tree.run(stop).await.unwrap() }
        });
        let mut first = TcpStream::connect(address).await.unwrap();
        let ask = async |stream: &mut TcpStream| {
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut answer = vec![0; 4096];
            let read = stream.read(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer[..read]).into_owned()
        };
        assert!(ask(&mut first).await.starts_with("HTTP/1.1 200"));
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        second.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, TOO_MANY);
        assert!(ask(&mut first).await.starts_with("HTTP/1.1 200"));
        shutdown.request();
        running.await.unwrap();
    }
}
