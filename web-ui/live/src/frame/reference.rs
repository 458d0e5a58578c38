//! References, by which a client finds the answer to its message: opaque, echoed as they came.

use serde_json::Value;

/// Most bytes of a reference of text, as in frames of bytes, whose lengths are one byte.
pub const REF_BYTES: usize = 255;

/// A reference as JSON text: a string, a number, or `null`. `"1"` is not `1`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ref(Option<Box<str>>);

impl Ref {
    /// None at all.
    pub const NULL: Self = Self(None);

    /// A reference of text, as frames of bytes hold it.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(Some(Value::from(text).to_string().into()))
    }

    /// What a message holds, if it can be a reference.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::NULL),
            Value::String(text) if text.len() > REF_BYTES => None,
            Value::String(_) | Value::Number(_) => Some(Self(Some(value.to_string().into()))),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// This one, or another where there is none.
    #[must_use]
    pub fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_null() { other } else { self }
    }

    /// As it stands in JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.as_deref().unwrap_or("null")
    }

    /// As it stands in a frame of bytes: the string itself, a number in decimal, nothing for `null`.
    pub(super) fn plain(&self) -> String {
        let Some(json) = self.0.as_deref() else {
            return String::new();
        };
        serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
    }
}
