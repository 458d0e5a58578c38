//! What was decided about a client that no record knew: kept, so that it is not asked again after a restart.

use roost_store::{FieldErrors, Record};
use serde::{Deserialize, Serialize};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It is nothing of ours: not shown, and what it says is not kept.
    Ignored,
    /// It became a device with a secret of its own.
    Accepted,
    /// It became a device and goes on with the onboarding secret.
    Kept,
}

/// A client that was decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Acquaintance {
    /// Its name in quarantine.
    pub(super) id: String,
    /// What was decided.
    pub(super) verdict: Verdict,
    /// The device that it became; empty for one that is ignored.
    pub(super) device: String,
}

impl Record for Acquaintance {
    const TABLE: &'static str = "onboarding";
    // Nothing is set from outside: the desk makes these records.
    const FIELDS: &'static [&'static str] = &[];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        if self.id.is_empty() || self.id.contains('/') {
            errors.add("id", "is one level of a topic");
        }
    }
}
