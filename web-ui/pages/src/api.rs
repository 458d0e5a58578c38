//! The JSON API: its routes and, made of the same list, its OpenAPI document.

mod changes;
mod clients;
mod commands;
mod devices;
mod input;
mod onboarding;
mod points;
mod profiles;
mod recordings;
pub(crate) mod schemas;
mod system;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, RefOr, ResponseBuilder, schema::Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::guard;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::router::wrong_method;
use crate::site::Site;

/// What all routes of the API begin with.
pub(crate) const PREFIX: &str = "/api/v1";
/// Largest body of a batch, in bytes: a thousand devices, whatever they are called.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Name of the one way to prove who one is.
const BEARER: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Roost",
        version = "1",
        description = "Devices, points and commands of this gateway. Every error is an RFC 9457 problem."
    ),
    components(schemas(Problem))
)]
struct Document;

/// All routes of the API, to be nested under [`PREFIX`].
pub(crate) fn router(site: Arc<Site>) -> Router<Arc<Site>> {
    let batch = OpenApiRouter::new()
        .routes(routes!(changes::add_all))
        .layer(DefaultBodyLimit::max(BATCH_BYTES));
    let (private, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(devices::list, changes::add))
        .routes(routes!(devices::get, changes::change, changes::remove))
        .routes(routes!(changes::renew_secret))
        .routes(routes!(clients::list, clients::add))
        .routes(routes!(clients::get, clients::change, clients::remove))
        .routes(routes!(clients::renew_secret))
        .routes(routes!(points::list))
        .routes(routes!(points::get))
        .routes(routes!(commands::send))
        .routes(routes!(commands::list))
        .routes(routes!(commands::get, commands::cancel))
        .routes(routes!(system::tree))
        .routes(routes!(system::profiles))
        .routes(routes!(profiles::sources))
        .routes(routes!(profiles::get, profiles::put, profiles::remove))
        .routes(routes!(profiles::restore))
        .routes(routes!(profiles::try_on))
        .routes(routes!(recordings::get))
        .routes(routes!(onboarding::list))
        .routes(routes!(onboarding::renew, onboarding::switch_off))
        .routes(routes!(onboarding::get))
        .routes(routes!(onboarding::accept))
        .routes(routes!(onboarding::ignore))
        .routes(routes!(onboarding::undo))
        .routes(routes!(document))
        .merge(batch)
        .split_for_parts();
    let (public, open) = OpenApiRouter::new()
        .routes(routes!(system::health))
        .split_for_parts();
    secure(&mut document);
    document.merge(open);
    complete(&mut document);
    let text: Arc<str> = document.to_json().unwrap_or_default().into();
    private
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(text))
        .layer(from_fn_with_state(site, guard::token))
        .merge(public.method_not_allowed_fallback(wrong_method))
}

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", tag = "system",
    responses((status = 200, description = "This document", body = serde_json::Value)))]
async fn document(Extension(text): Extension<Arc<str>>) -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    (media_type, text.to_string()).into_response()
}

async fn no_route(uri: axum::http::Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "there is no {PREFIX}{}: {PREFIX}/openapi.json lists what there is",
            uri.path()
        ),
    )
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

/// Says of each operation so far that it takes the token, and what happens without.
fn secure(document: &mut utoipa::openapi::OpenApi) {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document
        .components
        .get_or_insert_with(Components::new)
        .add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [] as [&str; 0])]);
        let refused = problem_response("The token is missing or wrong.");
        operation.responses.responses.insert("401".to_owned(), refused);
    }
}

/// Puts the prefix before each path, and says what any operation may answer besides.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, mut item) in paths {
        for operation in operations(&mut item) {
            let other = problem_response("Anything else that can go wrong.");
            operation.responses.responses.insert("default".to_owned(), other);
        }
        document.paths.paths.insert(format!("{PREFIX}{path}"), item);
    }
}

fn problem_response(description: &str) -> RefOr<utoipa::openapi::Response> {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    RefOr::T(
        ResponseBuilder::new()
            .description(description)
            .content(PROBLEM_JSON, content)
            .build(),
    )
}

pub(crate) use devices::Wanted;
pub(crate) use input::Path;
pub(crate) use recordings::JSON_LINES;

/// What a handler of the API gives.
type Answer = Result<Response, Problem>;
