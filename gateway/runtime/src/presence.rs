//! Presence: who is there, by topic. Joining gives a guard; dropping the guard is the leave, so that a task that
//! panics cannot stay present.
//!
//! States and diffs have the shape of Phoenix presence: `{"key": {"metas": [{"phx_ref": "…", …}]}}`. A diff is said
//! on the bus at once, or kept until whoever collects diffs takes what has come together.

mod diff;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;
use roost_model::Topic;
use serde_json::{Map, Value, json};

use crate::bus::{Bus, Message};
use crate::lock;
use diff::{Diff, Left};

/// Prefix of the topics on which diffs are published: `$presence/<topic>`.
pub const DIFF_PREFIX: &str = "$presence/";

/// What is said of one presence, shared by all that say the same.
type Meta = Arc<Map<String, Value>>;
type Metas = Vec<(u64, Meta)>;
type Keys = HashMap<Arc<str>, Metas>;

/// Who is present under one topic.
#[derive(Default)]
struct Room {
    keys: Keys,
    /// The reference that was the next when everybody was last listed: the list showed those before it.
    listed: u64,
}

/// Who is present, and the reference that is given next: in the order in which lists can show them.
struct Rooms {
    next_ref: u64,
    topics: HashMap<Arc<str>, Room>,
}

impl Rooms {
    fn new_ref(&mut self) -> u64 {
        self.next_ref += 1;
        self.next_ref - 1
    }
}

/// Where a reference before a change stands in what is said of a presence.
const PREVIOUS: &str = "phx_ref_prev";

/// Called with a topic that has changed.
type Changed = Box<dyn Fn(&Arc<str>) + Send + Sync>;

/// Who is told of changes.
enum Teller {
    Bus(Bus),
    /// Told once that a topic has changed; takes the diff when it wants.
    Collector {
        changed: Changed,
        diffs: Mutex<HashMap<Arc<str>, Diff>>,
    },
}

struct Inner {
    teller: Teller,
    rooms: Mutex<Rooms>,
}

/// The first reference: later than all that were given before the program was started anew, so that none is given
/// twice. A browser that comes back takes what has the same reference for the same.
fn first_ref() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

/// Who is present, by topic. Cloning copies a pointer.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

impl Presence {
    /// Nobody is present yet; each diff goes to `bus` at once.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self::told(Teller::Bus(bus))
    }

    /// Nobody is present yet; diffs are collected. `changed` is called with a topic when there is something to take by
    /// [`Presence::take_diff`], and not again before it was taken. It must not block.
    #[must_use]
    pub fn collected(changed: impl Fn(&Arc<str>) + Send + Sync + 'static) -> Self {
        Self::told(Teller::Collector {
            changed: Box::new(changed),
            diffs: Mutex::default(),
        })
    }

    fn told(teller: Teller) -> Self {
        Self(Arc::new(Inner {
            teller,
            rooms: Mutex::new(Rooms {
                next_ref: first_ref(),
                topics: HashMap::new(),
            }),
        }))
    }

    /// What has changed under `topic` since it was last taken, in the shape of a Phoenix `presence_diff`. Who came and
    /// left meanwhile has only left if a list has shown it, and is not in it otherwise. `None` if nothing has, or diffs
    /// are not collected.
    #[must_use]
    pub fn take_diff(&self, topic: &str) -> Option<Value> {
        let Teller::Collector { diffs, .. } = &self.0.teller else {
            return None;
        };
        let diff = lock(diffs).remove(topic)?;
        diff.into_value()
    }

    /// `key` is present under `topic` until the guard is dropped. One key may be present several times (two browser
    /// tabs, a connection that takes over from a half-dead one); it has left when the last guard is gone.
    #[must_use]
    pub fn track(
        &self,
        topic: &str,
        key: impl Into<Arc<str>>,
        meta: impl Into<Arc<Map<String, Value>>>,
    ) -> PresenceGuard {
        let (key, meta) = (key.into(), meta.into());
        let (topic, reference) = {
            let mut rooms = lock(&self.0.rooms);
            let reference = rooms.new_ref();
            let topics = &mut rooms.topics;
            let topic = topics
                .get_key_value(topic)
                .map_or_else(|| Arc::from(topic), |(name, _)| Arc::clone(name));
            let room = topics.entry(Arc::clone(&topic)).or_default();
            let metas = room.keys.entry(Arc::clone(&key)).or_default();
            if metas.is_empty() {
                // Most keys are present once.
                metas.reserve_exact(1);
            }
            metas.push((reference, Arc::clone(&meta)));
            (topic, reference)
        };
        self.0.tell(&topic, &key, None, Some((reference, meta)));
        PresenceGuard {
            presence: Arc::clone(&self.0),
            topic,
            key,
            reference,
        }
    }

    /// Everybody under `topic`, in the shape of a Phoenix `presence_state`.
    #[must_use]
    pub fn list(&self, topic: &str) -> Value {
        let mut rooms = lock(&self.0.rooms);
        let next_ref = rooms.next_ref;
        let Some(room) = rooms.topics.get_mut(topic) else {
            return Value::Object(Map::new());
        };
        room.listed = next_ref;
        let all = room.keys.iter();
        Value::Object(all.map(|(key, metas)| (key.to_string(), entry(metas))).collect())
    }

    /// Whether `key` is present under `topic`.
    #[must_use]
    pub fn contains(&self, topic: &str, key: &str) -> bool {
        let rooms = lock(&self.0.rooms);
        let room = rooms.topics.get(topic);
        room.is_some_and(|room| room.keys.contains_key(key))
    }

    /// How many keys are present under `topic`.
    #[must_use]
    pub fn count(&self, topic: &str) -> usize {
        let rooms = lock(&self.0.rooms);
        rooms.topics.get(topic).map_or(0, |room| room.keys.len())
    }
}

