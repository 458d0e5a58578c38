//! Onboarding as the web side sees it: clients that no record knows, and what is decided about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::desks::Desk;
use crate::problem::Problem;
use crate::site::Site;

/// The profile that a client seems to speak.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Guess {
    /// The profile.
    pub(crate) profile: String,
    /// The name that the client has in its topics.
    pub(crate) spoken_as: String,
    /// Why.
    pub(crate) reason: String,
}

/// A message of a client.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Sample {
    /// When it was received, in milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    pub(crate) topic: String,
    pub(crate) payload: String,
}

/// A client that no record knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Discovered {
    /// Its name in requests.
    pub(crate) client: String,
    /// Its client identifier, as it gave it.
    pub(crate) client_id: String,
    /// Where it connected from.
    pub(crate) address: String,
    /// Whether it is connected.
    pub(crate) connected: bool,
    /// Since when it is known, in milliseconds since the Unix epoch.
    pub(crate) since_ms: i64,
    /// When it was last heard, in milliseconds since the Unix epoch.
    pub(crate) heard_ms: i64,
    /// Messages that wait for its acceptance.
    pub(crate) messages: usize,
    /// Older messages that had to make room.
    pub(crate) lost: u64,
    /// The profile that it seems to speak.
    pub(crate) guess: Option<Guess>,
    /// The device that it was accepted as, if it still comes with the onboarding secret.
    pub(crate) accepted_as: Option<String>,
    /// What it said, oldest first; with a single client only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sample: Vec<Sample>,
    /// Profiles that it may be given; with a single client only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) profiles: Vec<String>,
}

/// Onboarding as it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Onboarding {
    /// Whether unknown clients are let in.
    pub(crate) enabled: bool,
    /// The user name that they present.
    pub(crate) user: String,
    /// The secret that they present; `null` while onboarding is off.
    pub(crate) secret: Option<String>,
    /// Those that wait, the one heard last first.
    pub(crate) clients: Vec<Discovered>,
    /// Those that are ignored.
    pub(crate) ignored: Vec<String>,
}

/// What a client becomes.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// Id of the device.
    pub(crate) id: String,
    /// What people call it.
    #[serde(default)]
    pub(crate) label: String,
    /// The profile that it speaks.
    pub(crate) profile: String,
    /// Lets it go on with the onboarding secret, for firmware whose settings can't be changed. Less safe: whoever has
    /// that secret and gives itself the same client identifier is taken for the device.
    #[serde(default)]
    pub(crate) keep: bool,
}

/// The device that a client became.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accepted {
    /// Its id, which is its user name too.
    pub(crate) id: String,
    /// Its secret, shown this once; `null` if it goes on with the onboarding secret.
    pub(crate) secret: Option<String>,
    /// The name that it has had in its topics.
    pub(crate) spoken_as: String,
    /// Messages from before that its task takes in.
    pub(crate) messages: usize,
}

/// What is wrong with an acceptance, by field.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    not_found: bool,
    errors: Option<FieldErrors>,
}

async fn ask(site: &Site, what: &str, client: &str, mut body: Value) -> Result<Value, Problem> {
    body["client"] = json!(client);
    let answer: Value = Desk::Onboarding.ask(&site.web.bus, what, body).await?;
    match Answer::deserialize(&answer) {
        Ok(Answer { not_found: true, .. }) => Err(Problem::not_found("discovered client", client)),
        _ => Ok(answer),
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Problem> {
    serde_json::from_value(answer).map_err(|error| {
        tracing::error!(%error, "the answer about onboarding can't be read");
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "the answer makes no sense: the gateway's log says more",
        )
    })
}

/// Onboarding as it stands.
pub(crate) async fn list(site: &Site) -> Result<Onboarding, Problem> {
    read(ask(site, "list", "", json!({})).await?)
}

/// One client, with what it said.
pub(crate) async fn get(site: &Site, client: &str) -> Result<Discovered, Problem> {
    read(ask(site, "get", client, json!({})).await?)
}

/// Makes a device of a client.
pub(crate) async fn accept(
    site: &Site,
    client: &str,
    acceptance: &Acceptance,
) -> Result<Result<Accepted, FieldErrors>, Problem> {
    let answer = ask(site, "accept", client, json!(acceptance)).await;
    site.changed().await;
    let answer = answer?;
    match Answer::deserialize(&answer).unwrap_or_default().errors {
        Some(errors) => Ok(Err(errors)),
        None => read(answer).map(Ok),
    }
}

/// Ignores a client from now on.
pub(crate) async fn ignore(site: &Site, client: &str) -> Result<(), Problem> {
    ask(site, "ignore", client, json!({})).await.map(drop)
}

/// Takes back what was decided about a client.
pub(crate) async fn undo(site: &Site, client: &str) -> Result<(), Problem> {
    ask(site, "undo", client, json!({})).await.map(drop)
}

/// Makes a new onboarding secret (`renew`) or switches onboarding off (`off`).
pub(crate) async fn credential(site: &Site, action: &str) -> Result<Onboarding, Problem> {
    read(ask(site, "credential", "", json!({ "action": action })).await?)
}
