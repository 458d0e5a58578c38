//! The codec of devices that keep to the Homie convention, version 4 and 5.
//!
//! Source: The Homie Convention 4.0 ("Topology", "Device attributes", "Property attributes", "Property command topic")
//! and 5.0 ("Device attributes", "$description", "$target"). Version 4 says each attribute on a topic of its own below
//! `homie/<device>`, version 5 all of them in a document on `homie/5/<device>/$description`.

mod property;

use roost_model::{Access, Filter, NoData, Profile, Topic, Unit, Value, check_name};
use serde_json::{Map, Value as Json};

use self::property::Property;
use super::profile::ONLINE;
use super::{option, refuse};
use crate::{
    Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming,
    MAX_DESCRIBED_POINTS, Outgoing, Sample,
};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "homie",
    summary: "Devices that keep to the Homie convention, version 4 and 5",
    build,
};

/// The base topic, unless the profile's option `base` says otherwise.
const BASE: &str = "homie";
/// The level below the base that version 5 has, and version 4 must not take for a device.
const VERSION_5: &str = "5";

struct Homie {
    profile: String,
    base: String,
    /// The rules of the profile: what is granted.
    rules: Box<dyn Codec>,
}

/// What a device has described.
#[derive(Default)]
struct Known {
    properties: Vec<Property>,
    is_version_5: bool,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    Ok(Box::new(Homie {
        profile: profile.id.clone(),
        base: option(&profile, "base", BASE),
        rules: (super::profile::DEF.build)(profile)?,
    }))
}

impl Homie {
    /// The levels behind the device's id, and whether they are of version 5.
    fn within<'t>(&self, device: &str, topic: &'t Topic) -> Option<(Vec<&'t str>, bool)> {
        let rest = topic
            .as_str()
            .strip_prefix(self.base.as_str())?
            .strip_prefix('/')?;
        let mut levels = rest.split('/').peekable();
        let is_version_5 = levels.next_if_eq(&VERSION_5).is_some();
        (levels.next()? == device).then(|| (levels.collect(), is_version_5))
    }
}

impl Known {
    /// The property, made known if it was not; `None` beyond the limit, or for what has no name.
    fn property(&mut self, node: &str, id: &str) -> Option<&mut Property> {
        if let Some(at) = self.properties.iter().position(|known| known.is(node, id)) {
            return self.properties.get_mut(at);
        }
        if self.properties.len() >= MAX_DESCRIBED_POINTS {
            return None;
        }
        self.properties.push(Property::new(node, id)?);
        self.properties.last_mut()
    }

    /// Takes the document of version 5: all that the device has, in place of what was known.
    fn describe(&mut self, incoming: Incoming<'_>) -> Result<Decoded, CodecError> {
        let Ok(Json::Object(document)) = serde_json::from_slice(incoming.payload) else {
            return Err(refuse(incoming.topic, "a description", "a JSON object"));
        };
        let before: Vec<String> = self.properties.drain(..).map(|property| property.point).collect();
        let mut decoded = Decoded::default();
        self.take_nodes(&document, incoming, &mut decoded);
        decoded.note_undescribed(before, |point| {
            self.properties.iter().any(|property| property.point == point)
        });
        Ok(decoded)
    }

    fn take_nodes(&mut self, document: &Map<String, Json>, incoming: Incoming<'_>, decoded: &mut Decoded) {
        for (node, members) in named(document.get("nodes")) {
            for (id, attributes) in named(members.get("properties")) {
                let Some(property) = self.property(&node, &id) else {
                    decoded.rejected.push(CodecError::TooManyPoints {
                        topic: incoming.topic.clone(),
                    });
                    return;
                };
                for (name, value) in attributes {
                    property.learn(name, &as_text(value));
                }
                decoded.described.push(property.described());
            }
        }
    }

    fn value(&self, node: &str, id: &str, incoming: Incoming<'_>, suffix: &str) -> Decoded {
        let mut decoded = Decoded::default();
        let plain = Property::new(node, id);
        let Some(property) = self
            .properties
            .iter()
            .find(|known| known.is(node, id))
            .or(plain.as_ref())
        else {
            return decoded;
        };
        let value = match std::str::from_utf8(incoming.payload).map_err(|_| "text in UTF-8") {
            Ok(text) => property.value(text),
            Err(expected) => Err(expected),
        };
        let value = value.map_err(|expected| {
            decoded
                .rejected
                .push(refuse(incoming.topic, &property.point, expected));
            NoData::DeviceError
        });
        let access = if suffix.is_empty() {
            property.access()
        } else {
            Access::Read
        };
        decoded.samples.push(Sample::new(
            format!("{}{suffix}", property.point),
            value,
            property.unit(),
            access,
        ));
        decoded
    }
}

