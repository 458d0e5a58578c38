//! A property of a Homie device: its type, format and unit, and what its payloads mean.
//!
//! Source: The Homie Convention, "Payload" and "Property attributes".

use roost_model::{Access, Unit, Value, name_from};

use crate::Described;
use crate::codecs::numbers::whole_if_it_is;

/// Longest text of an attribute that is kept, in bytes: a format lists words.
const MAX_ATTRIBUTE_BYTES: usize = 4096;
/// Most words of an enumeration.
const MAX_WORDS: usize = 256;

/// A property, as far as its device has described it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    pub(super) point: String,
    node: String,
    id: String,
    name: String,
    unit: String,
    format: String,
    datatype: Datatype,
    is_settable: bool,
}

/// The types of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datatype {
    /// Nothing was said: a number or a switch if it looks like one.
    Unknown,
    Integer,
    Float,
    Boolean,
    Enum,
    /// Text, and what is text here: colors, dates, durations.
    Text,
    Json,
}

impl Property {
    /// A property of which nothing is known yet; `None` if its names leave nothing to call it by.
    pub(super) fn new(node: &str, id: &str) -> Option<Self> {
        Some(Self {
            point: name_from(&format!("{node}.{id}"))?,
            node: node.to_owned(),
            id: id.to_owned(),
            name: String::new(),
            unit: String::new(),
            format: String::new(),
            datatype: Datatype::Unknown,
            is_settable: false,
        })
    }

    pub(super) fn is(&self, node: &str, id: &str) -> bool {
        self.node == node && self.id == id
    }

    /// Where it is, behind the device.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.node, self.id)
    }

    pub(super) fn unit(&self) -> Unit {
        Unit::new(&self.unit)
    }

    pub(super) fn access(&self) -> Access {
        if self.is_settable {
            Access::ReadWrite
        } else {
            Access::Read
        }
    }

    /// Takes an attribute. Returns whether it changed anything.
    pub(super) fn learn(&mut self, attribute: &str, text: &str) -> bool {
        if text.len() > MAX_ATTRIBUTE_BYTES {
            return false;
        }
        let before = self.clone();
        match attribute {
            "name" => text.clone_into(&mut self.name),
            "unit" => text.clone_into(&mut self.unit),
            "format" => text.clone_into(&mut self.format),
            "settable" => self.is_settable = text == "true",
            "datatype" => {
                self.datatype = match text {
                    "integer" => Datatype::Integer,
                    "float" => Datatype::Float,
                    "boolean" => Datatype::Boolean,
                    "enum" => Datatype::Enum,
                    "json" => Datatype::Json,
                    _ => Datatype::Text,
                }
            }
            _ => {}
        }
        *self != before
    }

    /// What a payload means. The error is what was expected.
    pub(super) fn value(&self, text: &str) -> Result<Value, &'static str> {
        let float = || {
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Value::Float)
        };
        match self.datatype {
            Datatype::Integer => text.parse().map(Value::Int).map_err(|_| "a whole number"),
            Datatype::Float => float().ok_or("a finite number"),
            Datatype::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err("true or false"),
            },
            Datatype::Enum if !self.words().is_empty() && !self.words().contains(&text.trim()) => {
                Err("a word of its format")
            }
            Datatype::Enum => Ok(Value::Text(text.trim().to_owned())),
            Datatype::Text => Ok(Value::Text(text.to_owned())),
            Datatype::Json => serde_json::from_str(text)
                .map(Value::from_json)
                .map_err(|_| "JSON"),
            Datatype::Unknown => Ok(match (text, text.parse(), float()) {
                ("true", ..) => Value::Bool(true),
                ("false", ..) => Value::Bool(false),
                (_, Ok(whole), _) => Value::Int(whole),
                (_, _, Some(number)) => number,
                _ => Value::Text(text.to_owned()),
            }),
        }
    }

    /// What the device takes for a value. The error is what the point takes.
    pub(super) fn word(&self, value: &Value) -> Result<String, String> {
        let value = whole_if_it_is(value.clone());
        match (self.datatype, &value) {
            (Datatype::Integer, Value::Int(_)) | (Datatype::Float, Value::Int(_) | Value::Float(_)) => {
                let (min, max) = self.bounds();
                let within = |number: f64| {
                    number.is_finite()
                        && min.is_none_or(|min| min <= number)
                        && max.is_none_or(|max| number <= max)
                };
                if value.as_f64().is_some_and(within) {
                    Ok(value.to_json().to_string())
                } else {
                    Err(format!("a number within {}", self.format))
                }
            }
            (Datatype::Integer, _) => Err("a whole number".into()),
            (Datatype::Float, _) => Err("a number".into()),
            (Datatype::Boolean, Value::Bool(on)) => Ok(on.to_string()),
            (Datatype::Boolean, _) => Err("true or false".into()),
            (Datatype::Enum, Value::Text(word)) if self.words().contains(&word.as_str()) => Ok(word.clone()),
            (Datatype::Enum, _) => Err(self.words().join(" or ")),
            (Datatype::Text | Datatype::Unknown, Value::Text(text)) => Ok(text.clone()),
            (Datatype::Text | Datatype::Unknown | Datatype::Json, value) => Ok(value.to_json().to_string()),
        }
    }

    fn words(&self) -> Vec<&str> {
        self.format
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .take(MAX_WORDS)
            .collect()
    }

    /// The range in a format: `10:15`, in version 5 open on a side and with a step, `10:` or `0:100:5`.
    fn bounds(&self) -> (Option<f64>, Option<f64>) {
        let mut parts = self.format.split(':').map(|part| part.trim().parse().ok());
        (parts.next().flatten(), parts.next().flatten())
    }

    pub(super) fn described(&self) -> Described {
        let numeric = matches!(self.datatype, Datatype::Integer | Datatype::Float);
        let (min, max) = if numeric { self.bounds() } else { (None, None) };
        let options = match self.datatype {
            Datatype::Enum => self.words().into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Described {
            point: self.point.clone(),
            label: self.name.clone(),
            unit: self.unit(),
            access: self.access(),
            class: String::new(),
            options,
            min,
            max,
        }
    }
}
