//! Commands as the web side asks for them: sent to a point, taken back, by the task that follows all of them.

use std::time::Duration;

use axum::http::StatusCode;
use roost_model::{Command, CommandState, Topic};
use roost_runtime::{Bus, RequestError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;

/// How long the task of the commands may take to write one down.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// Sends a command to a point; `request` is the body of a request to set it. A command that was refused at once is an
/// answer like any other.
pub(crate) async fn send(bus: &Bus, device: &str, point: &str, request: Value) -> Result<Command, Problem> {
    ask(bus, &format!("devices/{device}/points/{point}/set"), request).await
}

/// Takes back a command that was not sent yet.
pub(crate) async fn cancel(bus: &Bus, id: &str) -> Result<Command, Problem> {
    let command = ask(bus, "$roost/commands/cancel", json!({ "id": id })).await?;
    if command.state == CommandState::Cancelled {
        Ok(command)
    } else {
        Err(Problem::too_late(command))
    }
}

/// Asks the task that follows commands.
async fn ask(bus: &Bus, topic: &str, body: Value) -> Result<Command, Problem> {
    let topic = Topic::new(topic).map_err(|error| Problem::bad_request(error.to_string()))?;
    let answer = bus
        .request(topic, body.to_string().into(), TAKEN_WITHIN)
        .await
        .map_err(|error| Problem::unanswered(error, "the task that follows commands"))?;
    taken(&answer)
}

/// What was made of the request: a command, or the reason why it is none.
fn taken(answer: &[u8]) -> Result<Command, Problem> {
    #[derive(Deserialize)]
    struct Rejected {
        error: String,
        #[serde(default)]
        not_running: bool,
        #[serde(default)]
        not_found: bool,
        #[serde(default)]
        too_many: bool,
    }
    if let Ok(rejected) = serde_json::from_slice::<Rejected>(answer) {
        return Err(match rejected {
            Rejected {
                not_running: true, ..
            } => Problem::unanswered(RequestError::NoTaker, "the device"),
            Rejected {
                error,
                not_found: true,
                ..
            } => Problem::new(StatusCode::NOT_FOUND, error),
            Rejected {
                error,
                too_many: true,
                ..
            } => Problem::new(StatusCode::CONFLICT, error),
            Rejected { error, .. } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error),
        });
    }
    serde_json::from_slice(answer).map_err(|error| {
        tracing::error!(%error, "the answer to a command can't be read");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the task that follows commands gave an answer that makes no sense: the gateway's log says more",
        )
    })
}
