//! Requests to the desks of the program: recordings, profiles, onboarding. They answer on the bus, as the registrar
//! does.

use std::time::Duration;

use axum::http::StatusCode;
use roost_model::Topic;
use roost_runtime::Bus;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// How long a desk may take. Saving a profile that ten thousand devices speak hands all of them over.
const DEADLINE: Duration = Duration::from_secs(50);

/// A desk of the program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Desk {
    Recordings,
    Profiles,
    Onboarding,
}

impl Desk {
    fn topic(self, what: &str) -> String {
        let desk = match self {
            Self::Recordings => "recordings",
            Self::Profiles => "profiles",
            Self::Onboarding => "onboarding",
        };
        format!("$roost/{desk}/{what}")
    }

    fn whom(self) -> &'static str {
        match self {
            Self::Recordings => "the flight recorder",
            Self::Profiles => "whoever keeps the profiles",
            Self::Onboarding => "whoever takes in new devices",
        }
    }

    /// Asks for something. What a desk can't do is a problem; what it finds wrong with the request is in its answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        self,
        bus: &Bus,
        what: &str,
        body: Value,
    ) -> Result<T, Problem> {
        let topic = Topic::new(self.topic(what)).map_err(|error| Problem::bad_request(error.to_string()))?;
        let answer = bus
            .request(topic, body.to_string().into(), DEADLINE)
            .await
            .map_err(|error| Problem::unanswered(error, self.whom()))?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error));
        }
        serde_json::from_value(answer).map_err(|error| {
            tracing::error!(%error, what, "the answer of a desk can't be read");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the answer makes no sense: the gateway's log says more",
            )
        })
    }
}
