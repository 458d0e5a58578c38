//! The desk of onboarding: hears clients that no record knows, shows what they said, and makes devices of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_model::{Profile, Topic};
use roost_mqtt::{Access, Broker, QUARANTINE};
use roost_runtime::{BoxError, ChildSpec, Context, Delivery, Message};
use roost_store::Changeset;
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::guess::{self, Guess};
use super::memory::Memory;
use super::record::{Acquaintance, Verdict};
use super::roster::Unknown;
use super::secret::Onboarding;
use crate::devices::DeviceParts;
use crate::devices::backlog::{Backlog, Held};
use crate::gateway::Gateway;

/// How long the registrar may take to add a device.
const ADD_WITHIN: Duration = Duration::from_secs(30);
/// Most clients that are ignored or kept; one more has to wait until an old decision is taken back.
const MAX_DECIDED: usize = 1000;

struct Desk {
    parts: Arc<DeviceParts>,
    broker: Arc<Broker>,
    access: Arc<Access>,
    onboarding: Onboarding,
    memory: OwnedMutexGuard<Memory>,
    decided: BTreeMap<String, Acquaintance>,
}

/// The device that a client became.
pub(super) struct Successor {
    device: String,
    profile: Profile,
    spoken_as: String,
}

/// The desk's child.
#[must_use]
pub(crate) fn child(gateway: &Arc<Gateway>) -> ChildSpec {
    let (gateway, memory) = (Arc::clone(gateway), Memory::shared(&gateway.bus));
    let start = move |context| {
        let (gateway, memory) = (Arc::clone(&gateway), Arc::clone(&memory));
        async move {
            let desk = Desk {
                parts: Arc::clone(&gateway.parts),
                broker: Arc::clone(&gateway.broker),
                access: Arc::clone(&gateway.access),
                onboarding: gateway.onboarding.clone(),
                memory: memory.lock_owned().await,
                decided: BTreeMap::new(),
            };
            desk.run(context).await
        }
    };
    ChildSpec::new("onboarding", start).awaits_ready()
}

impl Desk {
    async fn run(mut self, context: Context) -> Result<(), BoxError> {
        let decided = self
            .parts
            .store
            .run(|store| store.table::<Acquaintance>().all())
            .await?;
        for acquaintance in decided {
            if acquaintance.verdict == Verdict::Kept {
                self.access
                    .keep_onboarded(&acquaintance.id, Some(&acquaintance.device));
            }
            self.decided.insert(acquaintance.id.clone(), acquaintance);
        }
        context.ready();
        loop {
            let delivery = tokio::select! {
                biased;
                () = context.shutdown.requested() => return Ok(()),
                delivery = self.memory.inbox.recv() => delivery.ok_or("the inbox of onboarding was closed")?,
            };
            let Delivery { message, reply, .. } = delivery;
            let Some(reply) = reply else {
                self.hear(&message);
                continue;
            };
            let what = message.topic.levels().last().unwrap_or_default().to_owned();
            let request = serde_json::from_slice(&message.body).unwrap_or_default();
            let answer = Box::pin(self.answer(&what, &request)).await;
            let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
            reply.send(Bytes::from(answer.to_string()));
        }
    }

    /// Takes down what a client in quarantine said, or that it came or went.
    fn hear(&mut self, message: &Message) {
        let now = self.parts.intake.now();
        let Some((name, topic)) = split(&message.topic) else {
            return;
        };
        if self.verdict(name) == Some(Verdict::Ignored) {
            return;
        }
        if let Some(topic) = topic {
            if let Some(successor) = self.memory.leaving.get(name) {
                return successor.speak(&self.parts, &topic, &message.body);
            }
            let held = Held {
                at: now,
                topic,
                // Its own copy: the body is a part of whatever came with it over the wire.
                body: Bytes::copy_from_slice(&message.body),
            };
            self.memory.roster.said(name, held);
        } else if let Ok(news) = serde_json::from_slice::<Value>(&message.body) {
            let connected = news.get("connected").and_then(Value::as_bool).unwrap_or(false);
            // Its old connection has ended, or another is here already: what comes now is not the device's.
            if self.memory.leaving.remove(name).is_some() && !connected {
                return;
            }
            self.memory.roster.seen(
                name,
                text(&news, "client_id"),
                text(&news, "address"),
                connected,
                now,
            );
        }
    }

    fn verdict(&self, name: &str) -> Option<Verdict> {
        self.decided.get(name).map(|acquaintance| acquaintance.verdict)
    }

    async fn answer(&mut self, what: &str, request: &Value) -> Result<Value, BoxError> {
        match what {
            "list" => self.list().await,
            "get" => self.get(request).await,
            "accept" => Box::pin(self.accept(request)).await,
            "ignore" => self.ignore(text(request, "client")).await,
            "undo" => self.undo(text(request, "client")).await,
            "credential" => self.credential(text(request, "action")).await,
            other => Err(format!("{other} is nothing that can be asked").into()),
        }
    }

