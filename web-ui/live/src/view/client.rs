//! What a joined client says: events, new addresses, components that it removes; and what it is answered.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::join::ADDRESS_BYTES;
use super::running::{Part, Running};
use super::turn::{Crash, Turn};
use super::upload::ClientEntry;
use crate::form;
use crate::render::Cid;

/// Beginning of the names that are the engine's own.
const RESERVED: &str = "lv:";

/// An event of an element or a hook.
#[derive(Debug, Deserialize)]
struct ClientEvent {
    /// What happened: `click`, `keydown`, `form`, `hook`, …; nothing if a script has executed commands.
    #[serde(rename = "type", default)]
    kind: Option<String>,
    event: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    cid: Option<u32>,
    #[serde(default)]
    meta: Map<String, Value>,
    /// The files chosen, by upload. Only with a change of a form.
    #[serde(default)]
    uploads: HashMap<String, Vec<ClientEntry>>,
}

#[derive(Debug, Deserialize)]
struct ClientAllow {
    #[serde(rename = "ref")]
    reference: String,
    entries: Vec<ClientEntry>,
}

#[derive(Debug, Deserialize)]
struct ClientProgress {
    #[serde(rename = "ref")]
    reference: String,
    entry_ref: String,
    progress: Value,
}

#[derive(Debug, Deserialize)]
struct ClientPatch {
    url: String,
}

#[derive(Debug, Deserialize)]
struct ClientCids {
    #[serde(default)]
    cids: Vec<u32>,
}

/// What a client is told in answer to what it says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) turn: Turn,
    /// What is said besides the turn's own; instead of it if there is no diff.
    pub(crate) extra: Map<String, Value>,
}

impl Answer {
    /// The whole response.
    pub(crate) fn response(&self) -> String {
        if self.extra.is_empty() {
            return self.turn.response();
        }
        let mut text = serde_json::to_string(&self.extra).unwrap_or_else(|_| "{}".to_owned());
        if let Some(diff) = &self.turn.diff {
            text.pop();
            text.push_str(",\"diff\":");
            text.push_str(diff);
            text.push('}');
        }
        text
    }
}

impl From<Turn> for Answer {
    fn from(turn: Turn) -> Self {
        let extra = Map::new();
        Self { turn, extra }
    }
}

fn only(extra: Value) -> Answer {
    let extra = match extra {
        Value::Object(extra) => extra,
        _ => Map::new(),
    };
    let turn = Turn::default();
    Answer { turn, extra }
}

/// Why a client is not answered `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The client's: it is told so.
    Client(String),
    /// The program's: the view ends.
    Crash(Crash),
}

impl From<Crash> for Mistake {
    fn from(crash: Crash) -> Self {
        Self::Crash(crash)
    }
}

impl From<serde_json::Error> for Mistake {
    fn from(error: serde_json::Error) -> Self {
        Self::Client(error.to_string())
    }
}

impl From<form::FormError> for Mistake {
    fn from(error: form::FormError) -> Self {
        Self::Client(error.to_string())
    }
}

/// Takes what a client says.
pub(crate) fn take(running: &mut Running, event: &str, payload: Value) -> Result<Answer, Mistake> {
    match event {
        "event" => on_event(running, serde_json::from_value(payload)?),
        "live_patch" => {
            let patch: ClientPatch = serde_json::from_value(payload)?;
            if patch.url.len() <= ADDRESS_BYTES && running.handle_patch(&patch.url) {
                Ok(running.settle(Part::Whole)?.into())
            } else {
                Ok(only(json!({ "link_redirect": true })))
            }
        }
        "cids_will_destroy" => {
            running.will_destroy(&cids(payload)?);
            Ok(Turn::default().into())
        }
        "cids_destroyed" => {
            let gone = running.destroyed(&cids(payload)?);
            let gone: Vec<u32> = gone.into_iter().map(|cid| cid.0).collect();
            Ok(only(json!({ "cids": gone })))
        }
        "allow_upload" => on_allow(running, serde_json::from_value(payload)?),
        "progress" => {
            let said: ClientProgress = serde_json::from_value(payload)?;
            running.handle_progress(&said.reference, &said.entry_ref, &said.progress);
            Ok(running.settle(Part::Whole)?.into())
        }
        _ => Err(Mistake::Client(format!("a view does not know what {event} is"))),
    }
}

fn cids(payload: Value) -> Result<Vec<Cid>, Mistake> {
    let said: ClientCids = serde_json::from_value(payload)?;
    Ok(said.cids.into_iter().map(Cid).collect())
}

fn on_event(running: &mut Running, said: ClientEvent) -> Result<Answer, Mistake> {
    if said.event == "lv:clear-flash" {
        let kind = said.value.get("key").and_then(Value::as_str).map(str::to_owned);
        running.context.clear_flash(kind.as_deref());
        return Ok(running.settle(Part::Nothing)?.into());
    }
    if said.event.starts_with(RESERVED) {
        return Err(Mistake::Client(format!("{} is no event of a page", said.event)));
    }
    for (reference, entries) in said.uploads {
        if let Some(upload) = running.context.upload_of(&reference) {
            upload.choose(entries);
        }
    }
    let value = match (said.kind.as_deref(), said.value) {
        (Some("form"), Value::String(fields)) => match form::event(&fields, Some(&said.meta)) {
            Err(error) if error.is_limit() => return too_large(running, &said.event, error),
            form => form?.into(),
        },
        (_, value) => value,
    };
    let part = running.handle_event(&said.event, &value, said.cid.map(Cid));
    Ok(running.settle(part)?.into())
}

/// A form that a person has filled in, and is too large. Nothing happens, and they are told so. An error would leave
/// the form locked, and a page that joins again waiting for it; a view that ends would be sent the same form again.
fn too_large(running: &mut Running, event: &str, error: form::FormError) -> Result<Answer, Mistake> {
    tracing::warn!(event, %error, "a form is too large for its event");
    running.context.put_flash("error", error.to_string());
    Ok(running.settle(Part::Nothing)?.into())
}

fn on_allow(running: &mut Running, said: ClientAllow) -> Result<Answer, Mistake> {
    let table = running.context.site.uploads().clone();
    let Some(upload) = running.context.upload_of(&said.reference) else {
        return Err(Mistake::Client("the page takes no such upload".to_owned()));
    };
    let extra = upload.allow(said.entries, &table);
    let turn = running.settle(Part::Whole)?;
    Ok(Answer { turn, extra })
}
