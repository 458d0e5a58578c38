//! The OpenAPI document of the JSON API.

use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, RefOr, ResponseBuilder, schema::Ref};
use utoipa_axum::router::OpenApiRouter;

use super::{BATCH, PREFIX, PRIVATE, PUBLIC, Routes};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::site::Site;

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

// It is made when somebody asks: hardly anybody does, and it is large.
/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", tag = "system", operation_id = "document",
    responses((status = 200, description = "This document", body = serde_json::Value)))]
pub(super) async fn get() -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    (media_type, whole().to_json().unwrap_or_default()).into_response()
}

fn whole() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(of(PRIVATE));
    document.merge(of(BATCH));
    secure(&mut document);
    document.merge(of(PUBLIC));
    complete(&mut document);
    document
}

fn of(list: &[fn() -> Routes]) -> utoipa::openapi::OpenApi {
    let router = OpenApiRouter::<Arc<Site>>::default();
    list.iter()
        .fold(router, |router, make| router.routes(make()))
        .into_openapi()
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
