//! A client joins a view: who it says it is, where it says it is, and what it is answered.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::container::attributes;
use super::context::Context;
use super::handle::Inbox;
use super::refusal::Refusal;
use super::running::{Opening, Running};
use super::token::{StaticToken, ViewToken};
use super::turn::{Crash, Halt, History, redirect};
use crate::flash::Flash;
use crate::params::Params;
use crate::routes::Found;
use crate::session::Session;
use crate::sign::Purpose;
use crate::site::Site;

/// Version of the client that this server speaks with.
pub const LIVEVIEW_VERSION: &str = "1.2.12";

/// Most assets of a page that are remembered.
pub const ASSETS: usize = 32;
/// Most bytes of the address of an asset; one with more is not remembered.
pub const ASSET_BYTES: usize = 256;
/// Most bytes of a page's address.
pub const ADDRESS_BYTES: usize = 4096;
/// Most bytes of the application's own parameters of a join, as JSON. Of more none is kept.
pub const CONNECT_BYTES: usize = 4096;

/// What a join says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct JoinPayload {
    #[serde(default)]
    url: Option<String>,
    /// Instead of `url`: another view comes into this element.
    #[serde(default)]
    redirect: Option<String>,
    #[serde(default)]
    params: JoinParams,
    #[serde(default)]
    session: Option<String>,
    #[serde(default, rename = "static")]
    fixed: Option<String>,
    #[serde(default)]
    flash: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct JoinParams {
    /// How often this view has joined before.
    #[serde(default, rename = "_mounts")]
    mounts: u64,
    /// Assets that the page was loaded with.
    #[serde(default, rename = "_track_static")]
    assets: Vec<String>,
    /// What the page's own script says, and what else the client does: its names begin with an underscore.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A view that was joined.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) running: Running,
    /// What the join is answered.
    pub(crate) response: String,
}

/// Why a view was not joined.
#[derive(Debug, PartialEq)]
pub(crate) enum NotJoined {
    /// What the join is answered.
    Refused(Value),
    Crashed(Crash),
}

fn reason(reason: &str) -> NotJoined {
    NotJoined::Refused(json!({ "reason": reason }))
}

/// Where a join leads.
struct Place {
    found: Found,
    address: String,
    routed: bool,
    /// Whether another view comes into the element.
    moved: bool,
}

/// Joins the view of the topic `lv:<id>`. `session` is that of the connection of this number; without one
/// nobody joins.
pub(crate) fn join(
    site: &Site,
    id: &str,
    payload: JoinPayload,
    session: Option<&Session>,
    connection: u64,
    inbox: Inbox,
) -> Result<Joined, NotJoined> {
    let session = session.ok_or_else(|| reason("stale"))?;
    let token = payload.session.as_deref().unwrap_or_default();
    let token = ViewToken::verify(token, id, site.key()).ok_or_else(|| reason("stale"))?;
    let shown = match payload.fixed.as_deref() {
        None | Some("") => None,
        Some(fixed) => Some(StaticToken::verify(fixed, id, site.key()).ok_or_else(|| reason("stale"))?),
    };
    let place = place(site, &token, &payload).ok_or_else(|| reason("unauthorized"))?;
    let mut context = Context::new(site.clone(), id, &place.address, Some(inbox));
    context.connection = connection;
    context.assets = tracked(payload.params.assets);
    context.connect_params = own(payload.params.rest, place.found.kind.name);
    context.flash = match (&payload.flash, shown) {
        (Some(token), _) => Flash::from_token(token, site.key()),
        (None, Some(shown)) if payload.params.mounts == 0 && !place.moved => shown,
        _ => Flash::default(),
    };
    let session = session.with(&token.values);
    let opening = Opening {
        kind: place.found.kind,
        group: place.found.group,
        routed: place.routed,
        depth: token.depth,
        params: place.found.params,
        session: &session,
    };
    let (mut running, patched) = Running::open(opening, context).map_err(|halt| refused(site, halt))?;
    let response = response(&mut running, place.moved, patched.as_ref());
    Ok(Joined { running, response })
}

fn tracked(mut assets: Vec<String>) -> Box<[String]> {
    assets.retain(|asset| asset.len() <= ASSET_BYTES);
    assets.truncate(ASSETS);
    assets.into()
}

/// The application's own parameters.
fn own(mut said: Map<String, Value>, view: &str) -> Params {
    said.retain(|name, _| !name.starts_with('_'));
    let bytes = serde_json::to_vec(&said).map_or(0, |json| json.len());
    if bytes > CONNECT_BYTES {
        tracing::warn!(
            view,
            bytes,
            CONNECT_BYTES,
            "the parameters of a join are too long, and are left out"
        );
        return Params::default();
    }
    said.into()
}

/// Where a join leads: its address must be one of the group of its token, and without a move one of the same view.
fn place(site: &Site, token: &ViewToken, payload: &JoinPayload) -> Option<Place> {
    let table = site.table();
    let group = table.group_named(&token.group)?;
    if token.nested {
        let (kind, params) = (table.kind_named(&token.view)?, Params::default());
        return Some(Place {
            found: Found { group, kind, params },
            address: String::new(),
            routed: false,
            moved: false,
        });
    }
    let moved = payload.redirect.is_some();
    let url = payload.redirect.as_deref().or(payload.url.as_deref())?;
    if url.len() > ADDRESS_BYTES {
        return None;
    }
    let address = crate::routes::local(url).to_owned();
    let found = table.find(&address)?;
    let allowed = found.group == group && (moved || found.kind.name == token.view);
    let routed = true;
    allowed.then_some(Place {
        found,
        address,
        routed,
        moved,
    })
}

fn response(running: &mut Running, moved: bool, patched: Option<&History>) -> String {
    let mut response = json!({ "liveview_version": LIVEVIEW_VERSION });
    if moved {
        let container = (running.kind().container)();
        response["container"] = json!([container.tag, attributes(container)]);
    }
    if let Some(patched) = patched {
        response["live_patch"] = patched.json();
    }
    let mut response = response.to_string();
    response.pop();
    response.push_str(",\"rendered\":");
    response.push_str(&running.full());
    response.push('}');
    response
}

fn refused(site: &Site, halt: Halt) -> NotJoined {
    let (refusal, left) = match halt {
        Halt::Crashed(crash) => return NotJoined::Crashed(crash),
        Halt::Refused(refusal, left) => (refusal, left),
    };
    let flash = left.flash.to_token(site.key());
    let with_flash = |mut said: Value| {
        if let Some(token) = flash {
            said["flash"] = token.into();
        }
        said
    };
    let mut said = match refusal {
        Refusal::Stale => json!({ "reason": "stale" }),
        Refusal::Unauthorized => json!({ "reason": "unauthorized" }),
        Refusal::Status(status) => {
            let token = site.key().sign(Purpose::Reload, status.to_string().as_bytes());
            json!({ "reason": "reload", "status": status, "token": token })
        }
        Refusal::Redirect { to } => json!({ "redirect": with_flash(redirect(&to)) }),
        Refusal::Navigate { to, replace } => {
            json!({ "live_redirect": with_flash(History { to, replace }.json()) })
        }
    };
    if !left.events.is_empty() {
        said["events"] = left.events.into();
    }
    NotJoined::Refused(said)
}
