//! One thing that an entity reports or takes: its point, where it is said, and what the device's words mean.

use roost_model::{Access, NoData, Topic, Unit, Value};
use serde_json::Value as Json;

use super::expression::{Payload, Template, shown};
use crate::codecs::numbers::whole_if_it_is;
use crate::{CodecError, CommandRequest, Described, Outgoing};

/// What devices say when they have no value.
const NOTHING: [&str; 6] = ["", "none", "null", "unknown", "unavailable", "nan"];

/// One thing of an entity: an entity such as a lamp has several.
#[derive(Debug, Clone)]
pub(super) struct Aspect {
    pub(super) point: String,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) state: Option<Place>,
    pub(super) command: Option<Place>,
}

/// Where something is said, and the template between the message and the value.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) topic: Topic,
    pub(super) template: Option<Template>,
}

/// What the device's words mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A number if it is one, text otherwise.
    Auto,
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Text,
    /// A document.
    Json,
    /// The device's words for on and off, in what it says and in what it takes.
    Switch {
        says: [String; 2],
        takes: [String; 2],
    },
    /// Words that are the same on both sides; if none are listed, any.
    Words(Vec<String>),
    /// The device's words for ours, in what it says and in what it takes.
    Mapped {
        says: Vec<(String, &'static str)>,
        takes: Vec<(&'static str, String)>,
    },
    /// A button: the word that presses it.
    Press(String),
}

impl Kind {
    /// What a part of a message means. The error is what was expected.
    pub(super) fn value(&self, json: &Json) -> Result<Result<Value, NoData>, &'static str> {
        if *self == Self::Json {
            return Ok(Ok(Value::from_json(json.clone())));
        }
        let text = shown(Some(json));
        let word = text.trim();
        let is_nothing = json.is_null() || NOTHING.iter().any(|nothing| word.eq_ignore_ascii_case(nothing));
        if is_nothing && *self != Self::Text {
            return Ok(Err(NoData::DeviceError));
        }
        let found = match self {
            Self::Number { .. } => number(json, word).ok_or("a finite number")?,
            Self::Auto => number(json, word).unwrap_or_else(|| Value::from_json(json.clone())),
            Self::Switch { says, .. } => match says.iter().position(|known| known.eq_ignore_ascii_case(word))
            {
                Some(at) => Value::Bool(at == 0),
                None => return Err("its word for on or for off"),
            },
            Self::Words(options) => {
                let known = options.is_empty() || options.iter().any(|option| option == word);
                Value::Text(if known {
                    word.to_owned()
                } else {
                    return Err("one of its options");
                })
            }
            Self::Mapped { says, .. } => match says.iter().find(|(theirs, _)| theirs == word) {
                Some((_, ours)) => Value::Text((*ours).to_owned()),
                None => return Err("one of its states"),
            },
            Self::Text | Self::Press(_) | Self::Json => Value::Text(text),
        };
        Ok(Ok(found))
    }

    /// What a device takes for a value. The error is what the point takes.
    fn word(&self, value: &Value) -> Result<Json, String> {
        match self {
            Self::Number { min, max } => {
                let within = |number: &f64| {
                    min.is_none_or(|min| min <= *number) && max.is_none_or(|max| *number <= max)
                };
                match value.as_f64().filter(|number| number.is_finite()).filter(within) {
                    Some(_) => Ok(whole_if_it_is(value.clone()).to_json()),
                    None => Err(range(*min, *max)),
                }
            }
            Self::Switch { takes, .. } => match value {
                Value::Bool(on) => Ok(takes[usize::from(!on)].as_str().into()),
                _ => Err("true or false".into()),
            },
            Self::Words(options) => match value {
                Value::Text(word) if options.is_empty() || options.contains(word) => Ok(word.as_str().into()),
                _ if options.is_empty() => Err("a word".into()),
                _ => Err(options.join(" or ")),
            },
            Self::Mapped { takes, .. } => match value {
                Value::Text(word) => takes.iter().find(|(ours, _)| ours == word),
                _ => None,
            }
            .map(|(_, theirs)| theirs.as_str().into())
            .ok_or_else(|| {
                takes
                    .iter()
                    .map(|(ours, _)| *ours)
                    .collect::<Vec<_>>()
                    .join(" or ")
            }),
            Self::Press(word) => match value {
                Value::Bool(true) => Ok(word.as_str().into()),
                _ => Err("true, to press it".into()),
            },
            Self::Text => match value {
                Value::Text(text) => Ok(text.as_str().into()),
                other => Ok(other.to_json().to_string().into()),
            },
            Self::Auto | Self::Json => Ok(value.to_json()),
        }
    }
}

fn number(json: &Json, word: &str) -> Option<Value> {
    match json {
        Json::Number(_) => Some(Value::from_json(json.clone())),
        Json::Bool(_) => None,
        _ => match word.parse() {
            Ok(count) => Some(Value::Int(count)),
            Err(_) => word
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Value::Float),
        },
    }
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
        (Some(min), None) => format!("a number of {min} or more"),
        (None, Some(max)) => format!("a number up to {max}"),
        (None, None) => "a number".into(),
    }
}

impl Aspect {
    /// What the aspect makes of a message on its topic: nothing if the message is about something else.
    pub(super) fn read(&self, payload: &Payload<'_>) -> Result<Option<Result<Value, NoData>>, &'static str> {
        let template = self.state.as_ref().and_then(|state| state.template.as_ref());
        let made = match template {
            Some(template) => template.fill(payload)?,
            None => Some(payload.value.clone()),
        };
        made.map(|json| self.kind.value(&json)).transpose()
    }

    /// The message that carries a command; `None` if the aspect takes none.
    pub(super) fn write(&self, command: CommandRequest<'_>) -> Option<Result<Outgoing, CodecError>> {
        let place = self.command.as_ref()?;
        let refuse = |expected: String| CodecError::BadValue {
            point: self.point.clone(),
            expected,
        };
        let word = match self.kind.word(command.value) {
            Ok(word) => word,
            Err(expected) => return Some(Err(refuse(expected))),
        };
        let filled = match &place.template {
            None => Ok(Some(word)),
            Some(template) => template.fill(&Payload {
                document: Some(&word.clone()),
                value: word,
            }),
        };
        Some(match filled {
            Ok(made) => Ok(Outgoing::new(place.topic.clone(), shown(made.as_ref()))),
            Err(expected) => Err(refuse(expected.to_owned())),
        })
    }

    /// What is known of the point before its first value.
    pub(super) fn described(&self, label: String, class: String) -> Described {
        let (mut options, mut bounds) = (Vec::new(), (None, None));
        match &self.kind {
            Kind::Number { min, max } => bounds = (*min, *max),
            Kind::Words(words) => options.clone_from(words),
            Kind::Mapped { takes, .. } => {
                options = takes.iter().map(|(ours, _)| (*ours).to_owned()).collect()
            }
            _ => {}
        }
        Described {
            point: self.point.clone(),
            label,
            unit: self.unit.clone(),
            access: self.access(),
            class,
            options,
            min: bounds.0,
            max: bounds.1,
        }
    }

    /// Whether it takes commands.
    pub(super) fn access(&self) -> Access {
        if self.command.is_some() {
            Access::ReadWrite
        } else {
            Access::Read
        }
    }
}
