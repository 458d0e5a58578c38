//! Recordings as the web side sees them: asked for, and taken apart for the page.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::desks::Desk;
use crate::problem::Problem;
use crate::site::Site;

/// What the codec made of a message, in numbers.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) samples: usize,
    #[serde(default)]
    pub(crate) acks: usize,
    #[serde(default)]
    pub(crate) faults: usize,
}

/// An entry of a recording.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at_ms: i64,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) hex: Option<String>,
    /// True length of a payload that was cut.
    #[serde(default)]
    pub(crate) length: Option<u64>,
    #[serde(default)]
    pub(crate) outcome: Option<Outcome>,
}

/// The file of a device's recording.
pub(crate) async fn file(site: &Site, id: &str) -> Result<String, Problem> {
    let answer: Value = Desk::Recordings
        .ask(&site.web.bus, "export", json!({ "id": id }))
        .await?;
    match answer.get("text").and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Problem::not_found("device", id)),
    }
}

/// The entries of a recording's file, oldest first, and how many older ones are gone.
pub(crate) fn entries(file: &str) -> (Vec<Entry>, u64) {
    let mut lines = file.lines();
    let header: Value = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default();
    let entries = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    (entries, header.get("lost").and_then(Value::as_u64).unwrap_or(0))
}
