//! From a device's message to samples and acknowledgements, by the rules of a profile.

use std::cell::OnceCell;
use std::str;
use std::time::Duration;

use roost_model::{NoData, Topic, Unit, Value, ValueKind, check_name, name_from};
use serde_json::Value as Json;

use super::payload::{Found, from_json, from_text};
use super::template::{Fit, fill};
use super::{CompiledPoint, ONLINE, ProfileCodec};
use crate::{Ack, CodecError, Decoded, MAX_SAMPLES_PER_MESSAGE, Sample};

/// Longest reason of a refusal that is kept, in characters: devices are not trusted to be brief.
const MAX_REASON_CHARS: usize = 200;

/// A message of a device. The payload is parsed at most once, however many rules look into it.
struct Message<'a> {
    topic: &'a Topic,
    text: Option<&'a str>,
    json: OnceCell<Option<Json>>,
}

impl Message<'_> {
    fn json(&self) -> Option<&Json> {
        let parse = || self.text.and_then(|text| serde_json::from_str(text).ok());
        self.json.get_or_init(parse).as_ref()
    }

    fn refuse(&self, rule: &CompiledPoint, expected: &'static str) -> CodecError {
        CodecError::Payload {
            topic: self.topic.clone(),
            rule: rule.describe(),
            expected,
        }
    }
}

pub(super) fn decode(
    codec: &ProfileCodec,
    device: &str,
    topic: &Topic,
    payload: &[u8],
) -> Result<Decoded, CodecError> {
    let mut decoded = Decoded::default();
    // An empty payload is how a retained message is deleted; it says nothing about a value.
    if payload.is_empty() {
        return Ok(decoded);
    }
    let message = Message {
        topic,
        text: str::from_utf8(payload).ok(),
        json: OnceCell::new(),
    };
    for rule in &codec.points {
        if let Some(fit) = rule.topic.fit(device, topic) {
            apply(rule, fit, &message, &mut decoded)?;
        }
    }
    acknowledge(codec, device, &message, &mut decoded);
    Ok(decoded)
}

/// Finds the values that a rule is about.
fn apply(
    rule: &CompiledPoint,
    fit: Fit<'_>,
    message: &Message<'_>,
    decoded: &mut Decoded,
) -> Result<(), CodecError> {
    let Some(text) = message.text else {
        return Err(message.refuse(rule, "text in UTF-8"));
    };
    if rule.pointer.is_whole() {
        let found = from_text(rule.rule.kind, text).map_err(|expected| message.refuse(rule, expected))?;
        return take(rule, fit, None, found, message, decoded);
    }
    let Some(document) = message.json() else {
        return Err(message.refuse(rule, "JSON"));
    };
    for (member, json) in rule.pointer.find(document) {
        // One member that is not what it should be takes nothing from the others.
        let found = from_json(rule.rule.kind, json).unwrap_or_else(|expected| {
            decoded.rejected.push(message.refuse(rule, expected));
            Err(NoData::DeviceError).into()
        });
        take(rule, fit, member, found, message, decoded)?;
    }
    Ok(())
}

/// Makes a sample of what was found, unless an earlier rule has named the point.
fn take(
    rule: &CompiledPoint,
    fit: Fit<'_>,
    member: Option<&str>,
    found: Found,
    message: &Message<'_>,
    decoded: &mut Decoded,
) -> Result<(), CodecError> {
    let name = fill(&rule.rule.point, |word| match word {
        "point" => fit.point.map(Into::into),
        "member" => member.map(Into::into),
        _ => None,
    });
    let Some(point) = name_from(&name).filter(|name| check_name(name).is_ok()) else {
        decoded
            .rejected
            .push(message.refuse(rule, "a name with letters or digits"));
        return Ok(());
    };
    if decoded.samples.get(&point).is_some() {
        return Ok(());
    }
    if decoded.samples.len() == MAX_SAMPLES_PER_MESSAGE {
        return Err(CodecError::TooManySamples {
            topic: message.topic.clone(),
        });
    }
    if let (ONLINE, Ok(Value::Bool(online))) = (point.as_str(), &found.value) {
        decoded.online = Some(*online);
    }
    let declared = rule.rule.cadence_ms;
    decoded.samples.push(Sample {
        point,
        value: found.value,
        unit: found.unit.unwrap_or_else(|| unit(rule, message)),
        at: found.at,
        cadence: found
            .cadence
            .or((declared > 0).then(|| Duration::from_millis(declared))),
        access: found.access.unwrap_or(rule.rule.access),
    });
    Ok(())
}

