//! The JSON API: its routes and, made of the same list (`document`), its OpenAPI document.

mod changes;
mod clients;
mod commands;
mod devices;
mod document;
mod input;
mod onboarding;
mod points;
mod profiles;
mod recordings;
pub(crate) mod schemas;
mod system;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::guard;
use crate::problem::Problem;
use crate::router::wrong_method;
use crate::site::Site;

/// What all routes of the API begin with.
pub(crate) const PREFIX: &str = "/api/v1";
/// Largest body of a batch, in bytes: a thousand devices, whatever they are called.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Routes of one path: how they are served, and what documents them.
type Routes = UtoipaMethodRouter<Arc<Site>>;

/// Routes that take the token.
const PRIVATE: &[fn() -> Routes] = &[
    || routes!(devices::list, changes::add),
    || routes!(devices::get, changes::change, changes::remove),
    || routes!(changes::renew_secret),
    || routes!(clients::list, clients::add),
    || routes!(clients::get, clients::change, clients::remove),
    || routes!(clients::renew_secret),
    || routes!(points::list),
    || routes!(points::get),
    || routes!(commands::send),
    || routes!(commands::list),
    || routes!(commands::get, commands::cancel),
    || routes!(system::tree),
    || routes!(system::profiles),
    || routes!(profiles::sources),
    || routes!(profiles::get, profiles::put, profiles::remove),
    || routes!(profiles::restore),
    || routes!(profiles::try_on),
    || routes!(recordings::get),
    || routes!(onboarding::list),
    || routes!(onboarding::renew, onboarding::switch_off),
    || routes!(onboarding::get),
    || routes!(onboarding::accept),
    || routes!(onboarding::ignore),
    || routes!(onboarding::undo),
    || routes!(document::get),
];
/// The same, for bodies of up to [`BATCH_BYTES`].
const BATCH: &[fn() -> Routes] = &[|| routes!(changes::add_all)];
/// Routes that anybody may use.
const PUBLIC: &[fn() -> Routes] = &[|| routes!(system::health)];

/// All routes of the API, to be nested under [`PREFIX`].
pub(crate) fn router(site: Arc<Site>) -> Router<Arc<Site>> {
    served(PRIVATE)
        .merge(served(BATCH).layer(DefaultBodyLimit::max(BATCH_BYTES)))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(site, guard::token))
        .merge(served(PUBLIC).method_not_allowed_fallback(wrong_method))
}

/// These routes without what documents them, which is dropped before the next one is made: all of it takes 1.5 MB.
fn served(list: &[fn() -> Routes]) -> Router<Arc<Site>> {
    list.iter().fold(Router::new(), |router, make| {
        let (_, paths, methods) = make();
        let paths = paths.paths.into_keys();
        paths.fold(router, |router, path| router.route(&path, methods.clone()))
    })
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

pub(crate) use devices::Wanted;
pub(crate) use input::Path;
pub(crate) use recordings::JSON_LINES;

/// What a handler of the API gives.
type Answer = Result<Response, Problem>;
