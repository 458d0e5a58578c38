//! A view at work: its state, its context, and what its client has been told. Plain data: no task, no socket.

mod parts;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;

use roost_runtime::Message;
use serde_json::Value;

use super::context::Context;
use super::effects::Go;
use super::erased::{AnyView, ViewKind};
use super::handle::Letter;
use super::inboxes::MessageType;
use super::nest::Nest;
use super::refusal::Refusal;
use super::turn::{Crash, Farewell, Halt, History, Turn, redirect};
use crate::params::Params;
use crate::render::{Cid, Differ};
use crate::session::Session;
use told::Told;

/// Patches that may follow one another without the client asking for one, as in Phoenix. More are a loop.
pub const PATCHES: usize = 20;

/// Which view is to be opened, and where.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) kind: ViewKind,
    /// The place of its group in the table.
    pub(crate) group: usize,
    /// Whether it has a route, and so parameters.
    pub(crate) routed: bool,
    /// In how many views it stands.
    pub(crate) depth: u8,
    pub(crate) params: Params,
    pub(crate) session: &'a Session,
}

/// What part of the page may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Component(Cid),
    /// Nothing: only what goes along with the page.
    Nothing,
}

/// A view at work.
pub(crate) struct Running {
    view: Box<dyn AnyView>,
    kind: ViewKind,
    group: usize,
    routed: bool,
    pub(crate) context: Context,
    differ: Differ,
    /// Components that were told something since they were rendered.
    told: Told,
    /// Components that the client is about to remove, unless they are placed again meanwhile.
    doomed: BTreeSet<Cid>,
}

