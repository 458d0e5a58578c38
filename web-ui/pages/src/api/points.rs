//! Points in the API: the last value of each, with its age and what that age means.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use roost_model::{ClockQuality, Freshness, NoData, Timestamp, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use super::input::{Path, check_id};
use crate::live::{self, About, Point};
use crate::problem::Problem;
use crate::site::Site;

/// A point with its last reading: either `value` or `no_data`.
#[derive(Serialize, ToSchema)]
#[schema(as = Point)]
pub(crate) struct PointAnswer {
    /// Name within its device.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    value: Option<Value>,
    /// Why there is no value: `device_absent`, `device_error`, `timeout` or `implausible`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    no_data: Option<NoData>,
    /// What the value is counted in; empty where it has no unit.
    unit: String,
    /// When it was taken, in milliseconds since the Unix epoch.
    at_ms: i64,
    /// How old it is.
    age_ms: u64,
    /// `fresh`, `late`, `stale` or `unknown`.
    #[schema(value_type = String)]
    freshness: Freshness,
    /// What the clock was worth when it was taken: `synced` or `unknown`.
    #[schema(value_type = String)]
    clock: ClockQuality,
    /// Number of the reading among all of this gateway.
    seq: u64,
    /// How often a value is expected; left out while nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    cadence_ms: Option<u64>,
    /// What the device, or its profile, says of the point; left out where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<About>,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl PointAnswer {
    pub(crate) fn of(point: &Point, now: Timestamp) -> Self {
        let reading = &point.reading;
        Self {
            name: point.name.clone(),
            value: reading.value.as_ref().ok().cloned(),
            no_data: reading.value.as_ref().err().copied(),
            unit: point.unit().to_string(),
            at_ms: reading.at.unix_ms(),
            age_ms: ms(reading.at.until(now)),
            freshness: point.freshness,
            clock: reading.at.clock,
            seq: reading.seq,
            cadence_ms: reading.cadence.map(ms),
            about: (point.about != About::default()).then(|| point.about.clone()),
        }
    }
}

/// Points of one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct PointList {
    items: Vec<PointAnswer>,
}

/// Lists the points of a device, as far as they have reported.
#[utoipa::path(get, path = "/devices/{id}/points", tag = "points",
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "Points", body = PointList),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn list(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_device(&site, &id).await?;
    let now = live::now();
    let points = live::points(&site.web.bus, &id, site.web.devices.child(&id).is_some());
    let items = points.iter().map(|point| PointAnswer::of(point, now)).collect();
    Ok(Json(PointList { items }).into_response())
}

/// Gives one point.
#[utoipa::path(get, path = "/devices/{id}/points/{point}", tag = "points",
    params(("id" = String, Path, description = "The device"),
        ("point" = String, Path, description = "The point")),
    responses((status = 200, description = "The point", body = PointAnswer),
        (status = 404, description = "No such device, or the point has not reported", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path((id, point)): Path<(String, String)>) -> Answer {
    check_device(&site, &id).await?;
    check_id("point", &point)?;
    let found = live::point(&site.web.bus, &id, &point, site.web.devices.child(&id).is_some());
    let found = found.ok_or_else(|| {
        Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            format!("the device {id:?} has not reported a point {point:?}"),
        )
    })?;
    Ok(Json(PointAnswer::of(&found, live::now())).into_response())
}

/// Makes sure that there is a device of this name: values of one that was removed are nobody's.
pub(super) async fn check_device(site: &Site, id: &str) -> Result<(), Problem> {
    check_id("device", id)?;
    match site.device(id).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("device", id)),
    }
}