/// The unit of a rule, or the one that the payload names.
fn unit(rule: &CompiledPoint, message: &Message<'_>) -> Unit {
    if rule.unit_pointer.is_whole() {
        return rule.rule.unit.clone();
    }
    let named = message
        .json()
        .and_then(|document| rule.unit_pointer.find(document).next())
        .and_then(|(_, json)| json.as_str());
    match named {
        Some(name) => Unit::new(rule.rule.units.get(name).map_or(name, String::as_str)),
        None => rule.rule.unit.clone(),
    }
}

/// Finds out which commands the message answers.
fn acknowledge(codec: &ProfileCodec, device: &str, message: &Message<'_>, decoded: &mut Decoded) {
    let mut answering = codec.commands.iter().filter_map(|command| {
        let fit = command.ack.as_ref()?.fit(device, message.topic)?;
        Some((command, fit))
    });
    let Some((first, fit)) = answering.next() else {
        return;
    };
    let Some((id, result)) = verdict(message) else {
        decoded.rejected.push(CodecError::Payload {
            topic: message.topic.clone(),
            rule: format!("the answer to a command of {}", first.rule.point),
            expected: "ok, or an object with ok or error",
        });
        return;
    };
    let mut commands = vec![first];
    commands.extend(answering.map(|(command, _)| command));
    let mut points: Vec<String> = Vec::new();
    if let Some(point) = fit.point {
        points.extend(name_from(point));
    } else if id.is_none() {
        // The answer repeats the value of the point that was commanded, as Tasmota's RESULT does.
        let commanded = |point: &str| commands.iter().any(|command| command.fits(point));
        points.extend(
            decoded
                .samples
                .iter()
                .map(|sample| sample.point.clone())
                .filter(|point| commanded(point)),
        );
    }
    if let ([], [only]) = (points.as_slice(), commands.as_slice())
        && only.rule.point != "*"
    {
        points.push(only.rule.point.clone());
    }
    let ack = |point| Ack {
        id: id.clone(),
        point,
        result: result.clone(),
    };
    if points.is_empty() && id.is_some() {
        decoded.acks.push(ack(None));
    }
    decoded
        .acks
        .extend(points.into_iter().map(|point| ack(Some(point))));
}

/// The id in an answer, and whether it is a yes. An `error`, or an `ok` that isn't true, is a no. `None` if
/// it is no answer at all: what can't be understood acknowledges nothing.
fn verdict(message: &Message<'_>) -> Option<(Option<String>, Result<(), String>)> {
    let refused = || Err("the device refuses".to_owned());
    let Some(Json::Object(answer)) = message.json() else {
        let text = message.text?.trim();
        return match from_text(ValueKind::Bool, text) {
            Ok(found) if found.value == Ok(Value::Bool(false)) => Some((None, refused())),
            Ok(_) => Some((None, Ok(()))),
            Err(_) => text.eq_ignore_ascii_case("ok").then_some((None, Ok(()))),
        };
    };
    let id = answer.get("id").and_then(Json::as_str).map(str::to_owned);
    let result = match (answer.get("error"), answer.get("ok")) {
        (None | Some(Json::Null), None | Some(Json::Bool(true))) => Ok(()),
        (None | Some(Json::Null), Some(_)) => refused(),
        (Some(Json::String(reason)), _) => Err(reason.chars().take(MAX_REASON_CHARS).collect()),
        (Some(other), _) => Err(other.to_string().chars().take(MAX_REASON_CHARS).collect()),
    };
    Some((id, result))
}
