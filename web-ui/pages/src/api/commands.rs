//! Commands in the API: sent to a point, then followed until they are verified, refused or expired.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use roost_model::{Command, CommandState, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::input::{Body, Params, Path, check_id, check_limit};
use super::{Answer, PREFIX, points, schemas};
use crate::live;
use crate::problem::Problem;
use crate::site::Site;

/// Commands of one answer, unless told otherwise.
const LIMIT: usize = 100;
/// How long the device's task may take to say that it has the command.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// How long a command may wait for its device, unless told otherwise.
const DEADLINE_MS: u64 = 10_000;
/// Times that a command may be given, as the device's task takes them: a tenth of a second to a day.
const DEADLINES_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// The value wanted: any JSON but `null`.
    value: serde_json::Value,
    /// How long it may take, in milliseconds.
    #[schema(minimum = 100, maximum = 86_400_000, default = 10_000)]
    deadline_ms: Option<u64>,
}

impl NewCommand {
    fn check(&self) -> Result<u64, Problem> {
        let deadline_ms = self.deadline_ms.unwrap_or(DEADLINE_MS);
        let mut errors = serde_json::Map::new();
        if self.value.is_null() {
            errors.insert("value".to_owned(), json!(["can't be null"]));
        }
        if !DEADLINES_MS.contains(&deadline_ms) {
            let message = "must be from 100 to 86400000 milliseconds";
            errors.insert("deadline_ms".to_owned(), json!([message]));
        }
        if errors.is_empty() {
            return Ok(deadline_ms);
        }
        Err(Problem::invalid("the command was not taken", errors.into()))
    }
}

/// Sends a command to a point. The answer says that it is on its way, not that it has come true: follow
/// `Location`.
#[utoipa::path(post, path = "/devices/{id}/points/{point}/commands", tag = "commands",
    request_body = NewCommand,
    params(("id" = String, Path, description = "The device"),
        ("point" = String, Path, description = "The point")),
    responses((status = 202, description = "On its way", body = schemas::Command,
            headers(("Location" = String))),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Refused; `command` says why", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The device is not running", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn send(
    State(site): State<Arc<Site>>,
    Path((id, point)): Path<(String, String)>,
    Body(wanted): Body<NewCommand>,
) -> Answer {
    points::check_device(&site, &id).await?;
    check_id("point", &point)?;
    let deadline_ms = wanted.check()?;
    let topic = Topic::new(format!("devices/{id}/points/{point}/set"))
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let body = json!({ "value": wanted.value, "deadline_ms": deadline_ms }).to_string();
    let answer = site
        .web
        .bus
        .request(topic, body.into(), TAKEN_WITHIN)
        .await
        .map_err(|error| Problem::unanswered(error, &format!("the device {id:?}")))?;
    let command = taken(&id, &answer)?;
    if let CommandState::Refused(reason) = &command.state {
        let reason = reason.clone();
        return Err(Problem::refused(command, &reason));
    }
    let location = [(header::LOCATION, format!("{PREFIX}/commands/{}", command.id))];
    Ok((StatusCode::ACCEPTED, location, Json(command)).into_response())
}

/// What the device's task made of the request: a command, or the reason why it is none.
fn taken(id: &str, answer: &[u8]) -> Result<Command, Problem> {
    #[derive(Deserialize)]
    struct Rejected {
        error: String,
    }
    if let Ok(Rejected { error }) = serde_json::from_slice(answer) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error));
    }
    serde_json::from_slice(answer).map_err(|error| {
        tracing::error!(%error, device = id, "a device's answer to a command can't be read");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the device's task gave an answer that makes no sense: the gateway's log says more",
        )
    })
}

/// Gives one command and how far it has come.
#[utoipa::path(get, path = "/commands/{id}", tag = "commands",
    params(("id" = String, Path, description = "The command")),
    responses((status = 200, description = "The command", body = schemas::Command),
        (status = 404, description = "No such command", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("command", &id)?;
    let key = id.clone();
    let read = site
        .web
        .store
        .run(move |store| store.table::<Command>().get(&key));
    let command = read.await?.ok_or_else(|| Problem::not_found("command", &id))?;
    Ok(Json(live::newest(&site.web.bus, command)).into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only commands to this device.
    device: Option<String>,
    /// Most commands of this answer, from 1 to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Commands, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommandList {
    #[schema(value_type = Vec<schemas::Command>)]
    items: Vec<Command>,
}

/// Lists commands, newest first.
#[utoipa::path(get, path = "/commands", tag = "commands", params(ListQuery),
    responses((status = 200, description = "Commands", body = CommandList)))]
pub(crate) async fn list(State(site): State<Arc<Site>>, Params(query): Params<ListQuery>) -> Answer {
    let limit = check_limit(query.limit, LIMIT)?;
    let items = site.commands(query.device, limit).await?;
    Ok(Json(CommandList { items }).into_response())
}
