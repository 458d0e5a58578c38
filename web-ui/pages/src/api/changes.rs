//! Changes of devices in the API. The registrar decides; what it says about fields is handed through.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::devices::DeviceAnswer;
use super::input::{Body, Path, check_id};
use super::schemas::{DeviceChange, NewDevice};
use super::{Answer, PREFIX};
use crate::live;
use crate::problem::Problem;
use crate::registrar::{self, Added};
use crate::site::Site;
use crate::view::DeviceView;

/// Most devices of one batch.
const MAX_BATCH: usize = 1000;

/// Fields by name. Which there are and what they may hold, the registrar knows.
type Fields = Map<String, Value>;

/// Adds a device. Its secret is in this answer and in no other.
#[utoipa::path(post, path = "/devices", tag = "devices", request_body = NewDevice,
    responses((status = 201, description = "Added", body = Added, headers(("Location" = String))),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn add(State(site): State<Arc<Site>>, Body(fields): Body<Fields>) -> Answer {
    let added = registrar::add_one(&site.web.bus, fields.into()).await;
    site.changed().await;
    let added = added?;
    let location = [(header::LOCATION, format!("{PREFIX}/devices/{}", added.id))];
    Ok((StatusCode::CREATED, location, Json(added)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// At most 1,000 devices.
    #[schema(value_type = Vec<NewDevice>, max_items = 1000)]
    devices: Vec<Fields>,
}

/// Devices that were added, in the order they were sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedBatch {
    added: Vec<Added>,
}

/// Adds many devices, all or none.
#[utoipa::path(post, path = "/devices/batch", tag = "devices", request_body = Batch,
    responses((status = 201, description = "All were added", body = AddedBatch),
        (status = 422, description = "None was added", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn add_all(State(site): State<Arc<Site>>, Body(batch): Body<Batch>) -> Answer {
    let count = batch.devices.len();
    if count == 0 || count > MAX_BATCH {
        return Err(Problem::bad_request(format!(
            "a batch has from 1 to {MAX_BATCH} devices, this one has {count}"
        )));
    }
    let devices = batch.devices.into_iter().map(Value::from).collect();
    let added = registrar::add_all(&site.web.bus, devices).await;
    site.changed().await;
    Ok((StatusCode::CREATED, Json(AddedBatch { added: added? })).into_response())
}

/// Changes a device: the members that are sent, and no others.
#[utoipa::path(patch, path = "/devices/{id}", tag = "devices", request_body = DeviceChange,
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "The device as it is now", body = DeviceAnswer),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Body(fields): Body<Fields>,
) -> Answer {
    check_id("device", &id)?;
    let device = registrar::change(&site.web.bus, &id, fields.into()).await;
    site.changed().await;
    let view = DeviceView::of(&site.web, device?, live::now());
    Ok(Json(DeviceAnswer::from(view)).into_response())
}

/// Removes a device.
#[utoipa::path(delete, path = "/devices/{id}", tag = "devices",
    params(("id" = String, Path, description = "The device")),
    responses((status = 204, description = "It is gone"),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("device", &id)?;
    let removed = registrar::remove(&site.web.bus, &id).await;
    site.changed().await;
    removed?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a new secret for a device. The old one works no longer; the new one is in this answer and in no
/// other.
#[utoipa::path(post, path = "/devices/{id}/secret", tag = "devices",
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "The new secret", body = Added),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn renew_secret(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("device", &id)?;
    let renewed = registrar::renew_secret(&site.web.bus, &id).await?;
    Ok(Json(renewed).into_response())
}
