//! From a command to the message that carries it, by the rules of a profile.

use std::borrow::Cow;

use roost_model::{Value, check_name};

use super::template::fill;
use super::{CompiledCommand, ProfileCodec};
use crate::{CodecError, CommandRequest, Outgoing};

pub(super) fn encode(
    codec: &ProfileCodec,
    device: &str,
    command: CommandRequest<'_>,
) -> Result<Outgoing, CodecError> {
    let no_command = || CodecError::NoCommand {
        profile: codec.id.clone(),
        point: command.point.to_owned(),
    };
    if check_name(device).is_err() || check_name(command.point).is_err() {
        return Err(no_command());
    }
    // A point's own rule comes before the one for all points, wherever they stand.
    let own = |rule: &&CompiledCommand| rule.rule.point == command.point;
    let rule = codec
        .commands
        .iter()
        .find(own)
        .or_else(|| codec.commands.iter().find(|rule| rule.rule.point == "*"))
        .ok_or_else(no_command)?;
    let topic = rule.topic.topic(device, command.point).ok_or_else(no_command)?;
    let (text, json) = forms(rule, command)?;
    let payload = fill(&rule.rule.payload, |word| match word {
        "value" => Some(json.as_str().into()),
        "text" => Some(text.as_str().into()),
        "id" => Some(Cow::Owned(escaped(command.id))),
        "point" => Some(command.point.into()),
        "device" => Some(device.into()),
        _ => None,
    });
    Ok(Outgoing {
        topic,
        payload: payload.into_bytes(),
    })
}

/// The value as plain text and as JSON, in the device's words where the rule has some.
fn forms(rule: &CompiledCommand, command: CommandRequest<'_>) -> Result<(String, String), CodecError> {
    let refuse = |expected: String| CodecError::BadValue {
        point: command.point.to_owned(),
        expected,
    };
    if matches!(command.value, Value::Float(number) if !number.is_finite()) {
        return Err(refuse("a finite number".into()));
    }
    let json = command.value.to_json();
    let text = match command.value {
        Value::Text(text) => text.clone(),
        _ => json.to_string(),
    };
    let words = &rule.rule.values;
    if words.is_empty() {
        return Ok((text, json.to_string()));
    }
    // Nothing but what the profile names is sent: a word that the device would take for something else never
    // leaves.
    match words.get(&text) {
        Some(word) => Ok((word.clone(), serde_json::Value::from(word.as_str()).to_string())),
        None => Err(refuse(
            words.keys().map(String::as_str).collect::<Vec<_>>().join(" or "),
        )),
    }
}

/// Text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