/// The members of an object, or the items of a list by their `id`: drafts of version 5 had lists.
fn named(json: Option<&Json>) -> Vec<(String, &Map<String, Json>)> {
    match json {
        Some(Json::Object(members)) => {
            let object = |(name, json): (&String, _)| Some((name.clone(), Json::as_object(json)?));
            members.iter().filter_map(object).collect()
        }
        Some(Json::Array(items)) => {
            let item = |json: &'_ Json| json.get("id")?.as_str().map(str::to_owned);
            items
                .iter()
                .filter_map(|json| Some((item(json)?, json.as_object()?)))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn as_text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// What the device says of itself: whether it is there, and its state in its own word.
fn state(incoming: Incoming<'_>) -> Result<Decoded, CodecError> {
    let word = std::str::from_utf8(incoming.payload).unwrap_or_default();
    let online = match word {
        "init" | "ready" | "sleeping" | "alert" => true,
        "disconnected" | "lost" => false,
        _ => return Err(refuse(incoming.topic, "$state", "a state of the convention")),
    };
    let mut decoded = Decoded {
        online: Some(online),
        ..Decoded::default()
    };
    let values = [
        (ONLINE, Value::Bool(online)),
        ("state", Value::Text(word.to_owned())),
    ];
    for (point, value) in values {
        decoded
            .samples
            .push(Sample::new(point.to_owned(), Ok(value), Unit::NONE, Access::Read));
    }
    Ok(decoded)
}

impl Codec for Homie {
    fn filters(&self, device: &str) -> Vec<Filter> {
        if check_name(device).is_err() || device == VERSION_5 {
            return Vec::new();
        }
        let filters = [
            format!("{}/{device}/#", self.base),
            format!("{}/{VERSION_5}/{device}/#", self.base),
        ];
        filters
            .into_iter()
            .filter_map(|filter| Filter::new(filter).ok())
            .collect()
    }

    fn access(&self, device: &str) -> Grants {
        if device == VERSION_5 {
            return Grants::default();
        }
        self.rules.access(device)
    }

    /// All of it: in version 4 a property's attributes lie beside its value.
    fn remembers(&self, device: &str) -> Vec<Filter> {
        self.filters(device)
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        let Some((levels, is_version_5)) = self.within(device, incoming.topic) else {
            return Ok(Decoded::default());
        };
        if incoming.payload.is_empty() {
            return Ok(Decoded::default());
        }
        let known: &mut Known = memory.get_or_default();
        known.is_version_5 = is_version_5;
        match levels.as_slice() {
            ["$state"] => state(incoming),
            ["$description"] => known.describe(incoming),
            [node, ..] if node.starts_with('$') => Ok(Decoded::default()),
            [node, id] if !id.starts_with('$') => Ok(known.value(node, id, incoming, "")),
            [node, id, "$target"] => Ok(known.value(node, id, incoming, ".target")),
            [node, id, attribute] => {
                let Some(attribute) = attribute.strip_prefix('$') else {
                    return Ok(Decoded::default());
                };
                let text = String::from_utf8_lossy(incoming.payload);
                let mut decoded = Decoded::default();
                let Some(property) = known.property(node, id) else {
                    return Err(CodecError::TooManyPoints {
                        topic: incoming.topic.clone(),
                    });
                };
                if property.learn(attribute, &text) {
                    decoded.described.push(property.described());
                }
                Ok(decoded)
            }
            _ => Ok(Decoded::default()),
        }
    }

    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        let no_command = || CodecError::NoCommand {
            profile: self.profile.clone(),
            point: command.point.to_owned(),
        };
        let known = memory.get::<Known>().ok_or_else(no_command)?;
        let is_meant = |property: &&Property| property.point == command.point;
        let property = known.properties.iter().find(is_meant).ok_or_else(no_command)?;
        if property.access() == Access::Read {
            return Err(no_command());
        }
        let word = property
            .word(command.value)
            .map_err(|expected| CodecError::BadValue {
                point: command.point.to_owned(),
                expected,
            })?;
        let version = if known.is_version_5 { "/5" } else { "" };
        let topic = format!("{}{version}/{device}/{}/set", self.base, property.path());
        Ok(Outgoing::new(Topic::new(topic).map_err(|_| no_command())?, word))
    }
}
