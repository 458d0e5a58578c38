//! The records of a gateway and what makes each valid, a file for each.

mod client;
mod command;
mod device;
mod profile;
mod setting;
mod user;

#[cfg(test)]
pub(crate) use command::tests as tests_of_commands;

use roost_model::{NameError, check_name};

use crate::{FieldErrors, is_chosen};

/// Longest label, in characters.
const MAX_LABEL: usize = 120;
/// Shortest cadence that can be declared, in milliseconds.
const MIN_CADENCE_MS: u64 = 100;
/// Longest cadence that can be declared: a day, in milliseconds.
const MAX_CADENCE_MS: u64 = 86_400_000;

/// Checks the label that people give to a thing.
fn check_label(label: &str, errors: &mut FieldErrors) {
    if label.chars().count() > MAX_LABEL {
        errors.add("label", format!("has at most {MAX_LABEL} characters"));
    }
    if label.contains(char::is_control) {
        errors.add("label", "is one line without control characters");
    }
}

/// Length of the keyed hash of a secret, in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// Checks the hash of a secret: the keyed one, the slow one, or none yet.
fn check_hash(hash: &str, errors: &mut FieldErrors) {
    let is_keyed = hash.len() == HASH_DIGITS && hash.chars().all(|c| c.is_ascii_hexdigit());
    if !hash.is_empty() && !is_keyed && !is_chosen(hash) {
        errors.add(
            "secret_hash",
            "must be a keyed hash in hexadecimal, an argon2id hash in PHC form, or empty",
        );
    }
}

/// Checks how often a value is expected: 0 for "not declared", or a sensible number of milliseconds.
fn check_cadence(cadence_ms: u64) -> Result<(), String> {
    if cadence_ms == 0 || (MIN_CADENCE_MS..=MAX_CADENCE_MS).contains(&cadence_ms) {
        return Ok(());
    }
    Err(format!(
        "must be 0 or from {MIN_CADENCE_MS} to {MAX_CADENCE_MS} milliseconds"
    ))
}

/// Checks a name that may also be left empty.
fn check_name_if_given(name: &str) -> Result<(), NameError> {
    if name.is_empty() { Ok(()) } else { check_name(name) }
}