impl Running {
    /// Guards, mount, parameters; and with the last of the patches that the view asked for, where it is now.
    pub(crate) fn open(opening: Opening<'_>, mut context: Context) -> Result<(Self, Option<History>), Halt> {
        let site = context.site.clone();
        if context.nest.is_none() {
            let dead = (!context.connected).then(|| Arc::new(opening.session.clone()));
            context.nest = Some(Nest::new(site.clone(), opening.group, opening.depth, dead));
        }
        let guards = site
            .table()
            .group(opening.group)
            .map_or(&[][..], |group| &group.guards);
        let (params, session) = (&opening.params, opening.session);
        let mut passed = guards.iter().map(|guard| guard(params, session, &mut context));
        let view = match passed.find_map(Result::err) {
            Some(refusal) => Err(refusal),
            None => (opening.kind.mount)(params, session, &mut context),
        };
        let view = view.map_err(|refusal| Halt::Refused(refusal, farewell(&mut context)))?;
        let mut running = Self {
            view,
            kind: opening.kind,
            group: opening.group,
            routed: opening.routed,
            context,
            differ: Differ::new(),
            told: Told::default(),
            doomed: BTreeSet::new(),
        };
        if running.routed && running.context.effects.go.is_none() {
            running.view.handle_params(&opening.params, &mut running.context);
        }
        let mut patched = Vec::new();
        let refusal = match running.follow(&mut patched)? {
            None | Some(Go::Patch { .. }) => return Ok((running, patched.pop())),
            Some(Go::Navigate { to, replace }) => Refusal::Navigate { to, replace },
            Some(Go::Redirect { to }) => Refusal::Redirect { to },
        };
        Err(Halt::Refused(refusal, farewell(&mut running.context)))
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &ViewKind {
        &self.kind
    }

    /// The type of the messages that it takes.
    pub(crate) fn takes(&self) -> MessageType {
        self.view.takes()
    }

    /// Follows the patches that the view has asked for; `patched` gets each. Returns where else it wants to go.
    fn follow(&mut self, patched: &mut Vec<History>) -> Result<Option<Go>, Crash> {
        loop {
            match self.context.effects.go.take() {
                Some(Go::Patch { to, replace }) if patched.len() < PATCHES => {
                    let Some(params) = self.params_of(&to) else {
                        return Err(Crash(format!(
                            "{to} is no address of the view that patches itself to it"
                        )));
                    };
                    self.context.address = to.as_str().into();
                    patched.push(History { to, replace });
                    self.view.handle_params(&params, &mut self.context);
                }
                Some(Go::Patch { to, .. }) => {
                    return Err(Crash(format!(
                        "a loop: the view patched itself {PATCHES} times, last to {to}"
                    )));
                }
                go => return Ok(go),
            }
        }
    }

    /// The parameters of an address, if it is one of this view.
    fn params_of(&self, address: &str) -> Option<Params> {
        let found = self.context.site.table().find(address)?;
        let own = self.routed && found.kind.name == self.kind.name && found.group == self.group;
        own.then_some(found.params)
    }

    /// The client's address has changed. Returns whether it is one of this view.
    pub(crate) fn handle_patch(&mut self, address: &str) -> bool {
        let Some(params) = self.params_of(address) else {
            return false;
        };
        self.context.address = crate::routes::local(address).into();
        self.context.clear_flash(None);
        self.view.handle_params(&params, &mut self.context);
        true
    }

    /// An event for the view, or for one of its components. One that is gone hears nothing: the client did not know
    /// yet.
    pub(crate) fn handle_event(&mut self, event: &str, value: &Value, cid: Option<Cid>) -> Part {
        let Some(cid) = cid else {
            self.view.handle_event(event, value, &mut self.context);
            return Part::Whole;
        };
        if let Some(mut component) = self.component(cid) {
            component.handle_event(event, value, &mut self.context);
            self.put(cid, component);
            return Part::Component(cid);
        }
        Part::Nothing
    }

    /// A file of an upload got on, or failed.
    pub(crate) fn handle_progress(&mut self, upload: &str, entry: &str, progress: &Value) {
        let Some(upload) = self.context.upload_of(upload) else {
            return;
        };
        if upload.progress(entry, progress) {
            let name = upload.name().to_owned();
            self.view.handle_progress(&name, entry, &mut self.context);
        }
    }

    pub(crate) fn handle_letter(&mut self, letter: Letter) {
        self.context.touched = true;
        self.view.handle_letter(letter, &mut self.context);
    }

    /// The next message of the bus for this view, if one waits.
    pub(crate) fn heard(&mut self) -> Option<Arc<Message>> {
        self.context.listening.as_mut()?.take()
    }

    pub(crate) fn handle_published(&mut self, message: &Message) {
        self.context.touched = true;
        self.view.handle_published(message, &mut self.context);
    }

    /// What is to be told to the client after a callback: where it is to go, or what has changed.
    pub(crate) fn settle(&mut self, part: Part) -> Result<Turn, Crash> {
        let mut patched = Vec::new();
        let go = self.follow(&mut patched)?;
        let mut turn = Turn::default();
        for history in &patched {
            turn.pushes
                .push(("live_patch".to_owned(), history.json().to_string()));
        }
        turn.pushes.append(&mut self.context.effects.raw);
        if matches!(go, Some(Go::Navigate { .. } | Go::Redirect { .. })) {
            let events = self.context.effects.last_events();
            if !events.is_empty() {
                turn.pushes
                    .push(("diff".to_owned(), serde_json::json!({ "e": events }).to_string()));
            }
        }
        match go {
            Some(Go::Navigate { to, replace }) => {
                let mut said = History { to, replace }.json();
                self.add_flash(&mut said);
                turn.leave = Some(("live_redirect", said));
            }
            Some(Go::Redirect { to }) => {
                let mut said = redirect(&to);
                self.add_flash(&mut said);
                turn.leave = Some(("redirect", said));
            }
            Some(Go::Patch { .. }) | None => {
                let touched = std::mem::take(&mut self.context.touched);
                let whole = touched || !patched.is_empty();
                turn.diff = self.difference(if whole { Part::Whole } else { part });
            }
        }
        Ok(turn)
    }

    /// Adds what the next page is to tell its reader.
    pub(crate) fn add_flash(&self, said: &mut Value) {
        if let Some(token) = self.context.flash.to_token(self.context.site.key()) {
            said["flash"] = token.into();
        }
    }

    /// The whole page as the message that a join is answered with.
    pub(crate) fn full(&mut self) -> String {
        self.differ = Differ::new();
        self.doomed.clear();
        self.context.touched = false;
        self.difference(Part::Whole).unwrap_or_else(|| "{}".to_owned())
    }

    /// The whole page as HTML, for a page load.
    pub(crate) fn html(&mut self) -> String {
        let page = self.page();
        page.to_html_with(&mut |cid, html| self.component_html(cid, html))
    }

    fn component_html(&mut self, cid: Cid, html: &mut String) {
        if let Some(page) = self.component_page(cid) {
            html.push_str(&page.to_html_with(&mut |cid, html| self.component_html(cid, html)));
        }
    }
}

fn farewell(context: &mut Context) -> Farewell {
    Farewell {
        flash: std::mem::take(&mut context.flash),
        events: context.effects.last_events(),
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("view", &self.kind.name)
            .field("context", &self.context)
            .finish()
    }
}
