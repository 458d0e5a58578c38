//! Onboarding in the API: clients that no record knows, and the secret that lets them in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use super::Answer;
use super::input::{Body, Path};
use crate::onboarding::{self, Acceptance, Accepted, Discovered, Onboarding};
use crate::problem::Problem;
use crate::site::Site;

/// Says how unknown clients are let in, and which of them wait.
#[utoipa::path(get, path = "/onboarding", tag = "onboarding",
    responses((status = 200, description = "Onboarding as it stands", body = Onboarding)))]
pub(crate) async fn list(State(site): State<Arc<Site>>) -> Answer {
    Ok(Json(onboarding::list(&site).await?).into_response())
}

/// Makes a new onboarding secret, and switches onboarding on if it was off.
#[utoipa::path(post, path = "/onboarding/secret", tag = "onboarding",
    responses((status = 200, description = "With the new secret", body = Onboarding)))]
pub(crate) async fn renew(State(site): State<Arc<Site>>) -> Answer {
    Ok(Json(onboarding::credential(&site, "renew").await?).into_response())
}

/// Switches onboarding off: no unknown client is let in until a new secret is made.
#[utoipa::path(delete, path = "/onboarding/secret", tag = "onboarding",
    responses((status = 200, description = "Without a secret", body = Onboarding)))]
pub(crate) async fn switch_off(State(site): State<Arc<Site>>) -> Answer {
    Ok(Json(onboarding::credential(&site, "off").await?).into_response())
}

/// Gives one client with what it said.
#[utoipa::path(get, path = "/onboarding/clients/{client}", tag = "onboarding",
    params(("client" = String, Path, description = "The client's name")),
    responses((status = 200, description = "The client", body = Discovered),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(client): Path<String>) -> Answer {
    Ok(Json(onboarding::get(&site, &client).await?).into_response())
}

/// Makes a device of a client. What it said so far becomes readings, with the times of its receipt.
#[utoipa::path(post, path = "/onboarding/clients/{client}/accept", tag = "onboarding", request_body = Acceptance,
    params(("client" = String, Path, description = "The client's name")),
    responses((status = 201, description = "The device", body = Accepted),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn accept(
    State(site): State<Arc<Site>>,
    Path(client): Path<String>,
    Body(acceptance): Body<Acceptance>,
) -> Answer {
    match onboarding::accept(&site, &client, &acceptance).await? {
        Ok(accepted) => Ok((StatusCode::CREATED, Json(accepted)).into_response()),
        Err(errors) => Err(Problem::invalid("the client was not accepted", json!(errors))),
    }
}

/// Ignores a client from now on.
#[utoipa::path(post, path = "/onboarding/clients/{client}/ignore", tag = "onboarding",
    params(("client" = String, Path, description = "The client's name")),
    responses((status = 204, description = "Ignored"),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn ignore(State(site): State<Arc<Site>>, Path(client): Path<String>) -> Answer {
    onboarding::ignore(&site, &client).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes back what was decided about a client: it is shown again when it is next heard.
#[utoipa::path(post, path = "/onboarding/clients/{client}/undo", tag = "onboarding",
    params(("client" = String, Path, description = "The client's name")),
    responses((status = 204, description = "Unknown again"),
        (status = 404, description = "Nothing was decided about it", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn undo(State(site): State<Arc<Site>>, Path(client): Path<String>) -> Answer {
    onboarding::undo(&site, &client).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
