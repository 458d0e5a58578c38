//! From a device's message to samples and acknowledgements, by the rules of a profile.

use std::cell::OnceCell;
use std::str;
use std::time::Duration;

use roost_model::{NoData, PayloadKind, Separators, Topic, Unit, Value, ValueKind, check_name, name_from};
use serde_json::Value as Json;

use super::payload::{Found, from_json, from_text, mapped};
use super::template::{Caught, caught, fill};
use super::{CompiledPoint, ONLINE, ProfileCodec, binary, cbor};
use crate::codecs::numbers::adjusted;
use crate::{Ack, CodecError, Decoded, Incoming, MAX_SAMPLES_PER_MESSAGE, Sample};

/// Longest reason of a refusal that is kept, in characters: devices are not trusted to be brief.
const MAX_REASON_CHARS: usize = 200;
/// Most pairs of one payload.
const MAX_PAIRS: usize = 1024;

/// A message of a device. The payload is parsed at most once in each way, however many rules look into it.
struct Message<'a> {
    topic: &'a Topic,
    payload: &'a [u8],
    text: Option<&'a str>,
    separators: &'a Separators,
    json: OnceCell<Option<Json>>,
    cbor: OnceCell<Option<Json>>,
    pairs: OnceCell<Option<Json>>,
}

impl<'a> Message<'a> {
    fn new(incoming: Incoming<'a>, separators: &'a Separators) -> Self {
        Self {
            topic: incoming.topic,
            payload: incoming.payload,
            text: str::from_utf8(incoming.payload).ok(),
            separators,
            json: OnceCell::new(),
            cbor: OnceCell::new(),
            pairs: OnceCell::new(),
        }
    }

    fn json(&self) -> Option<&Json> {
        let parse = || self.text.and_then(|text| serde_json::from_str(text).ok());
        self.json.get_or_init(parse).as_ref()
    }

    /// The document that a rule looks into, or what it expects instead of this payload.
    fn document(&self, kind: PayloadKind) -> Result<&Json, &'static str> {
        match kind {
            PayloadKind::Cbor => {
                let document = self.cbor.get_or_init(|| cbor::document(self.payload));
                document.as_ref().ok_or("CBOR")
            }
            PayloadKind::Pairs => {
                let document = self.pairs.get_or_init(|| pairs(self.text?, self.separators));
                document.as_ref().ok_or("pairs of names and values")
            }
            PayloadKind::Auto | PayloadKind::Binary => match self.text {
                None => Err("text in UTF-8"),
                Some(_) => self.json().ok_or("JSON"),
            },
        }
    }

    fn refuse(&self, rule: &CompiledPoint, expected: &'static str) -> CodecError {
        CodecError::Payload {
            topic: self.topic.clone(),
            rule: rule.describe(),
            expected,
        }
    }
}

/// Pairs as an object of texts.
fn pairs(text: &str, separators: &Separators) -> Option<Json> {
    let mut object = serde_json::Map::new();
    for pair in text.split(separators.between.as_str()).take(MAX_PAIRS) {
        if pair.trim().is_empty() {
            continue;
        }
        let (name, value) = pair.split_once(separators.equals.as_str())?;
        object.insert(name.trim().to_owned(), value.trim().into());
    }
    (!object.is_empty()).then_some(Json::Object(object))
}

pub(super) fn decode(
    codec: &ProfileCodec,
    device: &str,
    incoming: Incoming<'_>,
) -> Result<Decoded, CodecError> {
    let mut decoded = Decoded::default();
    // An empty payload is how a retained message is deleted; it says nothing about a value.
    if incoming.payload.is_empty() {
        return Ok(decoded);
    }
    let message = Message::new(incoming, &codec.pairs);
    for rule in &codec.points {
        if let Some(words) = rule.topic.fit(device, incoming.topic) {
            apply(rule, &words, &message, &mut decoded)?;
        }
    }
    acknowledge(codec, device, &message, &mut decoded);
    Ok(decoded)
}

