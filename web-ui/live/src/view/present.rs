//! Where a view is present, and whose coming and going it watches.

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::context::Context;
use crate::presence::{Presence, PresenceTooLong, Tracked, Watching, examine};

/// Keys that one view may be present under, and topics that it may watch.
pub const PRESENCES: usize = 16;

/// Why a view is not present, or watches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PresenceError {
    /// The site was not given any.
    #[error("the site knows nobody's presence: give it the endpoint's with SiteBuilder::presence")]
    Missing,
    /// The view has its share.
    #[error("a view is present under at most {PRESENCES} keys, and watches at most {PRESENCES} topics")]
    TooMany,
    /// Its key, or what is said of it.
    #[error(transparent)]
    TooLong(#[from] PresenceTooLong),
}

/// Where a view is present, and what it watches. It ends with the view, however that ends.
#[derive(Default)]
pub(crate) struct Present {
    tracked: Vec<(Box<str>, Tracked)>,
    watching: Vec<Watching>,
}

impl Present {
    fn track(
        &mut self,
        presence: &Presence,
        topic: &str,
        key: &str,
        meta: Map<String, Value>,
    ) -> Result<(), PresenceError> {
        let is_it = |(known, own): &&mut (Box<str>, Tracked)| **known == *topic && **own.key() == *key;
        if let Some((_, tracked)) = self.tracked.iter_mut().find(is_it) {
            tracked.update(meta);
            return Ok(());
        }
        if self.tracked.len() >= PRESENCES {
            return Err(PresenceError::TooMany);
        }
        self.tracked
            .push((topic.into(), presence.enter(topic, key, meta)));
        Ok(())
    }
}

impl Context {
    fn presence(&self) -> Result<&Presence, PresenceError> {
        self.site.presence().ok_or(PresenceError::Missing)
    }

    /// The view is present on `topic` under `key` until it ends, however it ends, or [`untrack`](Self::untrack) is
    /// called: everybody on the topic hears of it, channels and views alike. `meta`, a map, is what is said of it; for
    /// a topic and key that the view is present by already it takes the place of what was said. Does nothing in the
    /// dead render.
    ///
    /// # Errors
    /// [`PresenceError`] if the site was given no presence, the view is present under [`PRESENCES`] others, or the key
    /// or `meta` is too long.
    pub fn track(&mut self, topic: &str, key: &str, meta: impl Serialize) -> Result<(), PresenceError> {
        let presence = self.presence()?.clone();
        let meta = match serde_json::to_value(meta) {
            Ok(Value::Object(meta)) => meta,
            _ => Map::new(),
        };
        examine(key, &meta)?;
        if !self.connected {
            return Ok(());
        }
        let present = self.present.get_or_insert_default();
        present.track(&presence, topic, key, meta)
    }

    /// The view is no longer present on `topic` under `key`.
    pub fn untrack(&mut self, topic: &str, key: &str) {
        if let Some(present) = &mut self.present {
            present
                .tracked
                .retain(|(known, own)| **known != *topic || **own.key() != *key);
        }
    }

    /// Who is on `topic` now, channels' clients and views: `{"key": {"metas": [{"phx_ref": "…", …}]}}`. Also in the
    /// dead render. Nobody is, if the site was given no presence. A copy: where thousands are, a view better keeps what
    /// it shows of them.
    #[must_use]
    pub fn present(&self, topic: &str) -> Map<String, Value> {
        match self.presence().map(|presence| presence.list(topic)) {
            Ok(Value::Object(all)) => all,
            _ => Map::new(),
        }
    }

    /// From now on `handle_presence` is told who comes to `topic` and leaves it: this view too, if it does so before
    /// [`track`](Self::track). Who comes just then may be in [`present`](Self::present) and be told of as well: whoever
    /// keeps a list goes by key. Does nothing in the dead render.
    ///
    /// # Errors
    /// [`PresenceError`] if the site was given no presence, or the view watches [`PRESENCES`] others.
    pub fn watch(&mut self, topic: &str) -> Result<(), PresenceError> {
        let presence = self.presence()?.clone();
        let Some(inbox) = self.inbox.clone() else {
            return Ok(());
        };
        let watching = &mut self.present.get_or_insert_default().watching;
        if watching.iter().any(|known| known.topic() == topic) {
            return Ok(());
        }
        if watching.len() >= PRESENCES {
            return Err(PresenceError::TooMany);
        }
        watching.push(presence.watch(topic, inbox));
        Ok(())
    }

    /// The view is told nothing of `topic` any more.
    pub fn unwatch(&mut self, topic: &str) {
        if let Some(present) = &mut self.present {
            present.watching.retain(|known| known.topic() != topic);
        }
    }
}
