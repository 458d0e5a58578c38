//! Profiles in the API: their texts, read, tried and changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Answer;
use super::input::{Body, Path, check_id};
use crate::problem::Problem;
use crate::profiles::{self, ProfileFault, ProfileSource, TrialFrame};
use crate::site::Site;

/// Media type of TOML (TOML 1.0, "MIME Type").
const TOML: &str = "application/toml";

fn wrong(id: &str, faults: &[ProfileFault]) -> Problem {
    Problem::invalid(
        format!(
            "the profile {id} was not taken: {} things are wrong with it",
            faults.len()
        ),
        json!(faults),
    )
}

/// Profiles with where they come from.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileSources {
    items: Vec<ProfileSource>,
}

/// Lists where each profile comes from, and what is wrong with files that can't be used.
#[utoipa::path(get, path = "/profiles/sources", tag = "profiles",
    responses((status = 200, description = "Profiles", body = ProfileSources)))]
pub(crate) async fn sources(State(site): State<Arc<Site>>) -> Answer {
    let items = profiles::list(&site).await?;
    Ok(Json(ProfileSources { items }).into_response())
}

/// Gives the text of a profile; of a broken file the broken text.
#[utoipa::path(get, path = "/profiles/{id}", tag = "profiles",
    params(("id" = String, Path, description = "The profile")),
    responses((status = 200, description = "The text", body = String, content_type = "application/toml"),
        (status = 404, description = "No such profile", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("profile", &id)?;
    let profile = profiles::get(&site, &id).await?;
    if profile.not_found {
        return Err(Problem::not_found("profile", &id));
    }
    Ok(([(header::CONTENT_TYPE, TOML)], profile.text).into_response())
}

/// Saves a profile: TOML, as in its file. Its devices speak by it at once. The version before is kept.
#[utoipa::path(put, path = "/profiles/{id}", tag = "profiles",
    params(("id" = String, Path, description = "The profile")),
    request_body(content = String, content_type = "application/toml"),
    responses((status = 204, description = "Saved and in use"),
        (status = 422, description = "Something is wrong with it: `errors` lists line, field and message",
            body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(State(site): State<Arc<Site>>, Path(id): Path<String>, text: String) -> Answer {
    check_id("profile", &id)?;
    let faults = profiles::save(&site, &id, &text).await?;
    if faults.is_empty() {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(wrong(&id, &faults))
    }
}

/// Removes the file of a profile. A built-in one of that name is then in use again.
#[utoipa::path(delete, path = "/profiles/{id}", tag = "profiles",
    params(("id" = String, Path, description = "The profile")),
    responses((status = 204, description = "The file is gone; its text is kept as a previous version"),
        (status = 404, description = "It has no file", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Devices speak it", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("profile", &id)?;
    profiles::remove(&site, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Which previous version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    /// 1 is the last one, 5 the oldest that is kept.
    #[schema(minimum = 1, maximum = 5)]
    version: usize,
}

/// Takes a previous version again. What is in use now becomes a previous version.
#[utoipa::path(post, path = "/profiles/{id}/restore", tag = "profiles", request_body = Restore,
    params(("id" = String, Path, description = "The profile")),
    responses((status = 204, description = "In use"),
        (status = 404, description = "No such version", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn restore(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Body(wanted): Body<Restore>,
) -> Answer {
    check_id("profile", &id)?;
    let faults = profiles::restore(&site, &id, wanted.version).await?;
    if faults.is_empty() {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(wrong(&id, &faults))
    }
}

/// A text to be tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// The profile, as TOML.
    text: String,
    /// The device whose last messages it is tried on.
    device: String,
}

/// What a text makes of a device's last messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tried {
    frames: Vec<TrialFrame>,
}

/// Tries a text on the last messages of a device. Nothing is saved.
#[utoipa::path(post, path = "/profiles/{id}/try", tag = "profiles", request_body = Trial,
    params(("id" = String, Path, description = "The profile")),
    responses((status = 200, description = "Each message with what is made of it", body = Tried),
        (status = 422, description = "Something is wrong with it", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn try_on(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Body(trial): Body<Trial>,
) -> Answer {
    check_id("profile", &id)?;
    check_id("device", &trial.device)?;
    match profiles::try_on(&site, &id, &trial.text, &trial.device).await? {
        Ok(frames) => Ok(Json(Tried { frames }).into_response()),
        Err(faults) => Err(wrong(&id, &faults)),
    }
}
