//! Presence: who is there, by topic. Joining gives a guard; dropping the guard is the leave, so that a task that
//! panics cannot stay present.
//!
//! States and diffs have the shape of Phoenix presence: `{"key": {"metas": [{"phx_ref": "…", …}]}}`. A diff is said
//! on the bus at once, or kept until whoever collects diffs takes what has come together.

mod diff;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;
use roost_model::Topic;
use serde_json::{Map, Value, json};

use crate::bus::{Bus, Message};
use crate::lock;
use diff::Diff;

/// Prefix of the topics on which diffs are published: `$presence/<topic>`.
pub const DIFF_PREFIX: &str = "$presence/";

/// What is said of one presence, shared by all that say the same.
type Meta = Arc<Map<String, Value>>;
type Metas = Vec<(u64, Meta)>;
type Keys = HashMap<Arc<str>, Metas>;

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
    next_ref: AtomicU64,
    topics: Mutex<HashMap<Arc<str>, Keys>>,
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
            next_ref: AtomicU64::new(first_ref()),
            topics: Mutex::default(),
        }))
    }

    /// What has changed under `topic` since it was last taken, in the shape of a Phoenix `presence_diff`: who came and
    /// left meanwhile is not in it. `None` if nothing has, or diffs are not collected.
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
        let reference = self.0.new_ref();
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
            self.tell(topic, key, Some((reference, meta)), None);
        }
    }

    fn new_ref(&self) -> u64 {
        self.next_ref.fetch_add(1, Ordering::Relaxed)
    }

    /// Says something else of a presence, under a new reference.
    fn update(&self, topic: &Arc<str>, key: &Arc<str>, reference: u64, mut meta: Map<String, Value>) -> u64 {
        let new = self.new_ref();
        meta.insert(PREVIOUS.to_owned(), reference.to_string().into());
        let meta: Meta = Arc::new(meta);
        let before = {
            let mut topics = lock(&self.topics);
            let metas = topics.get_mut(topic).and_then(|keys| keys.get_mut(key));
            let place = metas.and_then(|metas| metas.iter_mut().find(|(other, _)| *other == reference));
            let Some(place) = place else { return reference };
            std::mem::replace(place, (new, Arc::clone(&meta)))
        };
        self.tell(topic, key, Some(before), Some((new, meta)));
        new
    }

    /// Tells of a change: who has left, and who has come.
    fn tell(&self, topic: &Arc<str>, key: &Arc<str>, left: Option<(u64, Meta)>, came: Option<(u64, Meta)>) {
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
        let expected = presence.list("devices");
        let reference = expected["boiler"]["metas"][0]["phx_ref"].clone();
        assert!(reference.is_string());
        assert_eq!(
            expected,
            json!({"boiler": {"metas": [{"via": "mqtt", "phx_ref": reference}]}})
        );
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

    fn refs(entries: &Value, key: &str) -> Vec<String> {
        let metas = entries[key]["metas"].as_array().cloned().unwrap_or_default();
        metas
            .iter()
            .map(|meta| meta["phx_ref"].as_str().unwrap().to_owned())
            .collect()
    }

    fn collected() -> (Presence, Arc<Mutex<Vec<Arc<str>>>>) {
        let told: Arc<Mutex<Vec<Arc<str>>>> = Arc::default();
        let teller = Arc::clone(&told);
        (
            Presence::collected(move |topic| lock(&teller).push(Arc::clone(topic))),
            told,
        )
    }

    #[test]
    fn a_change_is_one_diff_with_a_new_reference_that_knows_the_old_one() {
        let (presence, _) = collected();
        let mut guard = presence.track("room", "u1", meta("x"));
        let before = presence.take_diff("room").unwrap();
        guard.update(meta("y"));
        let diff = presence.take_diff("room").unwrap();
        assert_eq!(diff["leaves"], before["joins"]);
        assert_ne!(refs(&diff["joins"], "u1"), refs(&diff["leaves"], "u1"));
        let joined = &diff["joins"]["u1"]["metas"][0];
        assert_eq!(
            joined["phx_ref_prev"],
            before["joins"]["u1"]["metas"][0]["phx_ref"]
        );
        assert_eq!(joined["via"], "y");
        assert_eq!(presence.list("room"), diff["joins"]);
    }

    #[test]
    fn changes_come_together_in_one_diff_of_which_the_collector_is_told_once() {
        let (presence, told) = collected();
        let _stays: Vec<_> = (0..3)
            .map(|n| presence.track("room", format!("u{n}"), meta("x")))
            .collect();
        let second = presence.track("room", "u0", meta("z"));
        drop(presence.track("room", "gone", meta("x")));
        assert_eq!(lock(&told).len(), 1);
        let diff = presence.take_diff("room").unwrap();
        assert_eq!(
            diff["joins"].as_object().unwrap().len(),
            3,
            "who came and left is not told of"
        );
        assert_eq!(refs(&diff["joins"], "u0").len(), 2);
        assert_eq!((&diff["leaves"], presence.take_diff("room")), (&json!({}), None));
        drop(second);
        assert_eq!(lock(&told).len(), 2);
        let diff = presence.take_diff("room").unwrap();
        assert_eq!(
            (refs(&diff["leaves"], "u0").len(), &diff["joins"]),
            (1, &json!({}))
        );
    }

    #[test]
    fn keys_that_mean_something_to_browsers_pass_unharmed() {
        let (presence, _) = collected();
        let _guard = presence.track("room", "__proto__", meta("x"));
        assert_eq!(
            refs(&presence.take_diff("room").unwrap()["joins"], "__proto__").len(),
            1
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
