//! Parameters of a page: what its path and its query say, or what a form holds.

use serde::Serialize;
use serde_json::{Map, Value};

/// Parameters by name. A value is text, a list or a map of values, as the brackets in their names say.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Params(pub(crate) Map<String, Value>);

impl Params {
    /// Those of a query; none if it is too long or broken.
    pub(crate) fn of_query(query: &str) -> Self {
        Self(crate::form::decode(query).unwrap_or_default())
    }

    /// The text of this name; `None` if it is not there or no text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The value of this name: text, list or map.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets a value, as the router does with the variables of a path.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Map<String, Value>> for Params {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}
