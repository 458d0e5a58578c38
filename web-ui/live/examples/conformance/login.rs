//! Routes that are no live pages: `GET /login?user=…` names the reader in his session, so that all his sockets can be
//! cut off at once; `POST /posted` takes a form in the old way.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use roost_live::session::LIVE_SOCKET_ID;
use roost_live::{Session, Site};

/// The routes.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/posted", post(posted))
        .with_state(site)
}

async fn posted(body: String) -> String {
    format!("posted {body}")
}

async fn login(
    State(site): State<Site>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let user = parameters.get("user").map_or("nobody", String::as_str);
    let session = Session::of(&headers, site.key()).map_or_else(Session::begin, Ok);
    let cookie = session.ok().and_then(|mut session| {
        session.put(LIVE_SOCKET_ID, format!("user:{user}"));
        session.to_cookie(site.key(), false)
    });
    match cookie {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], "hello").into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
