//! The gateway itself in the API: its health, its supervision tree, its profiles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use roost_runtime::State as ChildState;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::input::{Params, check_limit};
use super::schemas;
use crate::site::Site;
use crate::view::state_word;

/// Children of each supervisor in one answer, unless told otherwise.
const LIMIT: usize = 50;

/// A direct child of the root.
#[derive(Serialize, ToSchema)]
pub(crate) struct Service {
    name: String,
    /// `running`, or what it is instead.
    #[schema(value_type = String)]
    state: &'static str,
}

/// How the gateway is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded` if a service or the store does not work.
    #[schema(value_type = String)]
    status: &'static str,
    /// Version of the program.
    version: String,
    /// How long it has been running.
    uptime_ms: u64,
    /// Devices; `null` if the store can't be read.
    devices: Option<usize>,
    /// Devices that are connected.
    connected: Option<usize>,
    /// Whether all services run.
    services_running: bool,
    /// The services.
    services: Vec<Service>,
}

/// Says how the gateway is. Needs no token.
#[utoipa::path(get, path = "/health", tag = "system", security(()),
    responses((status = 200, description = "All is well", body = Health),
        (status = 503, description = "A service or the store does not work", body = Health)))]
pub(crate) async fn health(State(site): State<Arc<Site>>) -> Answer {
    let facts = (site.web.facts)();
    let counts = match (site.roster().await, site.survey().await) {
        (Ok(roster), Ok(survey)) => Some((roster.len(), survey.connected.len())),
        _ => None,
    };
    let services = site.services();
    let running = !services.is_empty() && services.iter().all(|(_, state)| *state == ChildState::Running);
    let well = running && counts.is_some();
    let health = Health {
        status: if well { "ok" } else { "degraded" },
        version: facts.version,
        uptime_ms: u64::try_from(facts.uptime.as_millis()).unwrap_or(u64::MAX),
        devices: counts.map(|(devices, _)| devices),
        connected: counts.map(|(_, connected)| connected),
        services_running: running,
        services: services
            .into_iter()
            .map(|(name, state)| Service {
                name,
                state: state_word(state),
            })
            .collect(),
    };
    let status = if well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((status, Json(health)).into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TreeQuery {
    /// Most children of each supervisor, from 1 to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
}

/// Gives the supervision tree.
#[utoipa::path(get, path = "/system/tree", tag = "system", params(TreeQuery),
    responses((status = 200, description = "The root and all below", body = schemas::Tree)))]
pub(crate) async fn tree(State(site): State<Arc<Site>>, Params(query): Params<TreeQuery>) -> Answer {
    let limit = check_limit(query.limit, LIMIT)?;
    Ok(Json(site.web.tree.tree(limit)).into_response())
}

/// Profiles, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileList {
    #[schema(value_type = Vec<schemas::Profile>)]
    items: Vec<roost_model::Profile>,
}

/// Lists the profiles that MQTT devices can speak.
#[utoipa::path(get, path = "/profiles", tag = "system",
    responses((status = 200, description = "Profiles", body = ProfileList)))]
pub(crate) async fn profiles(State(site): State<Arc<Site>>) -> Answer {
    let items = site.web.store.run(|store| store.table().all()).await?;
    Ok(Json(ProfileList { items }).into_response())
}
