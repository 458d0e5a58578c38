//! Devices in the API: lists and single ones, with their live state.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use roost_model::{Device, Link};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::input::{Params, Path, check_id, check_limit};
use super::points::PointAnswer;
use crate::live;
use crate::problem::Problem;
use crate::site::Site;
use crate::view::DeviceView;

/// Devices of one answer, unless told otherwise.
const LIMIT: usize = 100;

/// A device. What only one kind of device has is left out of the other.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceAnswer {
    /// Unique name.
    id: String,
    /// What people call it.
    label: String,
    /// Whether it is run at all.
    enabled: bool,
    /// `mqtt` or `wired`.
    #[schema(value_type = String)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u16>,
    /// How often a value is expected, in milliseconds; 0 leaves it to the driver or the profile.
    cadence_ms: u64,
    /// Whether it is connected.
    connected: bool,
    /// Since when it is, or is not, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_since_ms: Option<i64>,
    /// Whether nothing was heard of it for longer than three times its slowest cadence, whatever its connection says.
    silent: bool,
    /// State of its task: `starting`, `running`, `backoff`, `stopping`, `stopped`, or `absent` if there is
    /// none.
    #[schema(value_type = String)]
    state: &'static str,
    /// How often its task was restarted.
    restarts: u64,
    /// How its task last ended, if it ever ended abnormally.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reason: Option<String>,
    /// Its points by name, as far as they have reported.
    points: Vec<PointAnswer>,
}

impl From<DeviceView> for DeviceAnswer {
    /// Field by field, so that a secret that is added to the record does not leave by accident.
    fn from(view: DeviceView) -> Self {
        let wired = matches!(view.device.link(), Link::Wired { .. });
        Self {
            kind: if wired { "wired" } else { "mqtt" },
            connected: view.connected,
            silent: view.silent,
            connected_since_ms: view.since_ms,
            state: view.state_word(),
            restarts: view.child.as_ref().map_or(0, |child| child.restarts),
            points: view
                .points
                .iter()
                .map(|point| PointAnswer::of(point, view.now))
                .collect(),
            last_reason: view.child.and_then(|child| child.last_reason),
            profile: (!wired).then_some(view.device.profile),
            driver: wired.then_some(view.device.driver),
            bus: wired.then_some(view.device.bus),
            address: wired.then_some(view.device.address),
            id: view.device.id,
            label: view.device.label,
            enabled: view.device.enabled,
            cadence_ms: view.device.cadence_ms,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Most devices of this answer, from 1 to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// Id of the device to go on after: `next` of the answer before.
    after: Option<String>,
    /// Only devices that have this in id, label, profile, driver or bus.
    q: Option<String>,
}

/// Devices, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    items: Vec<DeviceAnswer>,
    /// What to send as `after` to get those that follow; `null` at the end.
    next: Option<String>,
}

/// Lists devices with their points, by id.
#[utoipa::path(get, path = "/devices", tag = "devices", params(ListQuery),
    responses((status = 200, description = "Devices", body = DeviceList)))]
pub(crate) async fn list(State(site): State<Arc<Site>>, Params(query): Params<ListQuery>) -> Answer {
    let limit = check_limit(query.limit, LIMIT)?;
    let roster = site.roster().await?;
    let after = query.after.unwrap_or_default();
    let from = roster.partition_point(|device| device.id <= after);
    let wanted = Wanted::new(query.q.as_deref().unwrap_or_default());
    let mut found = roster[from..].iter().filter(|device| wanted.fits(device));
    let page: Vec<&Device> = found.by_ref().take(limit).collect();
    let next = found.next().and(page.last()).map(|device| device.id.clone());
    let now = live::now();
    let items = page
        .into_iter()
        .map(|device| DeviceView::of(&site.web, device.clone(), now).into())
        .collect();
    Ok(Json(DeviceList { items, next }).into_response())
}

/// Gives one device with its points.
#[utoipa::path(get, path = "/devices/{id}", tag = "devices",
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "The device", body = DeviceAnswer),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("device", &id)?;
    let view = site.device_view(&id).await?;
    let view = view.ok_or_else(|| Problem::not_found("device", &id))?;
    Ok(Json(DeviceAnswer::from(view)).into_response())
}

/// What a device must have in it to be wanted, in any case of letters.
pub(crate) struct Wanted(String);

impl Wanted {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    pub(crate) fn fits(&self, device: &Device) -> bool {
        let fields = [
            &device.id,
            &device.label,
            &device.profile,
            &device.driver,
            &device.bus,
        ];
        self.0.is_empty() || fields.iter().any(|field| field.to_lowercase().contains(&self.0))
    }
}
