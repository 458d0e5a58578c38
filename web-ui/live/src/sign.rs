//! Signed tokens: what the server gives away and knows again. A token names its purpose and its time of birth, and is
//! neither secret nor kept anywhere.
//!
//! Form: `<data>.<seconds since 1970 in hexadecimal>.<signature>`, data and signature in base64url without padding,
//! so
//! that a token fits into a URL, a cookie and an attribute as it is. The signature is HMAC-SHA256 (RFC 2104) over
//! purpose, time and data.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;

/// Least bytes of a secret: as many as the hash is long (RFC 2104 section 3).
pub const SECRET_BYTES: usize = 32;
/// Most bytes of a token that is looked at: a cookie holds no more (RFC 6265 section 6.1), twice over.
pub const TOKEN_BYTES: usize = 8192;

/// Why a key could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The secret is too short to be one.
    #[error(
        "a secret has at least {SECRET_BYTES} bytes, this one has {0}: take them from a source of random bytes"
    )]
    Short(usize),
    /// The machine gave no random bytes.
    #[error("the machine has no random bytes to give")]
    Random,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It was not signed here, or for another purpose.
    #[error("the token was not signed here for this purpose")]
    Invalid,
    /// It is too old.
    #[error("the token is too old")]
    Expired,
}

/// What a token is for. A token of one purpose is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `data-phx-session`: which view this is and what it is told.
    View,
    /// `data-phx-static`: what the dead render showed.
    Static,
    /// Flash messages on their way to another page.
    Flash,
    /// The status that the next page load is to show.
    Reload,
    /// The browser's session, a cookie.
    Session,
    /// The proof that a request comes from a page of ours.
    Csrf,
    /// Permission to send one file.
    Upload,
}

