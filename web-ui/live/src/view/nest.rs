//! Views within a page: within another view, or within its layout.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::container::{container, escaped};
use super::context::Context;
use super::live_view::LiveView;
use super::running::{Opening, Running};
use super::token::ViewToken;
use crate::params::Params;
use crate::render::Raw;
use crate::session::Session;
use crate::sign::TOKEN_BYTES;
use crate::site::Site;

/// Views within views within views …; deeper ones are left out of the page.
pub const NESTED: u8 = 8;

/// Where a view stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Standing<'a> {
    /// Within the view of this id, with which it comes and goes.
    In(&'a str),
    /// Within whatever view shows its element: it stays when one follows the other.
    Sticky,
    /// Beside the main view, in the document: it stays until the next page load.
    Beside,
}

/// Where views within a page are made.
#[derive(Debug, Clone)]
pub(crate) struct Nest {
    site: Site,
    /// The group's place in the table.
    group: usize,
    /// When its tokens are born, in seconds since 1970: the same token at every render.
    born_s: u64,
    depth: u8,
    /// The reader's session in a dead render. A view that lives leaves it to its children to join.
    dead: Option<Arc<Session>>,
}

impl Nest {
    /// In a view that stands in `depth` others.
    pub(crate) fn new(site: Site, group: usize, depth: u8, dead: Option<Arc<Session>>) -> Self {
        let born_s = crate::sign::unix_s();
        Self {
            site,
            group,
            born_s,
            depth,
            dead,
        }
    }

    /// The element of a view.
    pub(crate) fn child<V: LiveView>(&self, id: &str, values: Value, standing: Standing<'_>) -> Raw<String> {
        let name = std::any::type_name::<V>();
        if self.depth >= NESTED {
            tracing::error!(view = name, NESTED, "views are nested too deeply");
            return Raw(String::new());
        }
        let table = self.site.table();
        let (Some(kind), Some(group)) = (table.kind_named(name), table.group(self.group)) else {
            tracing::error!(
                view = name,
                "a view within another is not known: add it with Routes::nested"
            );
            return Raw(String::new());
        };
        let values = match values {
            Value::Object(values) => values,
            _ => Map::new(),
        };
        let token = ViewToken::nested(id, name, group.name, values, self.depth + 1);
        let signed = token.sign(self.site.key(), self.born_s);
        if signed.len() > TOKEN_BYTES {
            // Nobody would believe it: the join would be stale, and the page would be loaded anew for ever.
            tracing::error!(
                view = name,
                bytes = signed.len(),
                TOKEN_BYTES,
                "a view within another is told too much: give it a key by which it finds the rest"
            );
            return Raw(String::new());
        }
        let place = match standing {
            Standing::In(parent) => format!(" data-phx-parent-id=\"{}\"", escaped(parent)),
            Standing::Sticky => " data-phx-sticky".to_owned(),
            Standing::Beside => String::new(),
        };
        let tokens = format!("data-phx-session=\"{signed}\" data-phx-static=\"\"{place}");
        let body = match &self.dead {
            Some(session) => self.dead(&session.with(&token.values), kind, id),
            None => String::new(),
        };
        Raw(container((kind.container)(), id, &tokens, &body))
    }

    /// What a view shows before it has joined.
    fn dead(&self, session: &Session, kind: super::ViewKind, id: &str) -> String {
        let mut context = Context::new(self.site.clone(), id, "", None);
        let depth = self.depth + 1;
        context.nest = Some(Self {
            depth,
            ..self.clone()
        });
        let opening = Opening {
            kind,
            group: self.group,
            routed: false,
            depth,
            params: Params::default(),
            session,
        };
        match Running::open(opening, context) {
            Ok((mut running, _)) => running.html(),
            Err(halt) => {
                tracing::debug!(
                    view = kind.name,
                    ?halt,
                    "a view within another is not shown before it has joined"
                );
                String::new()
            }
        }
    }
}
