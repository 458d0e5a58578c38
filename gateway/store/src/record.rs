//! What a type needs to be kept in a table.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::FieldErrors;

/// A type that is kept in a table under a key. Its JSON form is what is stored, so it must hold every field.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// Name of the table: lower-case letters, digits and `_`. Changing it takes a migration.
    const TABLE: &'static str;
    /// Fields that may be set from outside by [`crate::Changeset::cast`]. Secrets and states are not among
    /// them.
    const FIELDS: &'static [&'static str];
    /// The field that holds the key.
    const KEY_FIELD: &'static str = "id";

    /// The key, unique in the table.
    fn key(&self) -> &str;

    /// What it belongs to, if it is also looked for by that: its records are then found without reading the others
    /// ([`crate::Table::last_of`]). Must not change in a record's life.
    fn index(&self) -> Option<&str> {
        None
    }

    /// Adds what is wrong to `errors`. Checks this record alone; whether what it names exists is for the
    /// caller to check.
    fn validate(&self, errors: &mut FieldErrors);
}
