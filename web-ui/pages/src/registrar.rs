//! Requests to the registrar, the task of the program that changes devices, and what its answers mean.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use roost_model::{Client, Device, Topic};
use roost_runtime::Bus;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::problem::Problem;

/// How long the registrar may take. A batch of a thousand devices is one sync of the store and a thousand
/// starts.
const DEADLINE: Duration = Duration::from_secs(30);

/// A device that was added.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Added {
    /// Its id.
    pub(crate) id: String,
    /// Its secret, to be put into the device: shown this once. `null` for a wired device, which needs none.
    #[serde(default)]
    pub(crate) secret: Option<String>,
}

/// What is wrong with one device of those that were sent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RowErrors {
    #[serde(default)]
    index: usize,
    #[serde(default)]
    id: String,
    #[serde(default)]
    fields: BTreeMap<String, Vec<String>>,
}

/// Every answer, with the members that this one has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    error: Option<String>,
    errors: Option<Vec<RowErrors>>,
    not_found: bool,
    added: Option<Vec<Added>>,
    device: Option<Device>,
    client: Option<Client>,
    removed: bool,
    secret: Option<String>,
}

impl Answer {
    /// This answer, unless it says that there is no such thing.
    pub(crate) fn found(self, what: &str, id: &str) -> Result<Self, Problem> {
        if self.not_found {
            return Err(Problem::not_found(what, id));
        }
        Ok(self)
    }

    /// The client that the answer is about, and the secret that was made for it, unless fields were wrong.
    pub(crate) fn client(self) -> Result<(Client, Option<String>), Problem> {
        match (self.errors, self.client) {
            (Some(rows), _) => Err(invalid("client", rows)),
            (None, Some(client)) => Ok((client, self.secret)),
            (None, None) => Err(unreadable()),
        }
    }

    /// The secret that was made.
    pub(crate) fn secret(self) -> Result<String, Problem> {
        self.secret.ok_or_else(unreadable)
    }

    /// Nothing, if something was removed.
    pub(crate) fn removed(&self, what: &str, id: &str) -> Result<(), Problem> {
        if self.removed {
            Ok(())
        } else {
            Err(Problem::not_found(what, id))
        }
    }
}

/// Asks for a change: `devices/add`, `clients/remove`.
pub(crate) async fn ask(bus: &Bus, what: &str, body: Value) -> Result<Answer, Problem> {
    let topic = Topic::new(format!("$roost/{what}"))
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let answer = bus
        .request(topic, body.to_string().into(), DEADLINE)
        .await
        .map_err(|error| Problem::unanswered(error, "the part that makes changes"))?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|error| {
        tracing::error!(%error, what, "the registrar's answer can't be read");
        unreadable()
    })?;
    match answer.error {
        Some(error) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)),
        None => Ok(answer),
    }
}

fn unreadable() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the registrar gave an answer that makes no sense: the gateway's log says more",
    )
}

/// The one row of errors that a request about one device can have.
fn invalid(what: &str, rows: Vec<RowErrors>) -> Problem {
    let fields = rows.into_iter().next().map(|row| row.fields).unwrap_or_default();
    let detail = match fields.iter().next() {
        Some((field, messages)) => format!(
            "the {what} was not taken: {field} {}",
            messages.first().map_or("is wrong", String::as_str)
        ),
        None => format!("the {what} was not taken"),
    };
    Problem::invalid(detail, json!(fields))
}

/// Adds one device.
pub(crate) async fn add_one(bus: &Bus, params: Value) -> Result<Added, Problem> {
    let answer = ask(bus, "devices/add", json!({ "devices": [params] })).await?;
    if let Some(rows) = answer.errors {
        return Err(invalid("device", rows));
    }
    let mut added = answer.added.unwrap_or_default();
    added.pop().ok_or_else(unreadable)
}

/// Adds many devices, all or none.
pub(crate) async fn add_all(bus: &Bus, devices: Vec<Value>) -> Result<Vec<Added>, Problem> {
    let answer = ask(bus, "devices/add", json!({ "devices": devices })).await?;
    if let Some(rows) = answer.errors {
        let detail = format!(
            "none of the devices was taken: {} of {} have errors",
            rows.len(),
            devices.len()
        );
        return Err(Problem::invalid(detail, json!(rows)));
    }
    answer.added.ok_or_else(unreadable)
}

/// Changes some fields of a device.
pub(crate) async fn change(bus: &Bus, id: &str, params: Value) -> Result<Device, Problem> {
    let answer = ask(bus, "devices/change", json!({ "id": id, "params": params })).await?;
    let answer = answer.found("device", id)?;
    match (answer.errors, answer.device) {
        (Some(rows), _) => Err(invalid("device", rows)),
        (None, Some(device)) => Ok(device),
        (None, None) => Err(unreadable()),
    }
}

/// Removes a device.
pub(crate) async fn remove(bus: &Bus, id: &str) -> Result<(), Problem> {
    let answer = ask(bus, "devices/remove", json!({ "id": id })).await?;
    answer.removed("device", id)
}

/// Gives a device a new secret.
pub(crate) async fn renew_secret(bus: &Bus, id: &str) -> Result<Added, Problem> {
    let answer = ask(bus, "devices/secret", json!({ "id": id })).await?;
    let answer = answer.found("device", id)?;
    if let Some(rows) = answer.errors {
        return Err(invalid("device", rows));
    }
    Ok(Added {
        id: id.to_owned(),
        secret: Some(answer.secret()?),
    })
}
