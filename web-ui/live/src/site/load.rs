//! A page load: the dead render of the view at an address, in its document.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Site;
use crate::flash::{FLASH_COOKIE, Flash};
use crate::render::Rendered;
use crate::routes::Page;
use crate::session::{Session, cookies};
use crate::sign::{KeyError, Purpose, unguessable, unix_s};
use crate::view::{Context, Halt, Nest, Opening, Refusal, Running, StaticToken, ViewToken, container};

/// The cookie by which the client says which error the next page load is to show.
const RELOAD_COOKIE: &str = "__phoenix_reload_status__";

impl Site {
    /// The pages: answers `GET` and `HEAD` of every address that is a route, and 404 for others. Add other routes to
    /// it,
    /// or use it as the fallback of a router.
    pub fn pages(&self) -> Router {
        Router::new().fallback(load).with_state(self.clone())
    }
}

async fn load(State(site): State<Site>, request: Request) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let address = request
        .uri()
        .path_and_query()
        .map_or("/", |address| address.as_str());
    if !matches!(*method, Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    if let Some(status) = reload_status(&site, headers) {
        let mut response = failure(&site, status);
        forget(&mut response, RELOAD_COOKIE);
        return response;
    }
    // A view may panic: its page is an error, the connection goes on. What it touched is dropped with it.
    match catch_unwind(AssertUnwindSafe(|| page(&site, address, headers))) {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(%error, path = request.uri().path(), "a page could not be made");
            failure(&site, 500)
        }
        Err(_) => {
            tracing::error!(path = request.uri().path(), "a view panicked at its page load");
            failure(&site, 500)
        }
    }
}

/// The status that a join has asked the next page load to show.
fn reload_status(site: &Site, headers: &HeaderMap) -> Option<u16> {
    let tokens = cookies(headers, RELOAD_COOKIE);
    let mut said = tokens.filter_map(|token| site.key().verify(Purpose::Reload, token).ok());
    std::str::from_utf8(&said.next()?).ok()?.parse().ok()
}

fn page(site: &Site, address: &str, headers: &HeaderMap) -> Result<Response, KeyError> {
    let Some(found) = site.table().find(address) else {
        return Ok(failure(site, 404));
    };
    let (session, is_new) = match Session::of(headers, site.key()) {
        Some(session) => (session, false),
        None => (Session::begin()?, true),
    };
    let id = unguessable("phx-")?;
    let mut context = Context::new(site.clone(), &id, address, None);
    let flashed = cookies(headers, FLASH_COOKIE).next();
    if let Some(token) = flashed {
        context.flash = Flash::from_token(token, site.key());
    }
    let opening = Opening {
        kind: found.kind,
        group: found.group,
        routed: true,
        depth: 0,
        params: found.params,
        session: &session,
    };
    let mut response = match Running::open(opening, context) {
        Ok((running, Some(patched))) => elsewhere(site, &patched.to, &running.context.flash),
        Ok((mut running, None)) => document(site, &mut running, &session, found.group),
        Err(Halt::Refused(refusal, left)) => refused(site, &refusal, &left.flash),
        Err(Halt::Crashed(crash)) => {
            tracing::error!(view = found.kind.name, %crash, "a view crashed at its page load");
            failure(site, 500)
        }
    };
    // A redirect may have set it anew.
    if flashed.is_some() && !response.headers().contains_key(header::SET_COOKIE) {
        forget(&mut response, FLASH_COOKIE);
    }
    if is_new && let Some(cookie) = session.to_cookie(site.key(), site.secure()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The whole document.
fn document(site: &Site, running: &mut Running, session: &Session, at: usize) -> Response {
    let Some(group) = site.table().group(at) else {
        return failure(site, 500);
    };
    let key = site.key();
    let body = running.html();
    let (id, flash) = (running.context.id().to_owned(), &running.context.flash);
    let token = ViewToken::main(&id, running.kind().name, group.name).sign(key, unix_s());
    let tokens = format!(
        "data-phx-main data-phx-session=\"{token}\" data-phx-static=\"{}\"",
        StaticToken::sign(&id, flash, key)
    );
    let page = Page {
        title: running.context.effects.title.take(),
        csrf_token: session.csrf_token(key),
        content: container((running.kind().container)(), &id, &tokens, &body),
        address: running.context.address().to_owned(),
        nest: Nest::new(site.clone(), at, 0, Some(Arc::new(session.clone()))),
    };
    html(StatusCode::OK, &(group.layout)(&page))
}

fn html(status: StatusCode, document: &Rendered) -> Response {
    let mut text = document.to_html();
    if !text.trim_start().starts_with("<!") {
        text.insert_str(0, "<!DOCTYPE html>\n");
    }
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        // Tokens and messages are one reader's own.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    (status, headers, text).into_response()
}

fn refused(site: &Site, refusal: &Refusal, flash: &Flash) -> Response {
    match refusal {
        Refusal::Redirect { to } | Refusal::Navigate { to, .. } => elsewhere(site, to, flash),
        Refusal::Stale | Refusal::Unauthorized => failure(site, 403),
        Refusal::Status(status) => failure(site, *status),
    }
}

/// Another page, with what it is to tell its reader.
fn elsewhere(site: &Site, to: &str, flash: &Flash) -> Response {
    let Ok(location) = HeaderValue::try_from(to) else {
        tracing::error!(to, "a redirect leads to no address: encode what is not ASCII");
        return failure(site, 500);
    };
    let mut response = (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
    if let Some(token) = flash.to_token(site.key()) {
        // As the stock client sets it.
        let cookie = format!("{FLASH_COOKIE}={token}; Path=/; Max-Age=60; SameSite=Lax");
        set_cookie(&mut response, &cookie);
    }
    response
}

fn failure(site: &Site, status: u16) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match site.table().error_page {
        Some(page) => html(code, &page(status)),
        None => (code, code.to_string()).into_response(),
    }
}

fn forget(response: &mut Response, cookie: &str) {
    set_cookie(response, &format!("{cookie}=; Path=/; Max-Age=0; SameSite=Lax"));
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
