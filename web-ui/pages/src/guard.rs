//! The guard: what every request passes before anything looks at it.

pub(crate) mod host;
pub(crate) mod session;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::develop;
use crate::live;
use crate::pages;
use crate::problem::Problem;
use crate::site::Site;
use crate::web::Web;

/// How long a request may take in all, its body included: a slow sender does not hold a place for ever.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// Said with every response, but for developers (`develop`). No script runs, nothing comes from elsewhere, nobody
/// frames a page.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers, and forbids to keep what does not say how long it may be kept.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(following) = develop::following() {
        let policy = HeaderValue::from_static(following.content_security_policy);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Ends a request that takes too long.
pub(crate) async fn deadline(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the request was not complete within {} s",
                REQUEST_DEADLINE.as_secs()
            ),
        )
        .into_response(),
    }
}

/// Refuses a request that came here under somebody else's name: a page elsewhere can have its own name
/// resolve to this gateway (DNS rebinding), but its browser still says that name.
pub(crate) async fn host(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let said = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request
            .headers()
            .get(header::HOST)
            .and_then(|value| value.to_str().ok()),
    };
    let Some(said) = said else {
        return Problem::bad_request("the request has no Host header").into_response();
    };
    if host::is_allowed(said, &site.web.options.hosts) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "this gateway does not go by the name {said:?}: use its address, or add the name to `hosts` in the \
             web section of its configuration"
        ),
    )
    .into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn has_token(web: &Web, headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| web.secrets.verify(token, &web.token_hash))
}

/// Whether the pages are open: only this machine can reach them.
pub(crate) fn is_open(web: &Web) -> bool {
    match web.options.address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    }
}

/// Lets nobody to the API without the token. A session is not enough: a form elsewhere could use it.
pub(crate) async fn token(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if has_token(&site.web, request.headers()) {
        next.run(request).await
    } else {
        Problem::unauthorized().into_response()
    }
}

/// Lets nobody to the metrics without token or session, unless they are open.
pub(crate) async fn metrics(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if may_look(&site.web, request.headers()) {
        next.run(request).await
    } else {
        Problem::unauthorized().into_response()
    }
}

/// Sends whoever has not signed in to the form, unless the pages are open.
pub(crate) async fn page(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if may_look(&site.web, request.headers()) {
        return next.run(request).await;
    }
    Redirect::to(&session::sign_in_url(request.uri().path())).into_response()
}

/// Lets only those in who have shown the token, wherever they are: for pages that change things, and for what devices
/// say, which is nobody else's business on this machine either. A form of another site is refused.
pub(crate) async fn signed_in(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method() != Method::GET && is_foreign(headers) {
        return pages::failure(&Problem::new(
            StatusCode::FORBIDDEN,
            "This form was sent from another site.",
        ));
    }
    if session::is_signed_in(&site.web, headers, live::now()) || has_token(&site.web, headers) {
        return next.run(request).await;
    }
    Redirect::to(&session::sign_in_url(request.uri().path())).into_response()
}

/// A form of another site may not change anything here. A browser says where a request comes from; what is no browser
/// needs no protection.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes() == b"cross-site")
}

/// Whether a proxy says that it asks for somebody else, who may be anywhere (RFC 7239, and what came before it).
fn was_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

fn may_look(web: &Web, headers: &HeaderMap) -> bool {
    (is_open(web) && !was_forwarded(headers))
        || session::is_signed_in(web, headers, live::now())
        || has_token(web, headers)
}
