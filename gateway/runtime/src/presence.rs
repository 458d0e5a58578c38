//! Presence: who is there, by topic. Joining gives a guard; dropping the guard is the leave, so that a task that
//! panics cannot stay present.
//!
//! States and diffs have the shape of Phoenix presence: `{"key": {"metas": [{"phx_ref": "…", …}]}}`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hashbrown::HashMap;
use roost_model::Topic;
use serde_json::{Map, Value, json};

use crate::bus::{Bus, Message};
use crate::lock;

/// Prefix of the topics on which diffs are published: `$presence/<topic>`.
pub const DIFF_PREFIX: &str = "$presence/";

/// What is said of one presence, shared by all that say the same.
type Meta = Arc<Map<String, Value>>;
type Metas = Vec<(u64, Meta)>;
type Keys = HashMap<Arc<str>, Metas>;

struct Inner {
    bus: Bus,
    next_ref: AtomicU64,
    topics: Mutex<HashMap<Arc<str>, Keys>>,
}

/// Who is present, by topic. Cloning copies a pointer.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

impl Presence {
    /// Nobody is present yet; diffs go to `bus`.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self(Arc::new(Inner {
            bus,
            next_ref: AtomicU64::new(1),
            topics: Mutex::default(),
        }))
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
        let reference = self.0.next_ref.fetch_add(1, Ordering::Relaxed);
        let (key, meta) = (key.into(), meta.into());
        let topic = {
            let mut topics = lock(&self.0.topics);
            let topic = topics
                .get_key_value(topic)
                .map_or_else(|| Arc::from(topic), |(name, _)| Arc::clone(name));
            let metas = topics
                .entry(Arc::clone(&topic))
                .or_default()
                .entry(Arc::clone(&key))
                .or_default();
            if metas.is_empty() {
                // Most keys are present once.
                metas.reserve_exact(1);
            }
            metas.push((reference, Arc::clone(&meta)));
            topic
        };
        self.0.tell(&topic, &key, reference, &meta, "joins");
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
        let topics = lock(&self.0.topics);
        let keys = topics.get(topic).into_iter().flatten();
        Value::Object(keys.map(|(key, metas)| (key.to_string(), entry(metas))).collect())
    }

    /// Whether `key` is present under `topic`.
    #[must_use]
    pub fn contains(&self, topic: &str, key: &str) -> bool {
        lock(&self.0.topics)
            .get(topic)
            .is_some_and(|keys| keys.contains_key(key))
    }

    /// How many keys are present under `topic`.
    #[must_use]
    pub fn count(&self, topic: &str) -> usize {
        lock(&self.0.topics).get(topic).map_or(0, HashMap::len)
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
            let mut topics = lock(&self.topics);
            let Some(keys) = topics.get_mut(topic) else { return };
            let Some(metas) = keys.get_mut(key) else { return };
            let at = metas.iter().position(|(other, _)| *other == reference);
            let gone = at.map(|at| metas.swap_remove(at).1);
            if metas.is_empty() {
                keys.remove(key);
            }
            if keys.is_empty() {
                topics.remove(topic);
            }
            gone
        };
        if let Some(meta) = gone {
            self.tell(topic, key, reference, &meta, "leaves");
        }
    }

    /// Publishes a diff, if anybody listens: ten thousand devices that return at once must not encode for nobody.
    fn tell(&self, topic: &str, key: &str, reference: u64, meta: &Meta, what: &str) {
        let Ok(diff_topic) = Topic::new(format!("{DIFF_PREFIX}{topic}")) else {
            return;
        };
        if !self.bus.has_takers(&diff_topic) {
            return;
        }
        let mut diff = json!({ "joins": {}, "leaves": {} });
        diff[what][key] = entry(&[(reference, Arc::clone(meta))]);
        self.bus.publish(Message::new(diff_topic, diff.to_string()));
    }
}

/// Keeps its key present; dropping it is the leave.
pub struct PresenceGuard {
    presence: Arc<Inner>,
    topic: Arc<str>,
    key: Arc<str>,
    reference: u64,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Policy;
    use roost_model::Filter;

    fn meta(via: &str) -> Map<String, Value> {
        [("via".to_owned(), via.into())].into_iter().collect()
    }

    #[test]
    fn a_key_is_present_until_its_last_guard_is_dropped() {
        let presence = Presence::new(Bus::default());
        let first = presence.track("devices", "boiler", meta("mqtt"));
        let second = presence.track("devices", "boiler", meta("mqtt"));
        drop(first);
        assert!(presence.contains("devices", "boiler"));
        drop(second);
        assert_eq!(
            (presence.contains("devices", "boiler"), presence.count("devices")),
            (false, 0)
        );
    }

    #[test]
    fn state_and_diffs_have_the_shape_of_phoenix_presence() {
        let bus = Bus::default();
        let listener = bus.subscribe(Filter::new("$presence/#").unwrap(), 10, Policy::DropOldest);
        let presence = Presence::new(bus);
        let guard = presence.track("devices", "boiler", meta("mqtt"));
        let expected = json!({"boiler": {"metas": [{"via": "mqtt", "phx_ref": "1"}]}});
        assert_eq!(presence.list("devices"), expected);
        drop(guard);
        let diffs: Vec<Value> = std::iter::from_fn(|| listener.try_recv())
            .map(|delivery| serde_json::from_slice(&delivery.message.body).unwrap())
            .collect();
        assert_eq!(
            diffs,
            [
                json!({"joins": expected, "leaves": {}}),
                json!({"joins": {}, "leaves": expected})
            ]
        );
    }

    #[test]
    fn a_task_that_panics_does_not_stay_present() {
        let presence = Presence::new(Bus::default());
        let tracked = presence.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = tracked.track("devices", "boiler", meta("mqtt"));
            std::panic::resume_unwind(Box::new("gone"));
        });
        assert!(panicked.join().is_err());
        assert!(!presence.contains("devices", "boiler"));
    }
}
