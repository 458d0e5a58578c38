//! The codec of Shelly devices of the second generation and later: JSON-RPC over MQTT.
//!
//! Source: Shelly technical documentation, "Gen2+ API", "MQTT" (`<id>/online`, `<id>/events/rpc`, `<id>/status/…`,
//! `<id>/rpc`) and the pages of the components. The device's id is its `topic_prefix`, which is its own id unless it is
//! set. A device says what changed, and only that; so when it comes online it is asked for all of its status.

mod metrics;

use roost_model::{Access, NoData, Profile, Topic, Unit, Value, name_from};
use serde_json::{Map, Value as Json, json};

use self::metrics::{Kind, METRICS, Metric};
use super::refuse;
use crate::{
    Ack, Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming,
    MAX_SAMPLES_PER_MESSAGE, Outgoing, Sample,
};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "shelly",
    summary: "Shelly devices of generation 2 and later",
    build,
};

/// Where the device sends its answers: `<src>/rpc` with this `src`, inside the device's own topics.
const ANSWERS: &str = "roost";
/// The id of a question for the status, which is no command's.
const STATUS_ID: &str = "status";
/// Longest reason of a refusal that is kept, in characters.
const MAX_REASON_CHARS: usize = 200;

struct Shelly {
    profile: String,
    /// The rules of the profile: what is granted, and whether the device is online.
    rules: Box<dyn Codec>,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    Ok(Box::new(Shelly {
        profile: profile.id.clone(),
        rules: (super::profile::DEF.build)(profile)?,
    }))
}

/// The point of a component's metric: `switch:0` becomes `switch0`, and its power `switch0.power`.
fn point(component: &str, suffix: &str) -> Option<String> {
    name_from(&format!("{}{suffix}", component.replace(':', "")))
}

/// The kind of a component and its number: `switch:0`.
fn parts(component: &str) -> (&str, Option<u16>) {
    match component.split_once(':') {
        Some((kind, id)) => (kind, id.parse().ok()),
        None => (component, None),
    }
}

fn sample(point: String, value: Result<Value, NoData>, unit: &str, access: Access) -> Sample {
    Sample::new(point, value, Unit::new(unit), access)
}

/// A message on its way to samples.
struct Reading<'a> {
    topic: &'a Topic,
    decoded: &'a mut Decoded,
}

impl Reading<'_> {
    /// What a status says of several components.
    fn status(&mut self, components: &Map<String, Json>) -> Result<(), CodecError> {
        for (component, status) in components {
            if let Json::Object(status) = status {
                self.component(component, status)?;
            }
        }
        Ok(())
    }

    fn component(&mut self, component: &str, status: &Map<String, Json>) -> Result<(), CodecError> {
        let (kind, _) = parts(component);
        let whole = Json::Object(status.clone());
        for metric in METRICS.iter().filter(|metric| metric.is_of(kind)) {
            let Some(found) = whole.pointer(metric.pointer) else {
                continue;
            };
            let Some(point) = point(component, metric.suffix) else {
                continue;
            };
            self.push(point, metric, found)?;
        }
        Ok(())
    }

    fn push(&mut self, point: String, metric: &Metric, found: &Json) -> Result<(), CodecError> {
        if self.decoded.samples.len() == MAX_SAMPLES_PER_MESSAGE {
            return Err(CodecError::TooManySamples {
                topic: self.topic.clone(),
            });
        }
        let value = metric.value(found).unwrap_or_else(|expected| {
            self.decoded.rejected.push(refuse(self.topic, &point, expected));
            Err(NoData::DeviceError)
        });
        let access = if metric.command.is_some() {
            Access::ReadWrite
        } else {
            Access::Read
        };
        self.decoded
            .samples
            .push(sample(point, value, metric.unit, access));
        Ok(())
    }

    /// Events, such as a button that was pressed: the last one is the value of `input0.event`.
    fn events(&mut self, events: &[Json]) {
        for event in events
            .iter()
            .take(MAX_SAMPLES_PER_MESSAGE - self.decoded.samples.len())
        {
            let text = |name: &str| event.get(name).and_then(Json::as_str);
            let (Some(component), Some(word)) = (text("component"), text("event")) else {
                continue;
            };
            // Settings that were changed and firmware that is loaded are no readings.
            if matches!(parts(component).0, "sys" | "script") || word == "config_changed" {
                continue;
            }
            if let Some(point) = point(component, ".event") {
                let value = Ok(Value::Text(word.to_owned()));
                self.decoded.samples.push(sample(point, value, "", Access::Read));
            }
        }
    }

    /// An answer: to the question for the status, or to a command.
    fn answer(&mut self, answer: &Map<String, Json>) -> Result<(), CodecError> {
        let id = answer.get("id").and_then(Json::as_str);
        if id == Some(STATUS_ID) {
            return match answer.get("result") {
                Some(Json::Object(components)) => self.status(components),
                _ => Ok(()),
            };
        }
        let result = match answer.get("error") {
            None | Some(Json::Null) => Ok(()),
            Some(error) => {
                let reason = error.get("message").and_then(Json::as_str);
                let reason = reason.map_or_else(|| error.to_string(), str::to_owned);
                Err(reason.chars().take(MAX_REASON_CHARS).collect())
            }
        };
        if let Some(id) = id {
            self.decoded.acks.push(Ack {
                id: Some(id.to_owned()),
                point: None,
                result,
            });
        }
        Ok(())
    }
}