fn entry(metas: &[(u64, Meta)]) -> Value {
    let metas: Vec<Value> = metas
        .iter()
        .map(|(reference, meta)| {
            let mut meta = (**meta).clone();
            meta.insert("phx_ref".to_owned(), reference.to_string().into());
            Value::Object(meta)
        })
        .collect();
    json!({ "metas": metas })
}

impl Inner {
    fn leave(&self, topic: &Arc<str>, key: &Arc<str>, reference: u64) {
        let gone = {
            let mut rooms = lock(&self.rooms);
            let Some(room) = rooms.topics.get_mut(topic) else {
                return;
            };
            let Some(metas) = room.keys.get_mut(key) else {
                return;
            };
            let at = metas.iter().position(|(other, _)| *other == reference);
            let gone = at.map(|at| metas.swap_remove(at).1);
            if metas.is_empty() {
                room.keys.remove(key);
            }
            let was_listed = reference < room.listed;
            if room.keys.is_empty() {
                rooms.topics.remove(topic);
            }
            gone.map(|meta| Left {
                reference,
                meta,
                was_listed,
            })
        };
        if gone.is_some() {
            self.tell(topic, key, gone, None);
        }
    }

    /// Says something else of a presence, under a new reference.
    fn update(&self, topic: &Arc<str>, key: &Arc<str>, reference: u64, mut meta: Map<String, Value>) -> u64 {
        meta.insert(PREVIOUS.to_owned(), reference.to_string().into());
        let meta: Meta = Arc::new(meta);
        let (left, new) = {
            let mut rooms = lock(&self.rooms);
            let new = rooms.new_ref();
            let Some(room) = rooms.topics.get_mut(topic) else {
                return reference;
            };
            let was_listed = reference < room.listed;
            let metas = room.keys.get_mut(key);
            let place = metas.and_then(|metas| metas.iter_mut().find(|(other, _)| *other == reference));
            let Some(place) = place else { return reference };
            let (reference, meta) = std::mem::replace(place, (new, Arc::clone(&meta)));
            let left = Left {
                reference,
                meta,
                was_listed,
            };
            (left, new)
        };
        self.tell(topic, key, Some(left), Some((new, meta)));
        new
    }

    /// Tells of a change: who has left, and who has come.
    fn tell(&self, topic: &Arc<str>, key: &Arc<str>, left: Option<Left>, came: Option<(u64, Meta)>) {
        match &self.teller {
            Teller::Bus(bus) => {
                // Ten thousand devices that return at once must not encode for nobody.
                let Ok(topic) = Topic::new(format!("{DIFF_PREFIX}{topic}")) else {
                    return;
                };
                if !bus.has_takers(&topic) {
                    return;
                }
                let mut diff = Diff::default();
                diff.note(key, left, came);
                if let Some(diff) = diff.into_value() {
                    bus.publish(Message::new(topic, diff.to_string()));
                }
            }
            Teller::Collector { changed, diffs } => {
                let first = {
                    let mut diffs = lock(diffs);
                    let first = !diffs.contains_key(topic);
                    diffs.entry(Arc::clone(topic)).or_default().note(key, left, came);
                    first
                };
                if first {
                    changed(topic);
                }
            }
        }
    }
}

/// Keeps its key present; dropping it is the leave.
pub struct PresenceGuard {
    presence: Arc<Inner>,
    topic: Arc<str>,
    key: Arc<str>,
    reference: u64,
}

impl PresenceGuard {
    /// Who is present.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Says something else of it: one diff takes the old away and brings the new, which knows the old one's reference
    /// as `phx_ref_prev`.
    pub fn update(&mut self, meta: Map<String, Value>) {
        self.reference = self.presence.update(&self.topic, &self.key, self.reference, meta);
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.leave(&self.topic, &self.key, self.reference);
    }
}

impl std::fmt::Debug for PresenceGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresenceGuard")
            .field("topic", &self.topic)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
