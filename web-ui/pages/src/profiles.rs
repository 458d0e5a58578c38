//! Profiles as the web side sees them: read, tried and edited at the desk that keeps them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::desks::Desk;
use crate::problem::Problem;
use crate::site::Site;

/// One thing that is wrong with a profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProfileFault {
    /// The line, counted from 1; `null` if it is about the whole.
    pub(crate) line: Option<usize>,
    /// The field, such as `points[3].topic`.
    pub(crate) field: String,
    /// What is wrong, phrased to follow the field.
    pub(crate) message: String,
}

/// A profile with where it comes from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProfileSource {
    /// Its id.
    pub(crate) id: String,
    /// `built_in`, `file`, or `overridden`: a file in the place of a built-in one.
    pub(crate) origin: String,
    /// What is wrong with its file; while something is, the version before stays in use.
    pub(crate) faults: Vec<ProfileFault>,
}

/// A profile to be edited.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProfileText {
    pub(crate) not_found: bool,
    pub(crate) text: String,
    pub(crate) origin: String,
    pub(crate) faults: Vec<ProfileFault>,
    /// When each previous version was replaced, in milliseconds since the Unix epoch, the last first.
    pub(crate) versions: Vec<i64>,
}

/// A recorded message with what two profiles make of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct TrialFrame {
    /// When it was received, in milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    pub(crate) topic: String,
    pub(crate) payload: String,
    /// Whether only the beginning of the payload was kept.
    pub(crate) cut: bool,
    /// What the profile that is in use makes of it.
    pub(crate) before: Vec<String>,
    /// What the tried one makes of it.
    pub(crate) after: Vec<String>,
}

/// What came of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    faults: Vec<ProfileFault>,
    not_found: bool,
    in_use: Option<usize>,
    frames: Vec<TrialFrame>,
    items: Vec<ProfileSource>,
}

async fn ask(site: &Site, what: &str, body: Value) -> Result<Answer, Problem> {
    Desk::Profiles.ask(&site.web.bus, what, body).await
}

/// Where every profile comes from.
pub(crate) async fn list(site: &Site) -> Result<Vec<ProfileSource>, Problem> {
    Ok(ask(site, "list", json!({})).await?.items)
}

/// The text of a profile.
pub(crate) async fn get(site: &Site, id: &str) -> Result<ProfileText, Problem> {
    Desk::Profiles
        .ask(&site.web.bus, "get", json!({ "id": id }))
        .await
}

/// Saves a profile, unless something is wrong with it.
pub(crate) async fn save(site: &Site, id: &str, text: &str) -> Result<Vec<ProfileFault>, Problem> {
    Ok(ask(site, "put", json!({ "id": id, "text": text })).await?.faults)
}

/// Removes a profile's file.
pub(crate) async fn remove(site: &Site, id: &str) -> Result<(), Problem> {
    let answer = ask(site, "delete", json!({ "id": id })).await?;
    match answer.in_use {
        Some(devices) => Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            format!("{devices} devices speak the profile {id}: remove them first, or let them speak another"),
        )),
        None if answer.not_found => Err(Problem::not_found("file of a profile", id)),
        None => Ok(()),
    }
}

/// Takes a previous version again.
pub(crate) async fn restore(site: &Site, id: &str, version: usize) -> Result<Vec<ProfileFault>, Problem> {
    let answer = ask(site, "restore", json!({ "id": id, "version": version })).await?;
    if answer.not_found {
        return Err(Problem::not_found("previous version of the profile", id));
    }
    Ok(answer.faults)
}

/// Tries a text on what a device last said.
pub(crate) async fn try_on(
    site: &Site,
    id: &str,
    text: &str,
    device: &str,
) -> Result<Result<Vec<TrialFrame>, Vec<ProfileFault>>, Problem> {
    let answer = ask(site, "try", json!({ "id": id, "text": text, "device": device })).await?;
    if answer.faults.is_empty() {
        Ok(Ok(answer.frames))
    } else {
        Ok(Err(answer.faults))
    }
}