/// Finds the values that a rule is about.
fn apply(
    rule: &CompiledPoint,
    words: &Caught<'_>,
    message: &Message<'_>,
    decoded: &mut Decoded,
) -> Result<(), CodecError> {
    let refuse = |expected| message.refuse(rule, expected);
    if let Some(field) = rule.rule.binary {
        let value = binary::read(field, message.payload).ok_or_else(|| refuse("more bytes than these"))?;
        let found = value.ok_or(NoData::DeviceError).into();
        return take(rule, &name(rule, words, None), found, message, decoded);
    }
    if rule.pointer.is_whole() && rule.rule.payload == PayloadKind::Auto {
        let text = message.text.ok_or_else(|| refuse("text in UTF-8"))?;
        let found = if rule.rule.map.is_empty() {
            from_text(rule.rule.kind, text)
        } else {
            mapped(&rule.rule.map, text.trim())
        };
        let found = found.map_err(refuse)?;
        return take(rule, &name(rule, words, None), found, message, decoded);
    }
    let document = message.document(rule.rule.payload).map_err(refuse)?;
    for (member, json) in rule.pointer.find(document) {
        let name = name(rule, words, member.as_deref());
        let each = match (rule.rule.kind, json) {
            (ValueKind::Number | ValueKind::Bool, Json::Array(items)) => items.as_slice(),
            _ => &[],
        };
        for (index, json) in each.iter().enumerate() {
            let name = format!("{name}.{}", index + 1);
            take(rule, &name, find(rule, json, message, decoded), message, decoded)?;
        }
        if each.is_empty() {
            take(rule, &name, find(rule, json, message, decoded), message, decoded)?;
        }
    }
    Ok(())
}

/// What a rule finds in a place of a document. One that is not what it should be takes nothing from the others.
fn find(rule: &CompiledPoint, json: &Json, message: &Message<'_>, decoded: &mut Decoded) -> Found {
    let found = match (json, rule.rule.map.is_empty()) {
        (Json::Null, _) | (_, true) => from_json(rule.rule.kind, json),
        (Json::String(word), false) => mapped(&rule.rule.map, word),
        (json, false) => mapped(&rule.rule.map, &json.to_string()),
    };
    found.unwrap_or_else(|expected| {
        decoded.rejected.push(message.refuse(rule, expected));
        Err(NoData::DeviceError).into()
    })
}

/// The name that a rule makes of what was caught.
fn name(rule: &CompiledPoint, words: &Caught<'_>, member: Option<&str>) -> String {
    fill(&rule.rule.point, |word| match word {
        "member" => member.map(Into::into),
        word => caught(words, word).map(Into::into),
    })
}

/// Makes a sample of what was found, unless an earlier rule has named the point.
fn take(
    rule: &CompiledPoint,
    name: &str,
    found: Found,
    message: &Message<'_>,
    decoded: &mut Decoded,
) -> Result<(), CodecError> {
    let Some(point) = name_from(name).filter(|name| check_name(name).is_ok()) else {
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
    let scaled = |value| adjusted(value, rule.rule.scale, rule.rule.add).ok_or(NoData::Implausible);
    decoded.samples.push(Sample {
        point,
        value: found.value.and_then(scaled),
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
        .document(rule.rule.payload)
        .ok()
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
        let words = command.ack.as_ref()?.fit(device, message.topic)?;
        Some((command, words))
    });
    let Some((first, words)) = answering.next() else {
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
    if let Some(point) = caught(&words, "point") {
        points.extend(name_from(point));
    } else if id.is_none() {
        // The answer repeats the value of the point that was commanded, as Tasmota's RESULT does.
        let commanded = |point: &str| commands.iter().any(|command| command.fit(point).is_some());
        points.extend(
            decoded
                .samples
                .iter()
                .map(|sample| sample.point.clone())
                .filter(|point| commanded(point)),
        );
    }
    if let ([], [only]) = (points.as_slice(), commands.as_slice())
        && check_name(&only.rule.point).is_ok()
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
        (Some(other), _) => Err(reason_in(other).chars().take(MAX_REASON_CHARS).collect()),
    };
    Some((id, result))
}

/// Why a device refuses: the words in it, or all of it.
fn reason_in(error: &Json) -> String {
    let words = error.get("message").and_then(Json::as_str);
    words.map_or_else(|| error.to_string(), str::to_owned)
}
