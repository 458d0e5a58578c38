//! Problems: every error of the API as RFC 9457 `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roost_runtime::RequestError;
use roost_store::StoreError;
use serde::Serialize;
use serde_json::Value;
use tracing::{error, warn};
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, to what, and what to do next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `about:blank` where the status says it all.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(value_type = String, example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(value_type = u16, example = 404)]
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    /// What happened, to what, and what to do next.
    detail: String,
    /// With 422, the messages for each field: `{"field": ["message"]}`; for a batch a list of rows with their
    /// `index`, `id` and `fields`.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Value>,
    /// With 409, the command that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::api::schemas::Command>)]
    command: Option<Box<roost_model::Command>>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            errors: None,
            command: None,
        }
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no {what} {id:?} on this gateway"),
        )
    }

    /// What was sent can't be taken.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Nobody has proven who they are.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "send the access token as `Authorization: Bearer <token>`",
        )
    }

    /// Fields are wrong.
    pub(crate) fn invalid(detail: impl Into<String>, errors: Value) -> Self {
        Self {
            kind: "urn:roost:problem:invalid",
            errors: Some(errors),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// A command was not carried out.
    pub(crate) fn refused(command: roost_model::Command, reason: &str) -> Self {
        Self {
            kind: "urn:roost:problem:command-refused",
            ..Self::new(
                StatusCode::CONFLICT,
                format!(
                    "{} of {} was not commanded: {reason}",
                    command.point, command.device
                ),
            )
        }
        .with_command(command)
    }

    /// A command that was to be taken back was sent before.
    pub(crate) fn too_late(command: roost_model::Command) -> Self {
        let state = command.state.word();
        Self {
            kind: "urn:roost:problem:command-sent",
            ..Self::new(
                StatusCode::CONFLICT,
                format!("only a queued command can be taken back, this one is {state}"),
            )
        }
        .with_command(command)
    }

    fn with_command(mut self, command: roost_model::Command) -> Self {
        self.command = Some(Box::new(command));
        self
    }

    /// A request on the bus was not answered by `whom`.
    pub(crate) fn unanswered(error: RequestError, whom: &str) -> Self {
        let (status, next) = match error {
            RequestError::NoTaker => (
                StatusCode::SERVICE_UNAVAILABLE,
                "is not running: look at its state on the system page and try again",
            ),
            RequestError::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "has too much to do: try again in a few seconds",
            ),
            RequestError::Dropped => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ended before it answered: read the present state, then try again",
            ),
            RequestError::Timeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "did not answer in time and may still do it: read the present state before trying again",
            ),
        };
        warn!(%error, whom, "a request on the bus was not answered");
        Self::new(status, format!("{whom} {next}"))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<StoreError> for Problem {
    /// The cause goes to the log: it names files and keys.
    fn from(error: StoreError) -> Self {
        error!(%error, "the store failed a request");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store can't be read now: the gateway's log says why",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let media_type = HeaderValue::from_static(PROBLEM_JSON);
        let mut response = (self.status, [(header::CONTENT_TYPE, media_type)], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"roost\""),
            );
        }
        response
    }
}
