//! From a command to the message that carries it, by the rules of a profile.

use std::borrow::Cow;

use roost_model::{Value, check_name};

use super::template::{caught, fill};
use super::{CompiledCommand, ProfileCodec};
use crate::codecs::numbers::restored;
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
    // A point's own rule comes before the one for all points, wherever they stand; and the one that names it whole
    // before one that names a part of it.
    let own = |rule: &&CompiledCommand| rule.rule.point == command.point;
    let fits = |rule: &&CompiledCommand| rule.name.is_some() && rule.fit(command.point).is_some();
    let rules = || codec.commands.iter();
    let rule = rules()
        .find(own)
        .or_else(|| rules().find(fits))
        .or_else(|| rules().find(|rule| rule.name.is_none()))
        .ok_or_else(no_command)?;
    let words = rule.fit(command.point).ok_or_else(no_command)?;
    let topic = rule.topic.topic(device, &words).ok_or_else(no_command)?;
    let (text, json) = forms(rule, command)?;
    let payload = fill(&rule.rule.payload, |word| match word {
        "value" => Some(json.as_str().into()),
        "text" => Some(text.as_str().into()),
        "id" => Some(Cow::Owned(escaped(command.id))),
        "device" => Some(device.into()),
        word => caught(&words, word).map(Into::into),
    });
    let outgoing = Outgoing::new(topic, payload);
    Ok(match rule.rule.confirm_point.as_str() {
        "" => outgoing,
        point => outgoing.confirmed_by(point),
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
    let bounds = (rule.rule.min, rule.rule.max);
    let within =
        |number| bounds.0.is_none_or(|min| min <= number) && bounds.1.is_none_or(|max| number <= max);
    if bounds != (None, None) && !command.value.as_f64().is_some_and(within) {
        return Err(refuse(range(bounds)));
    }
    let value = restored(command.value, rule.rule.scale, rule.rule.add)
        .ok_or_else(|| refuse("a number of its size".into()))?;
    let json = value.to_json();
    let text = match value {
        Value::Text(text) => text,
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

/// A range, as it is told to whoever left it.
fn range(bounds: (Option<f64>, Option<f64>)) -> String {
    match bounds {
        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
        (Some(min), None) => format!("a number of {min} or more"),
        (None, Some(max)) => format!("a number up to {max}"),
        (None, None) => "a number".into(),
    }
}

/// Text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
