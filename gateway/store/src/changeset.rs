//! Changesets: the only way from what somebody sent to a record that may be written.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::{Map, Value};

use crate::cast::{self, Fault};
use crate::nearest::nearest;
use crate::{FieldErrors, Record};

/// Most names that are not fields that are reported; a sender of nonsense gets no longer answer than that.
const MAX_UNKNOWN: usize = 20;

/// A record on its way: a base, the changes that were wanted, and what is wrong with them so far.
///
/// ```
/// use roost_model::Device;
/// use roost_store::Changeset;
///
/// let params = serde_json::json!({"id": "meter", "driver": "simulated", "bus": "i2c-1", "address": "0x40"});
/// let params = params.as_object().unwrap();
/// let device = Changeset::cast(Device::default(), params).finish().unwrap();
/// assert_eq!(device.address, 0x40);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a changeset does nothing until it is finished"]
pub struct Changeset<R: Record> {
    record: R,
    /// Key of the base; empty for a record that is new.
    key: String,
    errors: FieldErrors,
    /// Fields whose new value could not be taken.
    not_taken: BTreeSet<String>,
}

impl<R: Record> Changeset<R> {
    /// Takes from `params` what may be set from outside. Every wrong field gets its own message and keeps the
    /// value of `base`; all others are taken.
    pub fn cast(base: R, params: &Map<String, Value>) -> Self {
        Self::cast_only(base, params, R::FIELDS)
    }

    /// Like [`Self::cast`], for a sender who may set only some of the fields: those in `allowed` and in
    /// [`Record::FIELDS`].
    pub fn cast_only(base: R, params: &Map<String, Value>, allowed: &[&str]) -> Self {
        let mut changeset = Self::change_of(base);
        let fields: Vec<&str> = R::FIELDS
            .iter()
            .copied()
            .filter(|field| allowed.contains(field))
            .collect();
        let Ok(Value::Object(mut json)) = serde_json::to_value(&changeset.record) else {
            changeset.errors.add(R::TABLE, "has no fields that could be set");
            return changeset;
        };
        let mut unknown = 0;
        for (name, value) in params {
            if fields.contains(&name.as_str()) {
                changeset.take(&mut json, name, value);
            } else if unknown < MAX_UNKNOWN {
                unknown += 1;
                let message = match nearest(name, &fields) {
                    Some(meant) => format!("is not a field; did you mean {meant}?"),
                    None => "is not a field".to_owned(),
                };
                changeset.errors.add(name, message);
            }
        }
        changeset
    }

    /// A changeset without parameters, for changes that the program itself makes.
    pub fn change_of(base: R) -> Self {
        Self {
            key: base.key().to_owned(),
            record: base,
            errors: FieldErrors::new(),
            not_taken: BTreeSet::new(),
        }
    }

    /// Sets one field in `json` and reads the record again, so that a fault can only be this field's.
    fn take(&mut self, json: &mut Map<String, Value>, name: &str, value: &Value) {
        let before = json.insert(name.to_owned(), value.clone());
        let candidate = Value::Object(std::mem::take(json));
        let result = cast::read::<R>(&candidate);
        if let Value::Object(map) = candidate {
            *json = map;
        }
        match result {
            Ok(record) => self.record = record,
            Err(Fault { path, message }) => {
                let path = if path.is_empty() { name.to_owned() } else { path };
                self.errors.add(path, message);
                self.not_taken.insert(name.to_owned());
                match before {
                    Some(before) => json.insert(name.to_owned(), before),
                    None => json.remove(name),
                };
            }
        }
    }

    /// Makes a change that did not come from outside: a hash, a state, a time.
    pub fn change(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.record);
        self
    }

    /// Makes a check that the record can't make by itself, such as whether what it names exists.
    pub fn validate_with(mut self, check: impl FnOnce(&R, &mut FieldErrors)) -> Self {
        let mut found = FieldErrors::new();
        check(&self.record, &mut found);
        self.merge(&found);
        self
    }

    /// The record as it would be, valid or not: what a form shows while somebody types.
    #[must_use]
    pub fn record(&self) -> &R {
        &self.record
    }

    /// Validates the record.
    ///
    /// # Errors
    /// All that is wrong, by field.
    pub fn finish(mut self) -> Result<Valid<R>, FieldErrors> {
        let mut found = FieldErrors::new();
        self.record.validate(&mut found);
        if !self.key.is_empty() && self.record.key() != self.key {
            // Written under another key it would be a second record, and the first would stay.
            found.add(R::KEY_FIELD, "can't be changed");
        }
        self.merge(&found);
        if self.errors.is_empty() {
            Ok(Valid(self.record))
        } else {
            Err(self.errors)
        }
    }

    /// Adds what a check found. A field whose value was not taken keeps only the message why: what is said
    /// about the value that stands there instead would be about something that nobody sent.
    fn merge(&mut self, found: &FieldErrors) {
        for (field, messages) in found.iter() {
            if !self.not_taken.contains(top(field)) {
                for message in messages {
                    self.errors.add(field, message);
                }
            }
        }
    }
}

/// The field of a path: `points` of `points[1].topic`.
fn top(path: &str) -> &str {
    path.split(['[', '.']).next().unwrap_or(path)
}

/// A record that has passed its validation. Only [`Changeset::finish`] makes one, and a table takes nothing
/// else:
///
/// ```compile_fail,E0308
/// use roost_model::Device;
/// use roost_store::Table;
///
/// fn write(table: &Table<Device>, device: Device) {
///     let _ = table.put(device);
/// }
/// ```
///
/// ```compile_fail,E0423
/// let forged = roost_store::Valid(roost_model::Device::default());
/// ```
///
/// ```
/// use roost_model::Device;
/// use roost_store::{Table, Valid};
///
/// fn write(table: &Table<Device>, device: Valid<Device>) {
///     let _ = table.put(device);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid<R>(R);

impl<R> Valid<R> {
    /// The record, to be changed again: it is no longer known to be valid.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.0
    }
}

impl<R> Deref for Valid<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.0
    }
}

#[cfg(test)]
mod tests;
