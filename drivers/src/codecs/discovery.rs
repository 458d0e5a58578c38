//! The codec of devices that describe themselves as Home Assistant's discovery has it.
//!
//! Source: Home Assistant documentation, "MQTT", "MQTT discovery". What such a device has not described is read by the
//! rules of its profile: ESPHome's entities are so readable before and without discovery.

mod aspect;
mod entity;
mod expression;
mod learning;
mod names;
mod rows;

use roost_model::{Access, Filter, Profile, Topic, Unit, Value, check_name};
use serde_json::Value as Json;

use self::aspect::{Aspect, Kind};
use self::expression::Payload;
use self::learning::{Described, Learning};
use super::profile::ONLINE;
use super::{option, refuse};
use crate::{
    Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming,
    MAX_SAMPLES_PER_MESSAGE, Outgoing, Sample,
};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "homeassistant",
    summary: "Devices that describe themselves by Home Assistant's MQTT discovery",
    build,
};

/// Where discovery messages are published, unless the profile's option `prefix` says otherwise.
const PREFIX: &str = "homeassistant";
/// Most components of one message about a device.
const MAX_COMPONENTS: usize = 256;

struct Discovery {
    profile: String,
    prefix: String,
    /// The rules of the profile: what is granted, and what is read without a description.
    rules: Box<dyn Codec>,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    Ok(Box::new(Discovery {
        profile: profile.id.clone(),
        prefix: option(&profile, "prefix", PREFIX),
        rules: (super::profile::DEF.build)(profile)?,
    }))
}

impl Discovery {
    /// The component and the name of the entity that a discovery message is about, by its topic.
    fn described<'t>(&self, device: &str, topic: &'t Topic) -> Option<(&'t str, Option<&'t str>)> {
        let rest = topic
            .as_str()
            .strip_prefix(self.prefix.as_str())?
            .strip_prefix('/')?;
        let levels: Vec<&str> = rest.strip_suffix("/config")?.split('/').collect();
        match levels.as_slice() {
            [component, object] if *object == device => Some((component, None)),
            [component, node, object] if *node == device => Some((component, Some(object))),
            _ => None,
        }
    }

    fn learn(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        (component, object): (&str, Option<&str>),
        memory: &mut Described,
    ) -> Result<Decoded, CodecError> {
        let source = incoming.topic.as_str();
        let before = memory.forget(source);
        let mut decoded = Decoded::default();
        let learned = self.learn_anew(device, incoming, (component, object), memory, &mut decoded);
        if let Err(error) = learned {
            decoded.rejected.push(error);
        }
        decoded.note_undescribed(before, |point| memory.knows(point));
        Ok(decoded)
    }

    /// Takes what a message describes, of which nothing is known any more.
    fn learn_anew(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        (component, object): (&str, Option<&str>),
        memory: &mut Described,
        decoded: &mut Decoded,
    ) -> Result<(), CodecError> {
        if incoming.payload.is_empty() {
            return Ok(());
        }
        let Ok(Json::Object(message)) = serde_json::from_slice(incoming.payload) else {
            return Err(CodecError::Payload {
                topic: incoming.topic.clone(),
                rule: "a description".into(),
                expected: "a JSON object",
            });
        };
        let base = message.get("~").and_then(Json::as_str);
        let message = names::expanded(&message, None);
        let mut learning = Learning {
            grants: &self.access(device),
            topic: incoming.topic,
            memory,
            decoded,
        };
        learning.availability(&message);
        if component != "device" {
            let given = message.get("name").and_then(Json::as_str);
            let name = object.or(given).unwrap_or(device);
            return learning.entity(component, name, &message);
        }
        let Some(Json::Object(components)) = message.get("components") else {
            return Ok(());
        };
        for (name, component) in components.iter().take(MAX_COMPONENTS) {
            let Json::Object(own) = component else { continue };
            // What stands outside goes for every component that does not say otherwise.
            let mut members = message.clone();
            members.remove("components");
            members.remove("name");
            let own = names::expanded(own, base);
            learning.availability(&own);
            members.extend(own);
            let platform = members
                .get("platform")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned();
            learning.entity(&platform, name, &members)?;
        }
        Ok(())
    }
}

