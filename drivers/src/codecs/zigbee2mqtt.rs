//! The codec of Zigbee devices behind Zigbee2MQTT, which describes them in `bridge/devices`.
//!
//! Source: Zigbee2MQTT documentation, "MQTT Topics and Messages" (`<base>/<friendly name>`, `/availability`, `/set`,
//! `bridge/devices`, `bridge/state`) and "Exposes". The device's id is its friendly name.

mod exposes;

use roost_model::{Access, Filter, NoData, Profile, Topic, Unit, Value, check_name, name_from};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use self::exposes::{Feature, features};
use super::profile::ONLINE;
use super::refuse;
use crate::{
    Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming,
    MAX_SAMPLES_PER_MESSAGE, Outgoing, Sample,
};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "zigbee2mqtt",
    summary: "Zigbee devices behind Zigbee2MQTT",
    build,
};

/// The bridge's base topic, unless the profile's option `base` says otherwise.
const BASE: &str = "zigbee2mqtt";
/// Units of what devices say before they are described; the property's own name tells what it is ("Exposes").
const USUAL_UNITS: [(&str, &str); 12] = [
    ("battery", "%"),
    ("co2", "ppm"),
    ("device_temperature", "°C"),
    ("energy", "kWh"),
    ("humidity", "%"),
    ("illuminance", "lx"),
    ("linkquality", "lqi"),
    ("local_temperature", "°C"),
    ("power", "W"),
    ("pressure", "hPa"),
    ("soil_moisture", "%"),
    ("temperature", "°C"),
];

struct Zigbee {
    profile: String,
    base: String,
}

/// What is remembered of one device.
#[derive(Default)]
struct Known {
    features: Vec<Feature>,
    /// What the bridge says of itself.
    bridge: Option<bool>,
    /// What the bridge says of the device.
    device: Option<bool>,
}

/// One device in the bridge's list.
#[derive(Deserialize)]
struct Listed {
    friendly_name: String,
    #[serde(default)]
    definition: Option<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    #[serde(default)]
    exposes: Vec<Json>,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    let base = profile
        .options
        .get("base")
        .map_or(BASE, String::as_str)
        .to_owned();
    if !profile.via.eq(&roost_model::Via::Bridge) {
        return Err(CodecError::Profile {
            profile: profile.id,
            place: "via".into(),
            reason: "must be bridge: Zigbee2MQTT speaks for its devices".into(),
        });
    }
    if Topic::new(&base).is_err() {
        return Err(CodecError::Profile {
            profile: profile.id,
            place: "options.base".into(),
            reason: "must be a topic without + and #".into(),
        });
    }
    Ok(Box::new(Zigbee {
        profile: profile.id,
        base,
    }))
}

impl Known {
    fn is_online(&self) -> Option<bool> {
        match (self.bridge, self.device) {
            (None, None) => None,
            (bridge, device) => Some(bridge.unwrap_or(true) && device.unwrap_or(true)),
        }
    }

    /// Takes a state: `online`, or `{"state": "online"}`.
    fn state(&mut self, incoming: Incoming<'_>, of_the_bridge: bool) -> Result<Decoded, CodecError> {
        let text = std::str::from_utf8(incoming.payload).unwrap_or_default();
        let document: Option<Json> = serde_json::from_str(text).ok();
        let word = document
            .as_ref()
            .and_then(|json| json.get("state")?.as_str())
            .unwrap_or(text);
        let there = match word {
            "online" => true,
            "offline" => false,
            _ => return Err(refuse(incoming.topic, ONLINE, "online or offline")),
        };
        if of_the_bridge {
            self.bridge = Some(there);
        } else {
            self.device = Some(there);
        }
        let mut decoded = Decoded {
            online: self.is_online(),
            ..Decoded::default()
        };
        if let Some(online) = decoded.online {
            decoded.samples.push(Sample::new(
                ONLINE,
                Ok(Value::Bool(online)),
                Unit::NONE,
                Access::Read,
            ));
        }
        Ok(decoded)
    }

    /// Takes what the bridge says of all its devices, as far as it is about this one.
    fn learn(&mut self, device: &str, incoming: Incoming<'_>) -> Result<Decoded, CodecError> {
        let Ok(listed) = serde_json::from_slice::<Vec<Listed>>(incoming.payload) else {
            return Err(refuse(
                incoming.topic,
                "the list of devices",
                "a JSON list of devices",
            ));
        };
        let mut decoded = Decoded::default();
        let own = listed.into_iter().find(|listed| listed.friendly_name == device);
        let Some(definition) = own.and_then(|listed| listed.definition) else {
            return Ok(decoded);
        };
        let found = features(&definition.exposes);
        // The list comes again whenever any of the devices changes.
        if found != self.features {
            decoded.described = found.iter().map(Feature::described).collect();
            let before = std::mem::replace(&mut self.features, found);
            decoded.note_undescribed(
                before.into_iter().map(|feature| feature.point).collect(),
                |point| self.features.iter().any(|feature| feature.point == point),
            );
        }
        Ok(decoded)
    }

