//! What a point can hold: a value, or the reason why there is none, and the unit it is counted in.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One measured or commanded value. On the wire it is the JSON scalar of the same kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A switch, a contact, an alarm.
    Bool(bool),
    /// A count.
    Int(i64),
    /// A measurement; always finite.
    Float(f64),
    /// A mode, a label.
    Text(String),
    /// A document that no rule took apart.
    Json(serde_json::Value),
}

impl Value {
    /// The value of a JSON document: scalars become their kind, everything else stays a document.
    #[must_use]
    pub fn from_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::String(value) => Self::Text(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Text(number.to_string()),
            },
            document => Self::Json(document),
        }
    }

    /// The JSON form. A float that is not finite has none and becomes `null`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Json(value) => value.clone(),
        }
    }

    /// Whether a device that reports `self` has done what `wanted` asked: numbers compare by size, not by kind.
    #[must_use]
    pub fn agrees_with(&self, wanted: &Value) -> bool {
        match (self.as_f64(), wanted.as_f64()) {
            (Some(left), Some(right)) => {
                (left - right).abs() <= f64::EPSILON * left.abs().max(right.abs()).max(1.0)
            }
            _ => self == wanted,
        }
    }

    /// The value as a number, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts above 2^53 are shown, not computed with"
            )]
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    /// As an operator reads it: `on`/`off`, numbers with at most three decimals, text as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("on"),
            Self::Bool(false) => f.write_str("off"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) if value.abs() >= 1e9 || (*value != 0.0 && value.abs() < 1e-3) => {
                write!(f, "{value:e}")
            }
            Self::Float(value) => write!(f, "{}", (value * 1000.0).round() / 1000.0),
            Self::Text(value) => f.write_str(value),
            Self::Json(value) => write!(f, "{value}"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Null => Err(de::Error::custom("null is not a value")),
            json => Ok(Self::from_json(json)),
        }
    }
}

/// Why a point has no value. A failed read is data: it has a time and is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Nothing answered at the device's address.
    DeviceAbsent,
    /// The device answered with an error or with nonsense.
    DeviceError,
    /// The device did not answer in time.
    Timeout,
    /// The device answered with a value that it cannot have measured.
    Implausible,
}

impl fmt::Display for NoData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeviceAbsent => "device absent",
            Self::DeviceError => "device error",
            Self::Timeout => "no answer in time",
            Self::Implausible => "implausible value",
        })
    }
}

/// A unit of measurement, written as people write it: `°C`, `%`, `kWh`. Empty where a value has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Unit(Cow<'static, str>);

/// Units that most points have; they are shared instead of allocated for every point.
const COMMON_UNITS: [&str; 20] = [
    "", "°C", "°F", "K", "%", "hPa", "Pa", "lx", "ppm", "V", "mV", "A", "mA", "W", "kW", "kWh", "Hz", "dBm",
    "s", "l/min",
];

impl Unit {
    /// No unit.
    pub const NONE: Self = Self(Cow::Borrowed(""));

    /// The unit written as `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match COMMON_UNITS.iter().find(|unit| **unit == text) {
            Some(common) => Self(Cow::Borrowed(common)),
            None => Self(Cow::Owned(text.to_owned())),
        }
    }

    /// The unit as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&Cow::<'_, str>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_kind_through_json() {
        for value in [
            Value::Bool(true),
            Value::Int(-7),
            Value::Float(21.0),
            Value::Float(0.1),
            Value::Text("auto".into()),
            Value::Json(serde_json::json!({"a": [1, 2]})),
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn a_number_agrees_with_the_same_number_of_another_kind() {
        assert!(Value::Float(21.0).agrees_with(&Value::Int(21)));
        assert!(!Value::Float(21.1).agrees_with(&Value::Int(21)));
        assert!(!Value::Bool(true).agrees_with(&Value::Int(1)));
    }

    #[test]
    fn numbers_are_shown_without_noise() {
        assert_eq!(Value::Float(21.500_000_01).to_string(), "21.5");
        assert_eq!(Value::Float(0.000_01).to_string(), "1e-5");
        assert_eq!(Value::Bool(false).to_string(), "off");
    }
}
