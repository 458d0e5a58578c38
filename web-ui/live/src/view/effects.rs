//! What a callback wants to be told to the browser besides the changed page.

use serde::Serialize;
use serde_json::{Value, json};

/// Most events that one callback may push.
pub const EVENTS: usize = 256;

/// Where a view wants the browser to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Go {
    /// Another address of the same view.
    Patch {
        /// Path and query.
        to: String,
        /// Whether the address is replaced instead of put on the history.
        replace: bool,
    },
    /// Another live view of the same group.
    Navigate {
        /// Path and query.
        to: String,
        /// Whether the address is replaced instead of put on the history.
        replace: bool,
    },
    /// Any page, by a page load.
    Redirect {
        /// A path, or the address of another site.
        to: String,
    },
}

/// An event for the page.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) name: String,
    pub(crate) payload: Value,
    /// Whether it is dispatched before the page is changed.
    pub(crate) before: bool,
}

impl Pushed {
    /// As the client reads it.
    fn json(self) -> Value {
        match self.before {
            true => json!([self.name, self.payload, true]),
            false => json!([self.name, self.payload]),
        }
    }
}

/// What has gathered since the last message to the browser.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) title: Option<String>,
    pub(crate) events: Vec<Pushed>,
    /// Messages of the protocol as they are: event and payload.
    pub(crate) raw: Vec<(String, String)>,
    pub(crate) reply: Option<Value>,
    pub(crate) go: Option<Go>,
}

impl Effects {
    /// Takes the events of a view that leaves its page: there is no page to send them with.
    pub(crate) fn last_events(&mut self) -> Vec<Value> {
        self.events.drain(..).map(Pushed::json).collect()
    }

    pub(crate) fn event(&mut self, name: &str, payload: impl Serialize, before: bool) {
        let Ok(payload) = serde_json::to_value(payload) else {
            tracing::error!(
                event = name,
                "an event's payload is no JSON: its maps need text as keys"
            );
            return;
        };
        if self.events.len() >= EVENTS {
            tracing::error!(
                event = name,
                limit = EVENTS,
                "a callback pushed too many events; this one is dropped"
            );
            return;
        }
        let name = name.to_owned();
        self.events.push(Pushed {
            name,
            payload,
            before,
        });
    }
}
