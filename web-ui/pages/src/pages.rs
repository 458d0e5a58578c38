//! Pages: what people see. Rendered here, complete without a script; a list of files, one for each page.

pub(crate) mod accept;
mod commands;
mod control;
pub(crate) mod device;
pub(crate) mod devices;
mod devices_query;
pub(crate) mod discovered;
mod empty;
mod layout;
mod marks;
pub(crate) mod point;
mod points;
pub(crate) mod profile;
pub(crate) mod profiles;
pub(crate) mod recording;
pub(crate) mod sign_in;
pub(crate) mod system;
mod tree;
mod words;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use roost_store::StoreError;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use layout::Frame;

/// What a handler of a page gives: a page, or a page that says why there is none.
type Page = Result<Html<String>, Failure>;

/// Why there is no page.
pub(crate) struct Failure(Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        failure(&self.0)
    }
}

/// A page about a problem.
pub(crate) fn failure(problem: &Problem) -> Response {
    let status = problem.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let body = html! {
        h1 { (title) }
        p.lead { (problem.detail()) }
        p { a href="/" { "Back to the devices" } }
    };
    (status, page(&Frame::bare(title), &body)).into_response()
}

fn page(frame: &Frame<'_>, body: &Markup) -> Html<String> {
    Html(layout::document(frame, body).into_string())
}

/// The name that the browser reached this gateway by, without the port. `host` is what it said.
fn host_of(host: Option<&str>) -> String {
    let host = host.unwrap_or("localhost");
    match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name.to_owned(),
        _ => host.to_owned(),
    }
}

/// The query of a page. What makes no sense is left out instead of refused: a person has a link, not a
/// program.
pub(crate) struct Lenient<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Lenient<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(
            Query::<T>::try_from_uri(&parts.uri).map_or_else(|_| T::default(), |Query(query)| query),
        ))
    }
}
