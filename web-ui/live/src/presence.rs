//! Presence: who is on a topic, as the stock client shows it. A channel or a view tracks itself under a key and leaves
//! when it ends, however it ends; everybody on the topic hears of it, and views that watch it.
//!
//! Changes that come close together go out as one `presence_diff`, and a newcomer's `presence_state` follows the diff
//! that tells of it: a thousand clients that return at once cost a few broadcasts, not a million messages.

mod watch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roost_runtime::{BoxError, Context, PresenceGuard};
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::sync::Notify;
use tracing::debug;

use crate::channel::{Channel, Handle, Socket};
use crate::endpoint::Hub;
use crate::frame::Payload;
use crate::lock;
use crate::view::Inbox;

pub use watch::Change;

use watch::Watchers;
pub(crate) use watch::Watching;

/// Event with everybody.
const STATE: &str = "presence_state";
/// Event with those who came and left.
const DIFF: &str = "presence_diff";
/// Changes within this time go out together; the first after a quiet time at once.
const TICK: Duration = Duration::from_millis(50);

/// Bytes of a key that somebody is present under.
pub const PRESENCE_KEY_BYTES: usize = 255;
/// Bytes of what is said of a presence, as JSON.
pub const PRESENCE_META_BYTES: usize = 4 * 1024;

/// A presence takes more room than everybody on its topic is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PresenceTooLong {
    /// The key.
    #[error("the key of a presence has at most {PRESENCE_KEY_BYTES} bytes")]
    Key,
    /// What is said of it.
    #[error("what is said of a presence has at most {PRESENCE_META_BYTES} bytes")]
    Meta,
}

/// Whether a presence may be told to everybody.
pub(crate) fn examine(key: &str, meta: &Map<String, Value>) -> Result<(), PresenceTooLong> {
    if key.len() > PRESENCE_KEY_BYTES {
        return Err(PresenceTooLong::Key);
    }
    match serde_json::to_vec(meta) {
        Ok(json) if json.len() <= PRESENCE_META_BYTES => Ok(()),
        _ => Err(PresenceTooLong::Meta),
    }
}

/// Topics that have changed, with those who are to be told everything.
#[derive(Debug, Default)]
struct Pending {
    topics: Mutex<HashMap<Arc<str>, Vec<Handle>>>,
    changed: Notify,
}

impl Pending {
    fn add(&self, topic: &Arc<str>, newcomer: Option<Handle>) {
        let mut topics = lock(&self.topics);
        topics.entry(Arc::clone(topic)).or_default().extend(newcomer);
        drop(topics);
        self.changed.notify_one();
    }
}

/// Who is on which topic. Cloning copies a pointer.
#[derive(Clone)]
pub struct Presence {
    who: roost_runtime::Presence,
    pending: Arc<Pending>,
    watchers: Arc<Watchers>,
}

/// Somebody is present until this is dropped.
pub type Tracked = PresenceGuard;

impl Presence {
    pub(crate) fn new() -> Self {
        let pending = Arc::new(Pending::default());
        let told = Arc::clone(&pending);
        Self {
            who: roost_runtime::Presence::collected(move |topic| told.add(topic, None)),
            pending,
            watchers: Arc::default(),
        }
    }

    /// `key` is on the channel's topic until what is returned is dropped: keep it in the channel. To be called from
    /// [`Channel::joined`] on, so that the client has its answer first.
    ///
    /// # Errors
    /// [`PresenceTooLong`].
    pub fn track<C: Channel>(
        &self,
        socket: &Socket<C>,
        key: impl Into<Arc<str>>,
        meta: Map<String, Value>,
    ) -> Result<Tracked, PresenceTooLong> {
        let key = key.into();
        examine(&key, &meta)?;
        Ok(self.who.track(socket.topic(), key, meta))
    }

    /// The same for a view.
    pub(crate) fn enter(&self, topic: &str, key: &str, meta: Map<String, Value>) -> Tracked {
        self.who.track(topic, key, meta)
    }

    /// What changes on `topic` is put into a view's inbox until what is returned is dropped.
    pub(crate) fn watch(&self, topic: &str, inbox: Inbox) -> Watching {
        self.watchers.watch(topic, inbox)
    }

    /// Tells the channel's client who is on its topic (`presence_state`), after the diff that tells the others of it.
    pub fn push_state<C: Channel>(&self, socket: &Socket<C>) {
        self.pending.add(socket.topic(), Some(socket.handle()));
    }

    /// Everybody on a topic: `{"key": {"metas": [{"phx_ref": "…", …}]}}`.
    #[must_use]
    pub fn list(&self, topic: &str) -> Value {
        self.who.list(topic)
    }

    /// Tells of changes until the program stops.
    pub(crate) async fn tell(self, hub: Arc<Hub>, context: Context) -> Result<(), BoxError> {
        loop {
            tokio::select! {
                () = context.shutdown.requested() => return Ok(()),
                () = self.pending.changed.notified() => {}
            }
            let topics = std::mem::take(&mut *lock(&self.pending.topics));
            for (topic, newcomers) in topics {
                self.tell_topic(&hub, &topic, &newcomers);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    fn tell_topic(&self, hub: &Hub, topic: &Arc<str>, newcomers: &[Handle]) {
        let diff = self.who.take_diff(topic);
        if self.watchers.tell(topic, diff.as_ref()) {
            // Again in a while, when there may be room for it.
            self.pending.add(topic, None);
        }
        if let Some(diff) = diff
            && let Err(error) = hub.topics.broadcast(topic, DIFF, &diff.into(), None)
        {
            debug!(topic = &**topic, %error, "a change of presence can't be told");
        }
        if newcomers.is_empty() {
            return;
        }
        let state: Payload = self.who.list(topic).into();
        for newcomer in newcomers.iter().filter(|newcomer| !newcomer.is_closed()) {
            if let Err(error) = newcomer.push(STATE, &state) {
                debug!(topic = &**topic, %error, "a state of presence can't be told");
            }
        }
    }
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}
