//! What is wrong with the fields of a record, in words that can stand beside the field.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Messages by field. A message follows the field's name: "address" "must be a whole number from 0 to 65535".
/// An error deep in a field has its path as name: `points[1].topic`.
///
/// The JSON form is `{"field": ["message", …]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// No errors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message about a field. The same message twice is kept once.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let (messages, message) = (self.0.entry(field.into()).or_default(), message.into());
        if !messages.contains(&message) {
            messages.push(message);
        }
    }

    /// Adds the error of a check that failed; nothing for one that passed.
    pub fn check<E: fmt::Display>(&mut self, field: impl Into<String>, checked: Result<(), E>) {
        if let Err(error) = checked {
            self.add(field, error.to_string());
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages about one field; empty if nothing is wrong with it.
    #[must_use]
    pub fn of(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// Fields by name, each with its messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }
}

impl fmt::Display for FieldErrors {
    /// One line: `address must be …; id can't be empty`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (field, messages) in self.iter() {
            for message in messages {
                write!(f, "{separator}{field} {message}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_a_list_of_messages_beside_each_field() {
        let mut errors = FieldErrors::new();
        assert!(errors.is_empty());
        errors.add("id", "can't be empty");
        errors.add("address", "must be a whole number");
        errors.add("id", "can't be empty");
        assert_eq!(
            serde_json::to_string(&errors).unwrap(),
            r#"{"address":["must be a whole number"],"id":["can't be empty"]}"#
        );
        assert_eq!(
            errors.to_string(),
            "address must be a whole number; id can't be empty"
        );
        assert_eq!((errors.of("id").len(), errors.of("label").len()), (1, 0));
    }
}