    async fn profiles(&self) -> Result<Vec<Profile>, BoxError> {
        Ok(self
            .parts
            .store
            .run(|store| store.table::<Profile>().all())
            .await?)
    }

    fn guess(&self, profiles: &[Profile], client: &Unknown) -> Option<Guess> {
        let codecs: Vec<_> = profiles
            .iter()
            .filter_map(|profile| Some((profile, self.parts.codecs.get(&profile.id)?)))
            .collect();
        let known = codecs.iter().map(|(profile, codec)| (*profile, codec.as_ref()));
        guess::guess(known, client.held.iter())
    }

    fn describe(&self, name: &str, client: &Unknown, profiles: &[Profile]) -> Value {
        let guess = self.guess(profiles, client).map(
            |guess| json!({ "profile": guess.profile, "spoken_as": guess.spoken_as, "reason": guess.reason }),
        );
        let accepted = self
            .decided
            .get(name)
            .map(|acquaintance| acquaintance.device.as_str());
        json!({
            "client": name, "client_id": client.client_id, "address": client.address,
            "connected": client.connected, "since_ms": client.since.unix_ms(), "heard_ms": client.heard.unix_ms(),
            "messages": client.held.len(), "lost": client.lost, "guess": guess, "accepted_as": accepted,
        })
    }

    async fn list(&self) -> Result<Value, BoxError> {
        let profiles = self.profiles().await?;
        let describe = |(name, client): &(&str, &Unknown)| self.describe(name, client, &profiles);
        let clients: Vec<Value> = self.memory.roster.all().iter().map(describe).collect();
        let decided = self.decided.values();
        let ignored = decided.filter(|decided| decided.verdict == Verdict::Ignored);
        let ignored: Vec<&str> = ignored.map(|decided| decided.id.as_str()).collect();
        let secret = self.onboarding.show()?;
        Ok(json!({
            "enabled": secret.is_some(), "user": Access::ONBOARD, "secret": secret,
            "clients": clients, "ignored": ignored,
        }))
    }

    async fn get(&self, request: &Value) -> Result<Value, BoxError> {
        let name = text(request, "client");
        let Some(client) = self.memory.roster.get(name) else {
            return Ok(json!({ "not_found": true }));
        };
        let profiles = self.profiles().await?;
        let mut shown = self.describe(name, client, &profiles);
        let messages = client.held.iter().map(|held| {
            let payload = String::from_utf8_lossy(&held.body);
            json!({ "at_ms": held.at.unix_ms(), "topic": held.topic, "payload": payload })
        });
        shown["sample"] = messages.collect();
        shown["profiles"] = profiles.iter().map(|profile| json!(profile.id)).collect();
        Ok(shown)
    }

    async fn credential(&self, action: &str) -> Result<Value, BoxError> {
        let onboarding = self.onboarding.clone();
        let action = action.to_owned();
        let done = self
            .parts
            .store
            .run(move |_| {
                Ok(match action.as_str() {
                    "renew" => onboarding.renew(),
                    "off" => onboarding.switch_off(),
                    _ => Ok(()),
                })
            })
            .await?;
        done?;
        self.list().await
    }

    async fn decide(&mut self, name: &str, verdict: Verdict, device: &str) -> Result<(), BoxError> {
        self.memory.roster.remove(name);
        if verdict == Verdict::Accepted && self.decided.len() >= MAX_DECIDED {
            // Only a courtesy: it would say later what the client became.
            return Ok(());
        }
        let acquaintance = Acquaintance {
            id: name.to_owned(),
            verdict,
            device: device.to_owned(),
        };
        let valid = Changeset::change_of(acquaintance.clone()).finish()?;
        self.parts
            .store
            .run(move |store| store.table().put(valid))
            .await?;
        let kept = (verdict == Verdict::Kept).then_some(device);
        self.access.keep_onboarded(name, kept);
        self.decided.insert(name.to_owned(), acquaintance);
        Ok(())
    }

    async fn ignore(&mut self, name: &str) -> Result<Value, BoxError> {
        if self.memory.roster.get(name).is_none() {
            return Ok(json!({ "not_found": true }));
        }
        if self.decided.len() >= MAX_DECIDED {
            return Err(format!(
                "{MAX_DECIDED} clients were decided about already: take one of them back first"
            )
            .into());
        }
        self.decide(name, Verdict::Ignored, "").await?;
        Ok(json!({ "ok": true }))
    }

