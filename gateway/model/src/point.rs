//! Points: what a device has to say or to be told, and how their names are made.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Unit;

/// Longest name of a device, a point, a profile, a bus.
pub(crate) const MAX_NAME_BYTES: usize = 64;

/// Why a string is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("can't be empty")]
    Empty,
    /// More than 64 bytes.
    #[error("has at most {MAX_NAME_BYTES} characters")]
    TooLong,
    /// A character that would need escaping somewhere (topics, URLs, file names).
    #[error("has letters a-z A-Z, digits, - _ . only, and starts with a letter or digit")]
    Character,
}

/// Checks a name that stands in topics, URLs and logs alike: 1 to 64 of `a-z A-Z 0-9 - _ .`, first a letter or digit.
///
/// # Errors
/// [`NameError`] says which rule was broken, phrased to follow the field's name.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.chars().all(allowed) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(NameError::Character);
    }
    Ok(())
}

/// The nearest valid name to what a device calls a thing: lower case, other characters become `_`. `None` if nothing is
/// left.
#[must_use]
pub fn name_from(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .take(MAX_NAME_BYTES)
        .collect();
    let name = name.trim_start_matches(['_', '-', '.']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a point can be commanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It only reports.
    #[default]
    Read,
    /// It reports and takes commands.
    ReadWrite,
}

/// What is known about a point before its first value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointSpec {
    /// Name within its device.
    pub name: String,
    /// What its values are counted in.
    pub unit: Unit,
    /// Whether it takes commands.
    pub access: Access,
    /// How often a value is expected; `None` lets the gateway learn it.
    pub cadence: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_escaping_in_topics_urls_and_files() {
        for good in ["boiler", "sim-00001", "AM2301.temperature", "0"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"a".repeat(65)), Err(NameError::TooLong));
        for bad in ["a/b", "a b", "é", "../x", "-a", ".hidden", "a+", "$SYS"] {
            assert_eq!(check_name(bad), Err(NameError::Character), "{bad}");
        }
    }

    #[test]
    fn a_made_name_is_always_valid() {
        for text in ["Küche 1", "DS18B20-1", "/tmp", "Total Energy (kWh)"] {
            assert_eq!(check_name(&name_from(text).unwrap()), Ok(()), "{text}");
        }
        assert_eq!(name_from("///"), None);
    }
}
