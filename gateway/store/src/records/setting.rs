//! What makes a setting valid.

use roost_model::{Setting, check_name};

use crate::{FieldErrors, Record};

/// Longest value of a setting, in bytes.
const MAX_VALUE_BYTES: usize = 16 * 1024;

impl Record for Setting {
    const TABLE: &'static str = "settings";
    const FIELDS: &'static [&'static str] = &["id", "value"];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        if self.value.len() > MAX_VALUE_BYTES {
            errors.add("value", format!("has at most {MAX_VALUE_BYTES} bytes"));
        }
    }
}
