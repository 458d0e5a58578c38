//! Routes that are no live pages: `/login` names the reader in his session, so that all his sockets can be cut off at
//! once; `POST /posted` takes a form in the old way. Both take forms of this session's own pages alone.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use roost_live::session::LIVE_SOCKET_ID;
use roost_live::{Session, Site, form, html};
use serde_json::{Map, Value};

/// The field with the proof that a form is of a page of ours.
pub(crate) const TOKEN: &str = "_csrf_token";

/// The routes.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/login", get(ask).post(login))
        .route("/posted", post(posted))
        .with_state(site)
}

/// What a form says, and the session of whoever sends it. `None` if it is of no page of that session: another site can
/// have a browser send any form, but it does not know the token.
fn own(site: &Site, headers: &HeaderMap, body: &str) -> Option<(Session, Map<String, Value>)> {
    let session = Session::of(headers, site.key())?;
    let mut form = form::decode(body).ok()?;
    let token = form.remove(TOKEN)?;
    session
        .is_own(token.as_str()?, site.key())
        .then_some((session, form))
}

fn forged() -> Response {
    let remedy = "this form is of no page of your session: load its page again, and send it from there";
    (StatusCode::FORBIDDEN, remedy).into_response()
}

async fn posted(State(site): State<Site>, headers: HeaderMap, body: String) -> Response {
    match own(&site, &headers, &body) {
        Some((_, form)) => format!("posted {}", Value::from(form)).into_response(),
        None => forged(),
    }
}

async fn ask(State(site): State<Site>, headers: HeaderMap) -> Response {
    let session = Session::of(&headers, site.key()).map_or_else(Session::begin, Ok);
    let Ok(session) = session else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = html! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width">
                <link rel="icon" href="data:,">
                <link rel="stylesheet" href="/css/app.css">
                <title>Sign in</title>
            </head>
            <body>
                <form action="/login" method="post">
                    <input type="hidden" name={TOKEN} value={session.csrf_token(site.key())}>
                    <label>"Name "<input name="user" required></label>
                    <button>Sign in</button>
                </form>
            </body>
        </html>
    };
    with_session(&site, &session, Html(page.to_html()).into_response())
}

async fn login(State(site): State<Site>, headers: HeaderMap, body: String) -> Response {
    let Some((mut session, form)) = own(&site, &headers, &body) else {
        return forged();
    };
    // Whoever has seen the session until now, or has put his own here, has no part in what comes.
    if session.renew().is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let user = form.get("user").and_then(Value::as_str).unwrap_or("nobody");
    session.put(LIVE_SOCKET_ID, format!("user:{user}"));
    with_session(&site, &session, Redirect::to("/").into_response())
}

/// The answer with the session in its cookie.
fn with_session(site: &Site, session: &Session, mut answer: Response) -> Response {
    match session.to_cookie(site.key(), false) {
        Some(cookie) => {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
            answer
        }
        None => (StatusCode::BAD_REQUEST, "this name is too long for a cookie").into_response(),
    }
}