/// Reads a message by what the device has described. Returns whether anything was about its topic.
fn read(incoming: Incoming<'_>, memory: &mut Described, decoded: &mut Decoded) -> Result<bool, CodecError> {
    let topic = incoming.topic;
    let is_about = |place: &aspect::Place| place.topic == *topic;
    let states = memory
        .aspects
        .iter()
        .map(|learned| &learned.aspect)
        .filter(|aspect| aspect.state.as_ref().is_some_and(is_about));
    let states: Vec<&Aspect> = states.collect();
    let tells = memory.availability.iter().any(|place| place.topic == *topic);
    if states.is_empty() && !tells {
        return Ok(false);
    }
    let Ok(text) = std::str::from_utf8(incoming.payload) else {
        return Err(refuse(topic, "a state", "text in UTF-8"));
    };
    let document = serde_json::from_str(text).ok();
    let payload = Payload {
        value: text.into(),
        document: document.as_ref(),
    };
    for aspect in states {
        let value = match aspect.read(&payload) {
            Ok(None) => continue,
            Ok(Some(value)) => value,
            Err(expected) => {
                decoded.rejected.push(refuse(topic, &aspect.point, expected));
                Err(roost_model::NoData::DeviceError)
            }
        };
        if decoded.samples.len() == MAX_SAMPLES_PER_MESSAGE {
            return Err(CodecError::TooManySamples { topic: topic.clone() });
        }
        decoded.samples.push(Sample::new(
            &aspect.point,
            value,
            aspect.unit.clone(),
            aspect.access(),
        ));
    }
    if tells {
        presence(topic, &payload, memory, decoded);
    }
    Ok(true)
}

fn presence(topic: &Topic, payload: &Payload<'_>, memory: &mut Described, decoded: &mut Decoded) {
    for place in memory
        .availability
        .iter_mut()
        .filter(|place| place.topic == *topic)
    {
        let made = match &place.template {
            Some(template) => template.fill(payload),
            None => Ok(Some(payload.value.clone())),
        };
        let words = Kind::Switch {
            says: place.words.clone(),
            takes: place.words.clone(),
        };
        match made.map(|made| made.map(|json| words.value(&json))) {
            Ok(Some(Ok(Ok(Value::Bool(there))))) => place.last = Some(there),
            Err(expected) | Ok(Some(Err(expected))) => decoded.rejected.push(refuse(topic, ONLINE, expected)),
            _ => {}
        }
    }
    if let Some(online) = memory.is_online() {
        decoded.online = Some(online);
        decoded.samples.push(Sample::new(
            ONLINE,
            Ok(Value::Bool(online)),
            Unit::NONE,
            Access::Read,
        ));
    }
}

impl Codec for Discovery {
    /// Everything the device may publish: where it says what, it tells in its descriptions.
    fn filters(&self, device: &str) -> Vec<Filter> {
        if self.rules.is_bridged() {
            return self.rules.filters(device);
        }
        self.rules.access(device).publish
    }

    fn access(&self, device: &str) -> Grants {
        self.rules.access(device)
    }

    fn remembers(&self, device: &str) -> Vec<Filter> {
        if check_name(device).is_err() {
            return Vec::new();
        }
        let filter = |rest: &str| Filter::new(format!("{}/+/{device}/{rest}", self.prefix)).ok();
        ["config", "+/config"].into_iter().filter_map(filter).collect()
    }

    fn is_bridged(&self) -> bool {
        self.rules.is_bridged()
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        if let Some(entity) = self.described(device, incoming.topic) {
            return self.learn(device, incoming, entity, memory.get_or_default());
        }
        let mut decoded = Decoded::default();
        if incoming.payload.is_empty() {
            return Ok(decoded);
        }
        if memory.get::<Described>().is_some() && read(incoming, memory.get_or_default(), &mut decoded)? {
            return Ok(decoded);
        }
        self.rules.decode(device, incoming, memory)
    }

    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        let aspects = memory.get::<Described>().map_or(&[][..], |known| &known.aspects);
        let mut aspects = aspects.iter().map(|learned| &learned.aspect);
        match aspects.find(|aspect| aspect.point == command.point) {
            Some(aspect) => aspect.write(command).unwrap_or_else(|| {
                Err(CodecError::NoCommand {
                    profile: self.profile.clone(),
                    point: command.point.to_owned(),
                })
            }),
            None => self.rules.encode(device, command, memory),
        }
    }
}
