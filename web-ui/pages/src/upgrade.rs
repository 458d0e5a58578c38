//! Upgrades: paths on which a client that asks for WebSocket is handed to another part of the program, socket and all.
//!
//! What is spoken there is not known here. That no page elsewhere speaks it through a visitor's browser is.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, http};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::net::TcpStream;

use crate::guard::host;
use crate::problem::Problem;
use crate::site::Site;

/// What the key of a request is hashed with (RFC 6455 section 1.3).
const ACCEPT_WITH: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The one version of WebSocket there is (RFC 6455 section 4.1).
const VERSION: &str = "13";

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A client that is about to speak WebSocket.
pub struct Upgraded {
    /// Where it connects from.
    pub peer: SocketAddr,
    /// Its socket, once it was told to go on, with what was read of it already; `None` if it has left before.
    pub socket: Boxed<Option<(TcpStream, Bytes)>>,
}

/// A path on which clients are handed over.
#[derive(Clone)]
pub struct Upgrade {
    /// The path: `/mqtt`.
    pub path: &'static str,
    /// The sub-protocol that the client must offer: `mqtt`.
    pub protocol: &'static str,
    /// Takes a client on. Says whether there is room for it.
    pub serve: Arc<dyn Fn(Upgraded) -> Boxed<bool> + Send + Sync>,
}

/// Where a request comes from: the server says so with each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Whether one of the words of a list in a header is this one, in any case of letters.
fn says(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// Whether the page that asks, if it is one, is of this gateway: its origin is the host that is asked, or one of the
/// names that the gateway goes by. Programs send no origin.
fn is_own_page(headers: &HeaderMap, hosts: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Some(page) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let asked = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(page.1)) || host::is_named(page.1, hosts)
}

/// What proves to the client that its request was understood.
fn accept(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(ACCEPT_WITH).finalize())
}

/// The client's key: sixteen bytes in base 64.
fn key(headers: &HeaderMap) -> Option<&[u8]> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes();
    let is_key = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    is_key.then_some(key)
}

/// Says what to do instead to whoever does not ask for a WebSocket.
fn refuse(upgrade: &Upgrade) -> Response {
    let problem = Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        format!(
            "{} is for WebSocket: ask for version {VERSION} and the sub-protocol {}",
            upgrade.path, upgrade.protocol
        ),
    );
    let headers = [
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, VERSION),
    ];
    (headers, problem).into_response()
}

/// Answers a request on the path of an upgrade.
pub(crate) async fn answer(
    site: Arc<Site>,
    upgrade: Upgrade,
    Extension(Peer(peer)): Extension<Peer>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    let asks = says(headers, header::UPGRADE, "websocket")
        && says(headers, header::CONNECTION, "upgrade")
        && says(headers, header::SEC_WEBSOCKET_VERSION, VERSION)
        && says(headers, header::SEC_WEBSOCKET_PROTOCOL, upgrade.protocol);
    let (true, Some(key)) = (asks, key(headers)) else {
        return refuse(&upgrade);
    };
    if !is_own_page(headers, &site.web.options.hosts) {
        let detail =
            "a page of another origin asks: add its name to `hosts` in the web section of the configuration";
        return Problem::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    let accepted = accept(key);
    let upgraded = hyper::upgrade::on(&mut request);
    let socket = Box::pin(async move {
        let parts = upgraded.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
        Some((parts.io.into_inner(), parts.read_buf))
    });
    if !(upgrade.serve)(Upgraded { peer, socket }).await {
        let detail = "too many clients wait to be let in: try again in a few seconds";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    }
    http::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accepted)
        .header(header::SEC_WEBSOCKET_PROTOCOL, upgrade.protocol)
        .body(Body::empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accepted_key_is_that_of_the_rfcs_example() {
        assert_eq!(
            accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn pages_of_this_gateway_may_ask_and_pages_of_others_may_not() {
        let hosts = ["panel.example".to_owned()];
        let may = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "192.168.1.9:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_own_page(&headers, &hosts)
        };
        for ours in [
            None,
            Some("http://192.168.1.9:8080"),
            Some("https://panel.example"),
            Some("http://PANEL.example:3000"),
        ] {
            assert!(may(ours), "{ours:?}");
        }
        for other in [
            "null",
            "",
            "http://192.168.1.9",
            "http://192.168.1.10:8080",
            "http://localhost:8080",
            "http://evil.example",
            "http://panel.example.evil.example",
        ] {
            assert!(!may(Some(other)), "{other}");
        }
    }
}
