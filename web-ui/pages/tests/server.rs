//! The server over real sockets: limits, slow clients, a graceful stop.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_runtime::{Events, Shutdown};
use roost_web::WebOptions;
use site::Site;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

struct Server {
    site: Site,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    address: SocketAddr,
}

impl Server {
    async fn start(connections: usize) -> Self {
        let address = ([127, 0, 0, 1], 0).into();
        let options = WebOptions {
            address,
            connections,
            hosts: vec![],
        };
        let site = Site::at(options, vec![]).await;
        let (shutdown, supervisor) = (
            Shutdown::new(),
            roost_web::supervisor(Arc::clone(&site.web), &Events::new(10)),
        );
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { supervisor.run(stop).await.unwrap() });
        let address = loop {
            match site.web.address() {
                Some(address) => break address,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        Self {
            site,
            shutdown,
            task,
            address,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap();
        drop(self.site);
    }
}

const REQUEST: &[u8] = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Reads one response and says whether it came.
async fn answered(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    matches!(stream.read(&mut buffer).await, Ok(read) if buffer[..read].starts_with(b"HTTP/1.1 200"))
}

/// Begins to sign in and waits until the server asks for the form: it has read the head and is answering.
async fn begun(server: &Server) -> TcpStream {
    let mut stream = server.connect().await;
    let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Reads until the other side closes.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    all
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(4).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(REQUEST).await.unwrap();
        assert!(answered(&mut stream).await);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_and_a_place_that_is_free_is_given_again() {
    let server = Server::start(2).await;
    let mut places = [server.connect().await, server.connect().await];
    for stream in &mut places {
        stream.write_all(REQUEST).await.unwrap();
        assert!(answered(stream).await);
    }
    let mut third = server.connect().await;
    assert_eq!(until_closed(&mut third).await, b"");
    drop(places);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut stream = server.connect().await;
        let _ = stream.write_all(REQUEST).await;
        if answered(&mut stream).await {
            break;
        }
        assert!(Instant::now() < deadline, "no place became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_lets_a_request_finish() {
    let server = Server::start(4).await;
    let (mut idle, mut busy) = (server.connect().await, begun(&server).await);
    idle.write_all(REQUEST).await.unwrap();
    assert!(answered(&mut idle).await);
    busy.write_all(b"tok").await.unwrap();
    server.shutdown.request();
    assert_eq!(until_closed(&mut idle).await, b"");
    busy.write_all(b"en=x").await.unwrap();
    let response = until_closed(&mut busy).await;
    assert!(
        response.starts_with(b"HTTP/1.1 401"),
        "{}",
        String::from_utf8_lossy(&response)
    );
    let address = server.address;
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_client_that_never_ends_its_request() {
    let server = Server::start(4).await;
    let _stuck = begun(&server).await;
    // From here on time passes only while everybody waits for it.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_sends_its_head_drop_by_drop_is_cut() {
    let server = Server::start(4).await;
    let mut slow = server.connect().await;
    let began = Instant::now();
    let drip = async {
        for byte in REQUEST.iter().cycle().filter(|byte| **byte != b'\r') {
            if slow.write_all(std::slice::from_ref(byte)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(25), drip).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_with_its_option() {
    let server = Server::start(1).await;
    let options = WebOptions {
        address: server.address,
        ..WebOptions::default()
    };
    let other = Site::at(options, vec![]).await;
    let supervisor =
        roost_web::supervisor(Arc::clone(&other.web), &Events::new(10)).intensity(0, Duration::from_secs(1));
    let error = supervisor.run(Shutdown::new()).await.unwrap_err().to_string();
    assert!(
        error.contains("can't listen for HTTP on") && error.contains("[web] listen"),
        "{error}"
    );
    server.stop().await;
}
