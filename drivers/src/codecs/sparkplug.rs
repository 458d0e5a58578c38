//! The codec of Sparkplug B edge nodes with the devices behind them.
//!
//! Source: Eclipse Sparkplug specification 3.0, sections 4 (topics), 5 (operational behavior), 6 (payloads). The id of
//! the device is the edge node's; metrics of a device behind it are points named after it: `press1.temperature`.
//! Aliases and numbers of messages are counted for an edge node with all its devices, so one memory holds them all.

mod node;
mod payload;
mod wire;

use roost_model::{Filter, Profile, Topic, Value};
use serde_json::json;

use self::node::{Kind, Node};
use self::payload::{Called, Payload, command};
use super::{option, refuse};
use crate::{Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming, Outgoing};

/// This codec's line in the list of codecs.
pub(super) const DEF: CodecDef = CodecDef {
    name: "sparkplug",
    summary: "Sparkplug B edge nodes and the devices behind them",
    build,
};

/// The namespace of Sparkplug B (section 4.1.1).
const NAMESPACE: &str = "spBv1.0";
/// The name of this host application, unless the profile's option `host` says otherwise.
const HOST: &str = "roost";
/// The metric that makes a node say its births again (section 5.9).
const REBIRTH: &str = "Node Control/Rebirth";

struct Sparkplug {
    profile: String,
    host: String,
    /// The rules of the profile: what is granted.
    rules: Box<dyn Codec>,
}

fn build(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    Ok(Box::new(Sparkplug {
        profile: profile.id.clone(),
        host: option(&profile, "host", HOST),
        rules: (super::profile::DEF.build)(profile)?,
    }))
}

/// What a topic says: group, kind of message, and the device behind the node.
fn parts<'t>(node: &str, topic: &'t Topic) -> Option<(&'t str, Kind, Option<&'t str>)> {
    let levels: Vec<&str> = topic.as_str().split('/').collect();
    let (group, kind, device) = match levels.as_slice() {
        [NAMESPACE, group, kind, own] if *own == node => (group, kind, None),
        [NAMESPACE, group, kind, own, device] if *own == node => (group, kind, Some(*device)),
        _ => return None,
    };
    Some((group, Kind::of(kind, device.is_some())?, device))
}

/// Asks a node to say its births again.
fn rebirth(group: &str, node: &str, at_ms: i64) -> Option<Outgoing> {
    let topic = Topic::new(format!("{NAMESPACE}/{group}/NCMD/{node}")).ok()?;
    let called = Called::Name(REBIRTH);
    let body = command(&called, payload::datatype::BOOLEAN, &Value::Bool(true), at_ms).ok()?;
    Some(Outgoing::new(topic, body))
}

impl Codec for Sparkplug {
    fn filters(&self, device: &str) -> Vec<Filter> {
        self.access(device).publish
    }

    fn access(&self, device: &str) -> Grants {
        self.rules.access(device)
    }

    /// This host is there (section 6.4.26, and for nodes of version 2.2 as they had it).
    fn greet(&self, _device: &str, at_ms: i64) -> Vec<Outgoing> {
        let state =
            |topic: String, body: String| Some(Outgoing::new(Topic::new(topic).ok()?, body).retained());
        let body = json!({ "online": true, "timestamp": at_ms }).to_string();
        let states = [
            state(format!("{NAMESPACE}/STATE/{}", self.host), body),
            state(format!("STATE/{}", self.host), "ONLINE".into()),
        ];
        states.into_iter().flatten().collect()
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        let Some((group, kind, behind)) = parts(device, incoming.topic) else {
            return Ok(Decoded::default());
        };
        if incoming.payload.is_empty() {
            return Ok(Decoded::default());
        }
        let Ok(payload) = Payload::read(incoming.payload) else {
            return Err(refuse(
                incoming.topic,
                "a message of an edge node",
                "a Sparkplug B payload",
            ));
        };
        let node: &mut Node = memory.get_or_default();
        let mut decoded = Decoded::default();
        node.take(kind, behind, group, &payload, incoming, &mut decoded);
        if node.wants_rebirth(incoming.at_ms) {
            decoded.outgoing.extend(rebirth(group, device, incoming.at_ms));
        }
        Ok(decoded)
    }

    fn encode(
        &self,
        device: &str,
        request: CommandRequest<'_>,
        memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        let no_command = || CodecError::NoCommand {
            profile: self.profile.clone(),
            point: request.point.to_owned(),
        };
        let node = memory.get::<Node>().ok_or_else(no_command)?;
        let metric = node.commandable(request.point).ok_or_else(no_command)?;
        let called = match metric.alias {
            Some(alias) => Called::Alias(alias),
            None => Called::Name(&metric.name),
        };
        let body = command(&called, metric.datatype, request.value, request.at_ms).map_err(|expected| {
            CodecError::BadValue {
                point: request.point.to_owned(),
                expected: expected.to_owned(),
            }
        })?;
        let topic = match &metric.behind {
            None => format!("{NAMESPACE}/{}/NCMD/{device}", node.group()),
            Some(behind) => format!("{NAMESPACE}/{}/DCMD/{device}/{behind}", node.group()),
        };
        Ok(Outgoing::new(Topic::new(topic).map_err(|_| no_command())?, body))
    }
}
