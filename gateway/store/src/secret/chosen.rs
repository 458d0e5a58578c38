//! Secrets that people choose: short, guessable, used twice. Their hashes are slow (argon2id), so that guessing is.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::StoreError;

/// Memory for one hash, in KiB; with [`ROUNDS`] and one lane what OWASP's cheat sheet on password storage asks for at
/// least. A board can spare it twice.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const ROUNDS: u32 = 2;
/// How the PHC string of such a hash begins.
pub(crate) const SCHEME: &str = "$argon2id$";
/// Fewest and most characters of a secret that somebody has chosen.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, ROUNDS, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether a secret may be chosen; says beside its field what is wrong.
///
/// # Errors
/// The rule that was broken, phrased to follow the field's name.
pub fn check_chosen(secret: &str) -> Result<(), &'static str> {
    if !LENGTH.contains(&secret.chars().count()) {
        return Err("has from 8 to 128 characters; left out, a good one is made");
    }
    if secret.contains(char::is_control) {
        return Err("is one line without control characters");
    }
    Ok(())
}

/// The slow hash of a secret, with a salt of its own, in PHC string form. Takes tens of milliseconds of one processor
/// and 19 MiB: not for a thread that others wait for.
///
/// # Errors
/// [`StoreError::Random`] if the system gives no random numbers.
pub fn hash_chosen(secret: &str) -> Result<String, StoreError> {
    let hash = hasher().hash_password(secret.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| StoreError::Random(error.to_string()))
}

/// Whether `hash` is a slow one: then [`verify_chosen`] checks it.
#[must_use]
pub fn is_chosen(hash: &str) -> bool {
    hash.starts_with(SCHEME)
}

/// Whether `hash` is the slow hash of `secret`. Takes as long as making it. A damaged hash is nobody's.
#[must_use]
pub fn verify_chosen(secret: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    hasher().verify_password(secret.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_secret_is_verified_by_its_own_hash_only_and_never_hashed_twice_alike() {
        let (first, second) = (
            hash_chosen("correct horse").unwrap(),
            hash_chosen("correct horse").unwrap(),
        );
        assert_ne!(first, second);
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert!(is_chosen(&first) && verify_chosen("correct horse", &first));
        assert!(!verify_chosen("correct hors", &first));
        for damaged in ["", "$argon2id$", &first[..40], "00"] {
            assert!(!verify_chosen("correct horse", damaged), "{damaged}");
        }
    }

    #[test]
    fn short_long_and_unprintable_secrets_are_refused() {
        assert_eq!(check_chosen("12345678"), Ok(()));
        assert_eq!(check_chosen(&"é".repeat(128)), Ok(()));
        for bad in ["1234567", &"x".repeat(129), "12345678\n"] {
            assert!(check_chosen(bad).is_err(), "{bad}");
        }
    }
}