    /// Takes a decision back: the client is unknown again, and shown when it is next heard.
    async fn undo(&mut self, name: &str) -> Result<Value, BoxError> {
        if self.decided.remove(name).is_none() {
            return Ok(json!({ "not_found": true }));
        }
        self.access.keep_onboarded(name, None);
        let key = name.to_owned();
        self.parts
            .store
            .run(move |store| store.table::<Acquaintance>().delete(&key))
            .await?;
        // So that it is heard again soon.
        self.broker.disconnect(&format!("{QUARANTINE}/{name}"));
        Ok(json!({ "ok": true }))
    }

    /// Makes a device of a client. What it said so far goes to the device's task, with the times of its receipt.
    async fn accept(&mut self, request: &Value) -> Result<Value, BoxError> {
        let (name, id) = (text(request, "client"), text(request, "id"));
        let keep = request.get("keep").and_then(Value::as_bool).unwrap_or(false);
        let Some(client) = self.memory.roster.get(name) else {
            return Ok(json!({ "not_found": true }));
        };
        let profiles = self.profiles().await?;
        let profile = profiles
            .iter()
            .find(|profile| profile.id == text(request, "profile"));
        let spoken_as = profile.and_then(|profile| guess::spoken_as(profile, &client.held));
        if keep && spoken_as.as_deref().is_some_and(|name| name != id) {
            let name = spoken_as.unwrap_or_default();
            let reason = format!(
                "must be {name:?}, the name in its topics, for a client whose settings stay as they are"
            );
            return Ok(json!({ "errors": { "id": [reason] } }));
        }
        let spoken_as = spoken_as.unwrap_or_else(|| id.to_owned());
        let successor = profile.filter(|_| client.connected).map(|profile| Successor {
            device: id.to_owned(),
            profile: profile.clone(),
            spoken_as: spoken_as.clone(),
        });
        let backlog = Backlog {
            spoken_as: spoken_as.clone(),
            held: client.held.clone(),
        };
        let messages = backlog.held.len();
        self.parts.backlogs.put(id, backlog);
        let added = self.add(request).await;
        let Ok(Added::New(secret)) = added else {
            self.parts.backlogs.discard(id);
            return match added {
                Ok(Added::Wrong(errors)) => Ok(json!({ "errors": errors })),
                Ok(Added::New(_)) => Ok(json!({})),
                Err(error) => Err(error),
            };
        };
        let verdict = if keep { Verdict::Kept } else { Verdict::Accepted };
        self.decide(name, verdict, id).await?;
        if let Some(successor) = successor {
            self.memory.leaving.insert(name.to_owned(), successor);
        }
        // It comes back as the device, or with the secret of one.
        self.broker.disconnect(&format!("{QUARANTINE}/{name}"));
        let secret = (!keep).then_some(secret);
        Ok(json!({ "id": id, "secret": secret, "spoken_as": spoken_as, "messages": messages }))
    }

    async fn add(&self, request: &Value) -> Result<Added, BoxError> {
        let device = json!({
            "id": text(request, "id"), "label": text(request, "label"), "profile": text(request, "profile"),
        });
        let body = json!({ "devices": [device] }).to_string();
        let topic = Topic::new("$roost/devices/add")?;
        let answer = self.parts.bus.request(topic, body.into(), ADD_WITHIN).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            return Err(error.to_owned().into());
        }
        if let Some(errors) = answer.pointer("/errors/0/fields") {
            return Ok(Added::Wrong(errors.clone()));
        }
        let secret = answer.pointer("/added/0/secret").and_then(Value::as_str);
        Ok(Added::New(secret.unwrap_or_default().to_owned()))
    }
}

impl Successor {
    /// Says on the bus what the client said, under the device's name.
    fn speak(&self, parts: &DeviceParts, topic: &Topic, body: &Bytes) {
        if let Some(topic) = guess::renamed(&self.profile, topic, &self.spoken_as, &self.device) {
            let words = Message {
                own: false,
                ..Message::new(topic, body.clone())
            };
            parts.bus.publish(words.at_least_once());
        }
    }
}

/// What came of adding a device.
enum Added {
    /// It is there, with this secret.
    New(String),
    /// Fields are wrong.
    Wrong(Value),
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A client's name, and the topic that it meant; none for news about the client.
fn split(topic: &Topic) -> Option<(&str, Option<Topic>)> {
    let rest = topic.as_str().strip_prefix(QUARANTINE)?.strip_prefix('/')?;
    match rest.split_once('/') {
        Some((name, meant)) => Some((name, Some(Topic::new(meant).ok()?))),
        None => Some((rest, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_in_quarantine_is_taken_apart() {
        let topic = |text: &str| Topic::new(text).unwrap();
        assert_eq!(split(&topic("$onboarding/plug")), Some(("plug", None)));
        assert_eq!(
            split(&topic("$onboarding/plug/tele/x")),
            Some(("plug", Some(topic("tele/x"))))
        );
        assert_eq!(split(&topic("devices/plug")), None);
    }
}
