//! Recordings in the API: what a device last said, as a file for `roost replay`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Answer;
use super::input::{Path, check_id};
use crate::problem::Problem;
use crate::recordings;
use crate::site::Site;

/// Media type of lines of JSON, which is not registered but widely used.
pub(crate) const JSON_LINES: &str = "application/x-ndjson";

/// Gives what a device last said and what befell it: a line of JSON about the device, its profile and the gateway, then
/// one for each message and event, oldest first.
#[utoipa::path(get, path = "/devices/{id}/recording", tag = "devices",
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "The recording", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("device", &id)?;
    let file = recordings::file(&site, &id).await?;
    Ok(([(header::CONTENT_TYPE, JSON_LINES)], file).into_response())
}
