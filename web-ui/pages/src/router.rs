//! The router: all routes, and what every request to them passes.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http};

use crate::problem::Problem;
use crate::site::Site;
use crate::web::Web;
use crate::{api, assets, develop, guard, pages, upgrade};

/// Largest body of a request, in bytes, where nothing else is said.
const BODY_BYTES: usize = 1024 * 1024;

/// All routes of the web side.
pub fn router(web: Arc<Web>) -> Router {
    let site = Arc::new(Site::new(web));
    let private = Router::new()
        .route("/", get(pages::devices::show))
        .route("/devices/{id}", get(pages::device::show))
        .route("/devices/{id}/points/{point}", get(pages::point::show))
        .route("/system", get(pages::system::show))
        .route_layer(from_fn_with_state(Arc::clone(&site), guard::page));
    let confidential = Router::new()
        .route("/devices/{id}", post(pages::device::change))
        .route("/devices/{id}/recording", get(pages::recording::show))
        .route("/devices/{id}/recording.jsonl", get(pages::recording::download))
        .route(
            "/discovered",
            get(pages::discovered::show).post(pages::discovered::change),
        )
        .route(
            "/discovered/{client}",
            get(pages::accept::show).post(pages::accept::accept),
        )
        .route("/profiles", get(pages::profiles::show))
        .route(
            "/profiles/{id}",
            get(pages::profile::show).post(pages::profile::edit),
        )
        .route_layer(from_fn_with_state(Arc::clone(&site), guard::signed_in));
    let metrics = Router::new()
        .route("/metrics", get(metrics))
        .route_layer(from_fn_with_state(Arc::clone(&site), guard::metrics));
    let public = Router::new()
        .route(
            "/sign-in",
            get(pages::sign_in::show).post(pages::sign_in::sign_in),
        )
        .route("/sign-out", post(pages::sign_in::sign_out))
        .route(&assets::stylesheet_path(), get(assets::stylesheet))
        .route(assets::ICON_PATH, get(assets::icon));
    upgrades(&site)
        .merge(private)
        .merge(confidential)
        .merge(metrics)
        .merge(public)
        .merge(develop::routes())
        .nest(api::PREFIX, api::router(Arc::clone(&site)))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(guard::deadline))
        .layer(from_fn_with_state(Arc::clone(&site), guard::host))
        .layer(from_fn(guard::headers))
        .with_state(site)
}

/// The paths on which clients are handed to others.
fn upgrades(site: &Arc<Site>) -> Router<Arc<Site>> {
    site.web.upgrades.iter().fold(Router::new(), |router, upgrade| {
        let (site, upgrade) = (Arc::clone(site), upgrade.clone());
        let path = upgrade.path;
        let answer = move |peer, request| upgrade::answer(Arc::clone(&site), upgrade.clone(), peer, request);
        router.route(path, get(answer))
    })
}

/// No such path: a problem for programs, a page for people.
async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api") {
        return Problem::new(
            StatusCode::NOT_FOUND,
            format!(
                "there is no {path}: {}/openapi.json lists what there is",
                api::PREFIX
            ),
        )
        .into_response();
    }
    pages::failure(&Problem::new(
        StatusCode::NOT_FOUND,
        "There is no such page. It may have been of a device that was removed.",
    ))
}

/// The path is known, the method is not; the router adds `Allow`.
pub(crate) async fn wrong_method(method: http::Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} does not work here: the Allow header lists what does"),
    )
}

async fn metrics(State(site): State<Arc<Site>>) -> Response {
    let text = (site.web.metrics)();
    let media_type = if text.ends_with("# EOF\n") {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}
