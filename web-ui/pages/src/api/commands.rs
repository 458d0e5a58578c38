//! Commands in the API: sent to a point, followed until they are final, taken back, listed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use roost_model::{Command, CommandState, Priority};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::input::{Body, Params, Path, check_id, check_limit};
use super::{Answer, PREFIX, points, schemas};
use crate::commands;
use crate::live;
use crate::problem::Problem;
use crate::site::Site;

/// Commands of one answer, unless told otherwise.
const LIMIT: usize = 100;
/// Times that a command may be given: a tenth of a second to a day.
const TIMES_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;
/// What a client sends with a request that it may send again (draft-ietf-httpapi-idempotency-key-header).
const KEY: &str = "idempotency-key";

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// The value wanted: any JSON but `null`.
    value: serde_json::Value,
    /// How long it may take until the device answers, in milliseconds. The default is in the configuration.
    #[schema(minimum = 100, maximum = 86_400_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    within_ms: Option<u64>,
    /// How long after the device's answer a reading is waited for that shows the value; as long as `within_ms` by
    /// default.
    #[schema(minimum = 100, maximum = 86_400_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_within_ms: Option<u64>,
    /// The same key to the same point within a day is the same command. The header `Idempotency-Key` says it too.
    #[schema(min_length = 1, max_length = 255)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Which of a device's waiting commands goes first: `low`, `normal` or `high`.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    /// Whether it waits for a device that is not connected: `until_deadline` (the default) or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    /// Whether it takes the place of commands to the same point that were not sent yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    supersede: Option<bool>,
}

impl NewCommand {
    fn check(&self) -> Result<(), Problem> {
        let mut errors = serde_json::Map::new();
        if self.value.is_null() {
            errors.insert("value".to_owned(), json!(["can't be null"]));
        }
        for (name, given) in [
            ("within_ms", self.within_ms),
            ("verify_within_ms", self.verify_within_ms),
        ] {
            if given.is_some_and(|ms| !TIMES_MS.contains(&ms)) {
                let message = "must be from 100 to 86400000 milliseconds";
                errors.insert(name.to_owned(), json!([message]));
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Problem::invalid("the command was not taken", errors.into()))
    }

    /// Takes the key from the header, where it stands in quotes or without.
    fn take_key(&mut self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(given) = headers.get(KEY) else {
            return Ok(());
        };
        let given = given.to_str().unwrap_or_default().trim();
        let quoted = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(given);
        if key.is_empty() || self.key.as_deref().is_some_and(|other| other != key) {
            return Err(Problem::bad_request(
                "Idempotency-Key must be text, and the same as `key` if both are sent",
            ));
        }
        self.key = Some(key.to_owned());
        Ok(())
    }
}

/// Sends a command to a point. The answer says that it is on its way, not that it has come true: follow
/// `Location`.
#[utoipa::path(post, path = "/devices/{id}/points/{point}/commands", tag = "commands",
    request_body = NewCommand,
    params(("id" = String, Path, description = "The device"),
        ("point" = String, Path, description = "The point"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same as `key`")),
    responses((status = 202, description = "Written down; `state` says how far it is", body = schemas::Command,
            headers(("Location" = String))),
        (status = 404, description = "No such device", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Refused; `command` says why. It is not there if so many wait that none was made",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The device is not running", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn send(
    State(site): State<Arc<Site>>,
    Path((id, point)): Path<(String, String)>,
    headers: HeaderMap,
    Body(mut wanted): Body<NewCommand>,
) -> Answer {
    points::check_device(&site, &id).await?;
    check_id("point", &point)?;
    wanted.check()?;
    wanted.take_key(&headers)?;
    let command = commands::send(&site.web.bus, &id, &point, json!(wanted)).await?;
    if command.state == CommandState::Refused {
        let reason = command.reason.clone().unwrap_or_default();
        return Err(Problem::refused(command, &reason));
    }
    let location = [(header::LOCATION, format!("{PREFIX}/commands/{}", command.id))];
    Ok((StatusCode::ACCEPTED, location, Json(command)).into_response())
}

/// Takes back a command that was not sent yet.
#[utoipa::path(delete, path = "/commands/{id}", tag = "commands",
    params(("id" = String, Path, description = "The command")),
    responses((status = 200, description = "It is cancelled", body = schemas::Command),
        (status = 404, description = "No such command", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "It was sent already; `command` says what became of it", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn cancel(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("command", &id)?;
    let command = commands::cancel(&site.web.bus, &id).await?;
    Ok(Json(command).into_response())
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
    /// Id of the command to go on before: `next` of the answer before.
    before: Option<String>,
}

/// Commands, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommandList {
    #[schema(value_type = Vec<schemas::Command>)]
    items: Vec<Command>,
    /// What to send as `before` to get the older ones; `null` at the end.
    next: Option<String>,
}

/// Lists commands, newest first.
#[utoipa::path(get, path = "/commands", tag = "commands", params(ListQuery),
    responses((status = 200, description = "Commands", body = CommandList)))]
pub(crate) async fn list(State(site): State<Arc<Site>>, Params(query): Params<ListQuery>) -> Answer {
    let limit = check_limit(query.limit, LIMIT)?;
    let mut items = site.commands(query.device, query.before, limit + 1).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|command| command.id.clone());
    Ok(Json(CommandList { items, next }).into_response())
}
