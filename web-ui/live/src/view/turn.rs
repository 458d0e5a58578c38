//! What a view has to tell its client after a callback, and how a view can end.

use serde_json::{Value, json};
use thiserror::Error;

use super::refusal::Refusal;
use crate::flash::Flash;
use crate::render::url;

/// A change of the client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) to: String,
    pub(crate) replace: bool,
}

impl History {
    /// As the client reads it.
    pub(crate) fn json(&self) -> Value {
        json!({"kind": if self.replace { "replace" } else { "push" }, "to": url::checked("href", &self.to)})
    }
}

/// A page load elsewhere, as the client reads it: it sets the browser's address, which runs scripts as a link does.
pub(crate) fn redirect(to: &str) -> Value {
    json!({"to": url::checked("href", to)})
}

/// What a view has to tell its client.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Turn {
    /// Messages that come first: event and payload.
    pub(crate) pushes: Vec<(String, String)>,
    /// What has changed on the page.
    pub(crate) diff: Option<String>,
    /// Where the client is to go: `redirect` or `live_redirect`, and what that says. The view ends.
    pub(crate) leave: Option<(&'static str, Value)>,
}

impl Turn {
    /// What an event of the client is answered.
    pub(crate) fn response(&self) -> String {
        match (&self.leave, &self.diff) {
            (Some((name, said)), _) => json!({ *name: said }).to_string(),
            (None, Some(diff)) => format!("{{\"diff\":{diff}}}"),
            (None, None) => "{}".to_owned(),
        }
    }
}

/// A mistake of the program: the view ends, and its client joins anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Crash(pub(crate) String);

/// Why a view did not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    Refused(Refusal, Farewell),
    Crashed(Crash),
}

/// What a view that did not begin leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Farewell {
    /// What the next page is to tell its reader.
    pub(crate) flash: Flash,
    /// Events for the page that is left, as `[name, payload]`.
    pub(crate) events: Vec<Value>,
}

impl From<Crash> for Halt {
    fn from(crash: Crash) -> Self {
        Self::Crashed(crash)
    }
}
