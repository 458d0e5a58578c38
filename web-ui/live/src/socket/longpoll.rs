//! Long poll: the same conversation by requests. A GET waits for what the client is sent, a POST brings what it says.
//!
//! The true status stands in the answer's body; the request itself succeeds (as the long-poll transport of Phoenix).

mod session;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use roost_runtime::Context;
use serde_json::{Map, Value, json};
use tracing::debug;

use super::connect::Refused;
use super::connection::{Connection, Held, Transport};
use super::handshake::examine;
use super::mount::Mounted;
use super::outbound::FAIR_BYTES;
use crate::endpoint::Hub;
use crate::form;

pub(crate) use session::Sessions;
use session::{Poll, Published, Session};

/// Where a client may say its token, besides the parameter `token`.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-phoenix-longpoll-token");
/// Where a client of the official library says what it was given as `authToken`.
const AUTH_HEADER: &str = "x-phoenix-authtoken";
/// Most messages of one request that are looked at; the official client sends no more.
const BATCH: usize = 100;
/// How pages of other origins learn that they may ask; whether they are answered is the mount's affair.
const CORS: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Accept, Content-Type, X-Phoenix-AuthToken, X-Phoenix-LongPoll-Token",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

/// An answer whose status stands in its body.
fn answer(body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (CORS, headers, body.to_string()).into_response()
}

fn status(status: u16) -> Response {
    answer(&json!({ "status": status }))
}

/// The stock client takes 403 in the body for final. Of any other there it makes an error, and never asks again; at one
/// of the request itself it comes back later.
fn refusal(refused: StatusCode) -> Response {
    match refused {
        StatusCode::FORBIDDEN => status(refused.as_u16()),
        later => (CORS, later).into_response(),
    }
}

/// Answers a request of a client that polls.
pub(crate) async fn poll(
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    path: Map<String, Value>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::OPTIONS => return (CORS, StatusCode::OK).into_response(),
        Method::GET | Method::POST => {}
        _ => return StatusCode::BAD_REQUEST.into_response(),
    }
    if !mounted.origin.allows(&parts.headers) {
        return status(403);
    }
    let session = token(&parts).and_then(|token| hub.sessions.find(&token, &mounted.path));
    if parts.method == Method::POST {
        return match session {
            Some(session) => {
                let given_up = session.connection().given_up();
                tokio::select! {
                    answer = publish(&hub, &session, &parts, body) => answer,
                    () = given_up.requested() => status(410),
                }
            }
            None => status(410),
        };
    }
    match session {
        Some(session) => match session.poll().await {
            Poll::Messages(messages) => {
                answer(&json!({"status": 200, "token": session.token(), "messages": messages}))
            }
            Poll::Nothing => answer(&json!({"status": 204, "token": session.token(), "messages": []})),
            Poll::Over => status(410),
        },
        None => match open(hub, mounted, path, &parts).await {
            Ok(token) => answer(&json!({"status": 410, "token": token, "messages": []})),
            Err(Refused(refused)) => refusal(refused),
        },
    }
}

/// The client's token. What the header says goes before a parameter that may be old.
fn token(parts: &Parts) -> Option<String> {
    if let Some(token) = parts.headers.get(TOKEN_HEADER) {
        return token.to_str().ok().map(ToOwned::to_owned);
    }
    let mut query = form::decode(parts.uri.query()?).ok()?;
    match query.remove("token")? {
        Value::String(token) => Some(token),
        _ => None,
    }
}

async fn open(
    hub: Arc<Hub>,
    mounted: Arc<Mounted>,
    path: Map<String, Value>,
    parts: &Parts,
) -> Result<String, Refused> {
    let auth = parts
        .headers
        .get(AUTH_HEADER)
        .and_then(|token| token.to_str().ok());
    let asking = examine(
        &mounted,
        parts,
        path,
        auth.map(ToOwned::to_owned),
        Transport::LongPoll,
    )?;
    if !hub.lets_in() {
        return Err(Refused(StatusCode::SERVICE_UNAVAILABLE));
    }
    let identity = (asking.connect.peer, Transport::LongPoll, asking.version);
    let accepted = mounted.ask(asking.connect).await?;
    let connection = Connection::new(Arc::clone(&hub), mounted, accepted, identity, None);
    let session = Session::new(Arc::clone(&connection)).ok_or(Refused(StatusCode::SERVICE_UNAVAILABLE))?;
    let token = session.token().to_owned();
    let sockets = hub.sockets.clone();
    // Before the client can ask for it.
    let listed = hub.sessions.add(session);
    let watch = move |context: Context| async move {
        let session = &listed.session;
        let _open = hub.open(&connection);
        session.watch(&context.shutdown).await;
        Ok(())
    };
    let started = sockets.start_temporary("long poll", watch).await;
    started.map_err(|_| Refused(StatusCode::SERVICE_UNAVAILABLE))?;
    Ok(token)
}

async fn publish(hub: &Hub, session: &Session, parts: &Parts, body: Body) -> Response {
    // Counted until all of it was taken.
    let mut held = session.connection().hold(0);
    // Whoever sends slowly holds what he has sent.
    let read = tokio::time::timeout(hub.limits.poll_window, read(hub, body, &mut held));
    let body = match read.await {
        Ok(Ok(body)) => body,
        Ok(Err(StatusCode::PAYLOAD_TOO_LARGE)) => {
            return (CORS, StatusCode::PAYLOAD_TOO_LARGE).into_response();
        }
        Ok(Err(refused)) => return status(refused.as_u16()),
        Err(_) => return status(408),
    };
    let lines = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-ndjson"));
    let messages = if lines {
        body.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .take(BATCH)
            .map(message)
            .collect()
    } else {
        Some(vec![(body, false)])
    };
    let Some(messages) = messages else {
        debug!("a batch with a line that is neither JSON nor base 64");
        session.end().await;
        return status(500);
    };
    match session.publish(messages).await {
        Published::Taken => status(200),
        Published::Late => status(408),
        Published::Over => status(410),
        Published::Malformed => status(500),
    }
}

/// What a request brings, counted as it comes.
async fn read(hub: &Hub, body: Body, held: &mut Held) -> Result<Bytes, StatusCode> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
        if whole.len() + piece.len() > 2 * hub.limits.message_bytes {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if whole.len() > FAIR_BYTES {
            hub.budget.room().await;
        }
        if !held.grow(piece.len()) {
            return Err(StatusCode::GONE);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// A line of a batch: text, or bytes in base 64.
///
/// In memory of its own: what waits of a batch must not keep all of it.
fn message(line: &[u8]) -> Option<(Bytes, bool)> {
    if line.starts_with(b"[") || line.starts_with(b"{") {
        return Some((Bytes::copy_from_slice(line), false));
    }
    Some((STANDARD.decode(line).ok()?.into(), true))
}