impl Purpose {
    /// How long a token of this purpose is believed.
    #[must_use]
    pub const fn lasts(self) -> Duration {
        const DAY: u64 = 24 * 3600;
        Duration::from_secs(match self {
            // As in Phoenix: a page may lie open for two weeks.
            Self::View | Self::Static | Self::Csrf => 14 * DAY,
            Self::Session => 30 * DAY,
            // The client's own cookies of both live for a minute.
            Self::Flash | Self::Reload => 60,
            Self::Upload => DAY,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::View => "live view",
            Self::Static => "live static",
            Self::Flash => "live flash",
            Self::Reload => "live reload",
            Self::Session => "session",
            Self::Csrf => "csrf",
            Self::Upload => "live upload",
        }
    }
}

/// The key that signs.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A key of a secret that is kept: what it signed is believed after a restart.
    ///
    /// # Errors
    /// [`KeyError::Short`] for fewer than [`SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES {
            return Err(KeyError::Short(secret.len()));
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| KeyError::Short(secret.len()))
    }

    /// A key of this run: what it signed is void after a restart, and pages load anew.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn random() -> Result<Self, KeyError> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|_| KeyError::Random)?;
        Self::new(&secret)
    }

    /// A token of `data`, born now.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, data: &[u8]) -> String {
        self.sign_at(purpose, data, unix_s())
    }

    /// A token of `data`, born `born_s` seconds after 1970: the same input makes the same token.
    #[must_use]
    pub fn sign_at(&self, purpose: Purpose, data: &[u8], born_s: u64) -> String {
        let signature = self.mac(purpose, data, born_s).finalize().into_bytes();
        let (data, signature) = (BASE64.encode(data), BASE64.encode(signature));
        format!("{data}.{born_s:x}.{signature}")
    }

    /// The data of a token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, purpose: Purpose, token: &str) -> Result<Vec<u8>, TokenError> {
        self.verify_at(purpose, token, unix_s())
    }

    /// The data of a token, looked at `now_s` seconds after 1970. A token from the future is young: a board without a
    /// clock battery may have set its clock back, and the signature shows that the token is ours.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify_at(&self, purpose: Purpose, token: &str, now_s: u64) -> Result<Vec<u8>, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let (data, born_s, signature) = parts(token).ok_or(TokenError::Invalid)?;
        // Compares in constant time.
        self.mac(purpose, &data, born_s)
            .verify_slice(&signature)
            .map_err(|_| TokenError::Invalid)?;
        if now_s.saturating_sub(born_s) > purpose.lasts().as_secs() {
            return Err(TokenError::Expired);
        }
        Ok(data)
    }

    fn mac(&self, purpose: Purpose, data: &[u8], born_s: u64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(purpose.word().as_bytes());
        mac.update(&[0]);
        mac.update(&born_s.to_be_bytes());
        mac.update(data);
        mac
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn parts(token: &str) -> Option<(Vec<u8>, u64, Vec<u8>)> {
    let mut parts = token.split('.');
    let data = BASE64.decode(parts.next()?).ok()?;
    let born = parts.next()?;
    // Written as we write it: capitals, a plus and zeros before it would be other tokens for the same.
    let born_s = u64::from_str_radix(born, 16).ok();
    let born_s = born_s.filter(|born_s| format!("{born_s:x}") == born)?;
    let signature = BASE64.decode(parts.next()?).ok()?;
    parts.next().is_none().then_some((data, born_s, signature))
}

/// Seconds since 1970.
#[must_use]
pub fn unix_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A name that cannot be guessed: `prefix` and 96 random bits in base64url, as many as in Phoenix.
///
/// # Errors
/// [`KeyError::Random`].
pub fn unguessable(prefix: &str) -> Result<String, KeyError> {
    let mut bits = [0; 12];
    getrandom::fill(&mut bits).map_err(|_| KeyError::Random)?;
    Ok(format!("{prefix}{}", BASE64.encode(bits)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_795_000_000;

    fn key(byte: u8) -> SigningKey {
        SigningKey::new(&[byte; SECRET_BYTES]).unwrap()
    }

    #[test]
    fn a_token_gives_back_what_was_signed() {
        let token = key(1).sign_at(Purpose::View, b"phx-1", NOW);
        assert_eq!(
            key(1).verify_at(Purpose::View, &token, NOW + 60),
            Ok(b"phx-1".to_vec())
        );
        assert!(
            token
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        );
    }

    #[test]
    fn a_token_of_another_key_or_purpose_is_void() {
        let token = key(1).sign_at(Purpose::View, b"phx-1", NOW);
        assert_eq!(
            key(2).verify_at(Purpose::View, &token, NOW),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            key(1).verify_at(Purpose::Static, &token, NOW),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn a_token_grows_old() {
        let token = key(1).sign_at(Purpose::Flash, b"", NOW);
        assert!(key(1).verify_at(Purpose::Flash, &token, NOW + 60).is_ok());
        assert_eq!(
            key(1).verify_at(Purpose::Flash, &token, NOW + 61),
            Err(TokenError::Expired)
        );
        assert!(
            key(1).verify_at(Purpose::Flash, &token, NOW - 900).is_ok(),
            "the clock was set back"
        );
    }

    #[test]
    fn a_short_secret_makes_no_key() {
        assert_eq!(SigningKey::new(&[1; 31]).unwrap_err(), KeyError::Short(31));
    }

    #[test]
    fn unguessable_names_differ() {
        assert_ne!(unguessable("phx-").unwrap(), unguessable("phx-").unwrap());
        assert_eq!(unguessable("phx-").unwrap().len(), 4 + 16);
    }

    proptest! {
        #[test]
        fn a_token_with_one_character_changed_is_void(
            data: Vec<u8>, at: prop::sample::Index, with in "[A-Za-z0-9._-]"
        ) {
            let token = key(1).sign_at(Purpose::View, &data, NOW);
            let at = at.index(token.len());
            let mut forged = token.clone();
            forged.replace_range(at..=at, &with);
            // The last character of a base64 group may hold bits that don't count; the decoder refuses those.
            prop_assert!(forged == token || key(1).verify_at(Purpose::View, &forged, NOW).is_err());
        }

        #[test]
        fn anything_may_come_as_a_token(token in ".{0,200}") {
            prop_assert!(key(1).verify_at(Purpose::View, &token, NOW).is_err());
        }
    }
}
