//! The request by which a client opens a WebSocket: looked at, put before the application, answered.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use roost_runtime::Context;
use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::connect::{Accepted, Connect, Refused};
use super::connection::{Connection, Transport};
use super::mount::Mounted;
use super::stream::Stream;
use super::websocket::serve;
use crate::endpoint::{Hub, Peer};
use crate::form;
use crate::frame::Version;
use crate::view::Inboxes;

/// Most bytes of the query of a request to connect.
pub const MAX_QUERY: usize = 16 * 1024;
/// The sub-protocol that the official client asks for.
pub(super) const PROTOCOL: &str = "phoenix";
/// What stands before the token among the sub-protocols.
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";
/// Version of the WebSocket protocol (RFC 6455).
const WEBSOCKET: &str = "13";

/// Whether a header that lists words says this one, in any case of letters.
fn says(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    words(headers, name).any(|said| said.eq_ignore_ascii_case(word))
}

fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|list| list.split(',')).map(str::trim)
}

/// What is to be answered to the client's key, if the request is one for a WebSocket.
fn accept(headers: &HeaderMap) -> Option<String> {
    let asks = says(headers, header::UPGRADE, "websocket")
        && says(headers, header::CONNECTION, "upgrade")
        && says(headers, header::SEC_WEBSOCKET_VERSION, WEBSOCKET);
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes();
    let is_key = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    (asks && is_key).then(|| derive_accept_key(key))
}

/// The sub-protocol that was agreed on, and the token, if there is one: the first that the client offers and the mount
/// speaks. `None` if nothing can be agreed on.
#[allow(clippy::option_option, reason = "no header and no agreement are two things")]
fn agree(headers: &HeaderMap, spoken: &[&'static str]) -> Option<(Option<&'static str>, Option<String>)> {
    let mut offered = words(headers, header::SEC_WEBSOCKET_PROTOCOL).peekable();
    if offered.peek().is_none() {
        return Some((None, None));
    }
    let (mut protocol, mut token) = (None, None);
    for word in offered {
        if let Some(name) = spoken.iter().find(|name| **name == word) {
            protocol = protocol.or(Some(*name));
        } else if let Some(encoded) = word.strip_prefix(TOKEN_PREFIX) {
            token = decode_token(encoded);
        }
    }
    protocol.map(|protocol| (Some(protocol), token))
}

/// The client writes the usual alphabet of base 64 without padding, although it calls it that for URLs.
fn decode_token(encoded: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [&alphabet::STANDARD, &alphabet::URL_SAFE];
    let decoded = alphabets
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(encoded).ok())?;
    String::from_utf8(decoded).ok()
}

/// Everything about a client that asks to connect, whatever the transport.
pub(super) struct Asking {
    pub(super) connect: Connect,
    pub(super) version: Version,
}

/// Looks at a request: the page it comes from, its parameters, the version of the protocol.
pub(super) fn examine(
    mounted: &Mounted,
    request: &axum::http::request::Parts,
    path: Map<String, Value>,
    token: Option<String>,
    transport: Transport,
) -> Result<Asking, Refused> {
    if !mounted.origin.allows(&request.headers) {
        debug!(mount = %mounted.path, origin = ?request.headers.get(header::ORIGIN), "a page of a foreign origin");
        return Err(Refused::default());
    }
    let query = request.uri.query().unwrap_or_default();
    if query.len() > MAX_QUERY {
        return Err(Refused(StatusCode::URI_TOO_LONG));
    }
    let mut params = form::decode(query).map_err(|_| Refused(StatusCode::BAD_REQUEST))?;
    let version = Version::parse(params.get("vsn").and_then(Value::as_str)).ok_or_else(Refused::default)?;
    params.extend(path);
    Ok(Asking {
        connect: Connect {
            params,
            token,
            uri: request.uri.clone(),
            headers: request.headers.clone(),
            peer: request.extensions.get::<Peer>().map(|peer| peer.0),
            transport,
        },
        version,
    })
}

/// Answers a request for a WebSocket.
pub(crate) async fn upgrade(
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    path: Map<String, Value>,
    mut request: Request,
) -> Response {
    if request.method() != Method::GET {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(accepted) = accept(request.headers()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let (request, _) = request.into_parts();
    match open(hub, mounted, path, &request, upgraded).await {
        Err(Refused(status)) => status.into_response(),
        Ok(protocol) => {
            let response = axum::http::Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header(header::CONNECTION, "Upgrade")
                .header(header::UPGRADE, "websocket")
                .header(header::SEC_WEBSOCKET_ACCEPT, accepted);
            let response = match protocol {
                Some(protocol) => response.header(header::SEC_WEBSOCKET_PROTOCOL, protocol),
                None => response,
            };
            response.body(Body::empty()).unwrap_or_default()
        }
    }
}

async fn open(
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    path: Map<String, Value>,
    request: &axum::http::request::Parts,
    upgraded: hyper::upgrade::OnUpgrade,
) -> Result<Option<&'static str>, Refused> {
    let agreed = agree(&request.headers, &mounted.protocols);
    let token = agreed.as_ref().and_then(|(_, token)| token.clone());
    let asking = examine(&mounted, request, path, token, Transport::WebSocket)?;
    let (protocol, _) = agreed.ok_or_else(Refused::default)?;
    if !hub.lets_in() {
        return Err(Refused(StatusCode::SERVICE_UNAVAILABLE));
    }
    let peer = asking.connect.peer;
    let mut accepted = mounted.ask(asking.connect).await?;
    accepted.views = request.extensions.get::<Inboxes>().cloned();
    let version = asking.version;
    let sockets = hub.sockets.clone();
    let start = move |context: Context| async move {
        run(hub, mounted, accepted, (peer, version), upgraded, context).await;
        Ok(())
    };
    let started = sockets.start_temporary(name(peer), start).await;
    started.map_err(|_| Refused(StatusCode::SERVICE_UNAVAILABLE))?;
    Ok(protocol)
}

fn name(peer: Option<SocketAddr>) -> Arc<str> {
    peer.map_or_else(|| "websocket".into(), |peer| peer.to_string().into())
}

async fn run(
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    accepted: Accepted,
    (peer, version): (Option<SocketAddr>, Version),
    upgraded: hyper::upgrade::OnUpgrade,
    context: Context,
) {
    // Boxed: what is needed to open a connection is not kept while it is open.
    let opening = Box::pin(async {
        tokio::select! {
            upgraded = upgraded => upgraded.ok(),
            () = context.shutdown.requested() => None,
        }
    });
    let Some(upgraded) = opening.await else { return };
    let (stream, writing, early) = Stream::new(upgraded);
    let identity = (peer, Transport::WebSocket, version);
    let connection = Connection::new(Arc::clone(&hub), mounted, accepted, identity, writing);
    let _open = hub.open(&connection);
    serve(stream, early, connection, context.shutdown).await;
}