fn request(device: &str, id: &str, method: &str, params: Option<Json>) -> Option<Outgoing> {
    let mut frame = json!({ "id": id, "src": format!("{device}/{ANSWERS}"), "method": method });
    if let (Some(params), Some(frame)) = (params, frame.as_object_mut()) {
        frame.insert("params".into(), params);
    }
    Some(Outgoing::new(
        Topic::new(format!("{device}/rpc")).ok()?,
        frame.to_string(),
    ))
}

impl Shelly {
    /// What stands behind the device's id in a topic of its own.
    fn within<'t>(device: &str, topic: &'t Topic) -> Option<&'t str> {
        topic.as_str().strip_prefix(device)?.strip_prefix('/')
    }

    fn read(&self, device: &str, incoming: Incoming<'_>, decoded: &mut Decoded) -> Result<(), CodecError> {
        let rest = Self::within(device, incoming.topic).unwrap_or_default();
        let is_ours = rest == "events/rpc" || rest == "roost/rpc" || rest.starts_with("status/");
        if !is_ours {
            return Ok(());
        }
        let Ok(Json::Object(frame)) = serde_json::from_slice(incoming.payload) else {
            return Err(refuse(incoming.topic, "a message of the device", "a JSON object"));
        };
        let mut reading = Reading {
            topic: incoming.topic,
            decoded,
        };
        if let Some(component) = rest.strip_prefix("status/") {
            return reading.component(component, &frame);
        }
        if rest != "events/rpc" {
            return reading.answer(&frame);
        }
        match (frame.get("method").and_then(Json::as_str), frame.get("params")) {
            (Some("NotifyStatus" | "NotifyFullStatus"), Some(Json::Object(components))) => {
                reading.status(components)
            }
            (Some("NotifyEvent"), Some(params)) => {
                if let Some(Json::Array(events)) = params.get("events") {
                    reading.events(events);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Codec for Shelly {
    fn filters(&self, device: &str) -> Vec<roost_model::Filter> {
        self.access(device).publish
    }

    fn access(&self, device: &str) -> Grants {
        self.rules.access(device)
    }

    /// The device may have been there before the gateway's task for it.
    fn greet(&self, device: &str, _at_ms: i64) -> Vec<Outgoing> {
        request(device, STATUS_ID, "Shelly.GetStatus", None)
            .into_iter()
            .collect()
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        let mut decoded = self.rules.decode(device, incoming, memory)?;
        if incoming.payload.is_empty() {
            return Ok(decoded);
        }
        self.read(device, incoming, &mut decoded)?;
        if decoded.online == Some(true) {
            decoded
                .outgoing
                .extend(request(device, STATUS_ID, "Shelly.GetStatus", None));
        }
        Ok(decoded)
    }

    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        _memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        let no_command = || CodecError::NoCommand {
            profile: self.profile.clone(),
            point: command.point.to_owned(),
        };
        let (component, suffix) = match command.point.split_once('.') {
            Some((component, _)) => (component, &command.point[component.len()..]),
            None => (command.point, ""),
        };
        let digits = component.trim_start_matches(|c: char| !c.is_ascii_digit());
        let kinds = || {
            METRICS
                .iter()
                .filter(|metric| metric.suffix == suffix && metric.command.is_some())
        };
        // Some kinds end in a digit of their own: em1 is no em.
        let found = kinds().find_map(|metric| {
            let kind = metric
                .kinds
                .iter()
                .find(|kind| component.strip_prefix(**kind) == Some(digits))?;
            Some((metric, *kind, digits.parse::<u16>().ok()?))
        });
        let (metric, _, id) = found.ok_or_else(no_command)?;
        let bad = |expected: &str| CodecError::BadValue {
            point: command.point.to_owned(),
            expected: expected.to_owned(),
        };
        let call = metric.command.ok_or_else(no_command)?;
        let (method, params) = call(id, command.value).map_err(bad)?;
        request(device, command.id, method, Some(params)).ok_or_else(no_command)
    }
}

impl Metric {
    fn is_of(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }

    fn value(&self, found: &Json) -> Result<Result<Value, NoData>, &'static str> {
        Ok(match (self.kind, found) {
            (_, Json::Null) => Err(NoData::DeviceError),
            (Kind::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
            (Kind::Number, Json::Number(_)) | (Kind::Text, Json::String(_)) | (Kind::Any, _) => {
                Ok(Value::from_json(found.clone()))
            }
            (Kind::Bool, _) => return Err("true or false"),
            (Kind::Number, _) => return Err("a number"),
            (Kind::Text, _) => return Err("text"),
        })
    }
}
