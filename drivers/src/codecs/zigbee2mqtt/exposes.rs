//! What a Zigbee device can do, as the bridge describes it: types, ranges, words, units.
//!
//! Source: Zigbee2MQTT documentation, "Exposes".

use roost_model::{Access, NoData, Unit, Value, name_from};
use serde_json::Value as Json;

use crate::codecs::numbers::whole_if_it_is;
use crate::{Described, MAX_DESCRIBED_POINTS};

/// Deepest nesting of features that is followed: a composite within a light.
const MAX_DEPTH: usize = 4;
/// Whether a property can be set: the second bit of its access.
const SETTABLE: u64 = 0b010;

/// One property of a device.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feature {
    pub(super) point: String,
    /// Its property; for a part of a composite, that one's property before it.
    pub(super) path: Vec<String>,
    label: String,
    class: String,
    unit: String,
    can_be_set: bool,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Binary { on: Json, off: Json },
    Numeric { min: Option<f64>, max: Option<f64> },
    Words(Vec<String>),
    Any,
}

/// All properties that are described, each once.
pub(super) fn features(exposes: &[Json]) -> Vec<Feature> {
    let mut found = Vec::new();
    for expose in exposes {
        collect(expose, &[], 0, &mut found);
    }
    found
}

fn collect(expose: &Json, within: &[String], depth: usize, found: &mut Vec<Feature>) {
    if depth > MAX_DEPTH || found.len() >= MAX_DESCRIBED_POINTS {
        return;
    }
    let text = |name: &str| expose.get(name).and_then(Json::as_str);
    if let Some(Json::Array(inner)) = expose.get("features") {
        // A composite has a property of its own; a lamp or a switch only groups.
        let within: Vec<String> = within
            .iter()
            .cloned()
            .chain(text("property").map(str::to_owned))
            .collect();
        for feature in inner {
            collect(feature, &within, depth + 1, found);
        }
        return;
    }
    let Some(property) = text("property") else { return };
    let path: Vec<String> = within.iter().cloned().chain([property.to_owned()]).collect();
    let Some(point) = name_from(&path.join(".")) else {
        return;
    };
    if path.len() > 2 || found.iter().any(|known: &Feature| known.point == point) {
        return;
    }
    found.push(Feature {
        point,
        path,
        label: text("label").unwrap_or_default().to_owned(),
        class: text("name").unwrap_or_default().to_owned(),
        unit: text("unit").unwrap_or_default().to_owned(),
        can_be_set: expose.get("access").and_then(Json::as_u64).unwrap_or(0) & SETTABLE != 0,
        kind: kind(expose),
    });
}

fn kind(expose: &Json) -> Kind {
    let member = |name: &str| expose.get(name).cloned().unwrap_or(Json::Null);
    match expose.get("type").and_then(Json::as_str) {
        // A contact is true while it is closed, whichever of the two the bridge calls on.
        Some("binary") if member("value_on").is_boolean() => Kind::Binary {
            on: true.into(),
            off: false.into(),
        },
        Some("binary") => Kind::Binary {
            on: member("value_on"),
            off: member("value_off"),
        },
        Some("numeric") => Kind::Numeric {
            min: member("value_min").as_f64(),
            max: member("value_max").as_f64(),
        },
        Some("enum") => {
            let values = expose.get("values").and_then(Json::as_array);
            let words = values.into_iter().flatten().filter_map(Json::as_str);
            Kind::Words(words.map(str::to_owned).collect())
        }
        _ => Kind::Any,
    }
}

impl Feature {
    /// What a property means. The error is what was expected.
    pub(super) fn value(&self, json: &Json) -> Result<Result<Value, NoData>, &'static str> {
        Ok(Ok(match &self.kind {
            Kind::Binary { on, .. } if json == on => Value::Bool(true),
            Kind::Binary { off, .. } if json == off => Value::Bool(false),
            Kind::Binary { .. } => return Err("its value for on or for off"),
            Kind::Numeric { .. } if json.is_number() => Value::from_json(json.clone()),
            Kind::Numeric { .. } => return Err("a number"),
            // A list that is not complete is no reason to keep a word back.
            Kind::Words(_) | Kind::Any => Value::from_json(json.clone()),
        }))
    }

    /// What the device takes for a value. The error is what the point takes.
    pub(super) fn word(&self, value: &Value) -> Result<Json, String> {
        match (&self.kind, value) {
            (Kind::Binary { on, .. }, Value::Bool(true)) => Ok(on.clone()),
            (Kind::Binary { off, .. }, Value::Bool(false)) => Ok(off.clone()),
            (Kind::Binary { .. }, _) => Err("true or false".into()),
            (Kind::Numeric { min, max }, value) => {
                let within = |number: &f64| {
                    number.is_finite()
                        && min.is_none_or(|min| min <= *number)
                        && max.is_none_or(|max| *number <= max)
                };
                match value.as_f64().filter(within) {
                    Some(_) => Ok(whole_if_it_is(value.clone()).to_json()),
                    None => Err(match (min, max) {
                        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
                        (Some(min), None) => format!("a number of {min} or more"),
                        (None, Some(max)) => format!("a number up to {max}"),
                        (None, None) => "a number".into(),
                    }),
                }
            }
            (Kind::Words(words), Value::Text(word)) if words.contains(word) => Ok(word.as_str().into()),
            (Kind::Words(words), _) => Err(words.join(" or ")),
            (Kind::Any, value) => Ok(value.to_json()),
        }
    }

    pub(super) fn unit(&self) -> Unit {
        Unit::new(&self.unit)
    }

    pub(super) fn access(&self) -> Access {
        if self.can_be_set {
            Access::ReadWrite
        } else {
            Access::Read
        }
    }

    pub(super) fn described(&self) -> Described {
        let (options, min, max) = match &self.kind {
            Kind::Words(words) => (words.clone(), None, None),
            Kind::Numeric { min, max } => (Vec::new(), *min, *max),
            _ => (Vec::new(), None, None),
        };
        Described {
            point: self.point.clone(),
            label: self.label.clone(),
            unit: self.unit(),
            access: self.access(),
            class: self.class.clone(),
            options,
            min,
            max,
        }
    }
}