    /// Takes the state of the device: an object of its properties.
    fn properties(&self, incoming: Incoming<'_>) -> Result<Decoded, CodecError> {
        let Ok(Json::Object(state)) = serde_json::from_slice(incoming.payload) else {
            return Err(refuse(incoming.topic, "the state of the device", "a JSON object"));
        };
        let mut decoded = Decoded::default();
        for (name, json) in &state {
            match json {
                Json::Object(members) => {
                    for (member, json) in members {
                        self.property(&[name, member], json, incoming.topic, &mut decoded)?;
                    }
                }
                json => self.property(&[name], json, incoming.topic, &mut decoded)?,
            }
        }
        Ok(decoded)
    }

    fn property(
        &self,
        path: &[&str],
        json: &Json,
        topic: &Topic,
        decoded: &mut Decoded,
    ) -> Result<(), CodecError> {
        // A button that was let go, and what nobody has found out yet.
        if json == "" {
            return Ok(());
        }
        let Some(point) = name_from(&path.join(".")) else {
            return Ok(());
        };
        if decoded.samples.len() == MAX_SAMPLES_PER_MESSAGE {
            return Err(CodecError::TooManySamples { topic: topic.clone() });
        }
        let feature = self.features.iter().find(|feature| feature.path == path);
        let value = match (feature, json) {
            (_, Json::Null) => Err(NoData::DeviceError),
            (Some(feature), json) => feature.value(json).unwrap_or_else(|expected| {
                decoded.rejected.push(refuse(topic, &point, expected));
                Err(NoData::DeviceError)
            }),
            (None, json) => Ok(undescribed(path, json)),
        };
        let unit = feature.map_or_else(|| usual_unit(path), Feature::unit);
        let access = feature.map_or(Access::Read, Feature::access);
        decoded.samples.push(Sample::new(point, value, unit, access));
        Ok(())
    }
}

/// A property that the bridge has not described: `state` is a switch wherever it says ON or OFF.
fn undescribed(path: &[&str], json: &Json) -> Value {
    match (path, json.as_str()) {
        ([name], Some(word @ ("ON" | "OFF"))) if name.starts_with("state") => Value::Bool(word == "ON"),
        _ => Value::from_json(json.clone()),
    }
}

fn usual_unit(path: &[&str]) -> Unit {
    let name = path.last().copied().unwrap_or_default();
    let found = USUAL_UNITS.iter().find(|(known, _)| *known == name);
    found.map_or(Unit::NONE, |(_, unit)| Unit::new(unit))
}

impl Codec for Zigbee {
    fn filters(&self, device: &str) -> Vec<Filter> {
        if check_name(device).is_err() {
            return Vec::new();
        }
        let own = [device.to_owned(), format!("{device}/availability")];
        let bridge = ["bridge/devices", "bridge/state"].map(str::to_owned);
        let topics = own.into_iter().chain(bridge);
        topics
            .filter_map(|rest| Filter::new(format!("{}/{rest}", self.base)).ok())
            .collect()
    }

    /// None: the bridge has them.
    fn access(&self, _device: &str) -> Grants {
        Grants::default()
    }

    /// All but the state of the device itself, which is old news.
    fn remembers(&self, device: &str) -> Vec<Filter> {
        self.filters(device).into_iter().skip(1).collect()
    }

    /// Its own two: what the bridge says of itself and of all its devices is not this one's.
    fn leaves(&self, device: &str) -> Vec<Filter> {
        self.filters(device).into_iter().take(2).collect()
    }

    fn is_bridged(&self) -> bool {
        true
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        let within = incoming.topic.as_str().strip_prefix(self.base.as_str());
        let Some(rest) = within.and_then(|rest| rest.strip_prefix('/')) else {
            return Ok(Decoded::default());
        };
        if incoming.payload.is_empty() {
            return Ok(Decoded::default());
        }
        let known: &mut Known = memory.get_or_default();
        match rest {
            "bridge/devices" => known.learn(device, incoming),
            "bridge/state" => known.state(incoming, true),
            rest if rest == device => known.properties(incoming),
            rest if rest.strip_suffix("/availability") == Some(device) => known.state(incoming, false),
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
        let features = memory.get::<Known>().map_or(&[][..], |known| &known.features);
        let feature = features
            .iter()
            .find(|feature| feature.point == command.point && feature.access() == Access::ReadWrite)
            .ok_or_else(no_command)?;
        let word = feature
            .word(command.value)
            .map_err(|expected| CodecError::BadValue {
                point: command.point.to_owned(),
                expected,
            })?;
        let nest = |inner: Json, name: &String| Json::Object(Map::from_iter([(name.clone(), inner)]));
        let payload = feature.path.iter().rev().fold(word, nest);
        let topic = Topic::new(format!("{}/{device}/set", self.base)).map_err(|_| no_command())?;
        Ok(Outgoing::new(topic, payload.to_string()))
    }
}
