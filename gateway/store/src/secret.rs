//! The secrets of devices: made here, and kept only as keyed hashes.
//!
//! A person's password is guessable, so its hash has to be slow (argon2id). A device's secret is 160 random
//! bits: nobody tries them all, however fast the hash. A slow hash would only hurt us: after a power cut
//! 10,000 devices authenticate within seconds, which at 50 ms each is minutes of computing on a small board,
//! and an open door for anyone who wants to keep it busy. The key makes a stolen table of hashes worthless
//! without the rest of the store.

mod chosen;

pub use chosen::{check_chosen, hash_chosen, is_chosen, verify_chosen};

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::engine::Write;
use crate::{Store, StoreError, table};

/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Bytes of a generated secret: 160 bits.
const SECRET_BYTES: usize = 20;
/// Base 32 without the letters i, l, o and u, which are taken for others when a secret is typed in by hand.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Where the key is kept. Not among the settings: those are shown.
const TABLE: &str = "keys";
/// Its name there.
const KEY: &str = "device-secrets";

/// Makes and checks the secrets of devices. Cloning copies the key. May be shared by all connections.
#[derive(Clone)]
pub struct Secrets {
    /// The hash function with the key taken in, so that a check costs two blocks less.
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Secrets {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Reads the key of this store; the first time, makes it. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::Random`], [`StoreError::Unreadable`] for a damaged key (it is not replaced: every device
    /// would be locked out), and what the engine says.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        let _writing = store.writing();
        let place = table::engine_key(TABLE, KEY);
        let key = if let Some(json) = store.engine().get(&place)? {
            let text: String = table::decode(TABLE, KEY, &json)?;
            from_hex(&text).ok_or_else(|| StoreError::Unreadable {
                table: TABLE.to_owned(),
                key: KEY.to_owned(),
                source: serde::de::Error::custom("not 32 bytes in hexadecimal"),
            })?
        } else {
            let key = random::<KEY_BYTES>()?;
            let json = table::encode(TABLE, KEY, &to_hex(&key))?;
            store.engine().apply(vec![Write::Put(place, json)])?;
            store.engine().commit()?;
            key
        };
        // A key shorter than a block is padded with zeros; doing so here leaves nothing that could fail.
        let mut block = [0; 64];
        block[..KEY_BYTES].copy_from_slice(&key);
        Ok(Self {
            keyed: Hmac::new(&block.into()),
        })
    }

    /// A new secret: 160 random bits as 32 lower-case letters and digits.
    ///
    /// # Errors
    /// [`StoreError::Random`] if the system gives no random numbers.
    pub fn generate() -> Result<String, StoreError> {
        let bytes = random::<SECRET_BYTES>()?;
        let mut secret = String::with_capacity(SECRET_BYTES * 8 / 5);
        for group in bytes.chunks(5) {
            let bits = group
                .iter()
                .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for letter in (0..8).rev() {
                secret.push(char::from(ALPHABET[(bits >> (letter * 5)) as usize & 31]));
            }
        }
        Ok(secret)
    }

    /// The keyed hash of a secret: HMAC-SHA256 in 64 hexadecimal digits.
    #[must_use]
    pub fn hash(&self, secret: &str) -> String {
        let mac = self.keyed.clone().chain_update(secret.as_bytes());
        to_hex(&mac.finalize().into_bytes())
    }

    /// A keyed mark of several texts together, for what is remembered in memory only: nobody can tell from it what the
    /// texts were.
    #[must_use]
    pub fn mark(&self, texts: &[&str]) -> [u8; 32] {
        let begin = self.keyed.clone().chain_update(b"mark");
        let mac = texts.iter().fold(begin, |mac, text| {
            let length = (text.len() as u64).to_be_bytes();
            mac.chain_update(length).chain_update(text.as_bytes())
        });
        mac.finalize().into_bytes().into()
    }

    /// Whether `hash` is the hash of `secret`. Takes the same time wherever they differ. An empty or damaged
    /// hash is nobody's.
    #[must_use]
    pub fn verify(&self, secret: &str, hash: &str) -> bool {
        KeyedHash::parse(hash).is_some_and(|hash| self.matches(secret, &hash))
    }

    /// The same for a hash that was read before.
    #[must_use]
    pub fn matches(&self, secret: &str, hash: &KeyedHash) -> bool {
        let mac = self.keyed.clone().chain_update(secret.as_bytes());
        mac.verify_slice(&hash.0).is_ok()
    }
}

/// A keyed hash of a secret as bytes: half as long as in digits, and there is one for every device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedHash([u8; KEY_BYTES]);

impl KeyedHash {
    /// Reads what [`Secrets::hash`] has written; `None` for anything else.
    #[must_use]
    pub fn parse(hash: &str) -> Option<Self> {
        from_hex(hash).map(Self)
    }
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Random(error.to_string()))?;
    Ok(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    if text.len() != KEY_BYTES * 2 {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreOptions;

    #[test]
    fn a_secret_is_verified_by_its_hash_and_by_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let secrets = Secrets::open(&store).unwrap();
        let secret = Secrets::generate().unwrap();
        let hash = secrets.hash(&secret);
        assert!(secrets.verify(&secret, &hash));
        assert!(secrets.verify(&secret, &hash.to_uppercase()));
        assert!(!secrets.verify(&Secrets::generate().unwrap(), &hash));
        for bad in ["", "00", &hash[1..], &hash.replace(&hash[..1], "x"), "é"] {
            assert!(!secrets.verify(&secret, bad), "{bad:?}");
            assert!(!secrets.verify("", bad), "{bad:?}");
        }
    }

    #[test]
    fn the_key_survives_reopening_and_differs_between_stores() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let hash_in = |dir: &tempfile::TempDir| {
            let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
            Secrets::open(&store).unwrap().hash("secret")
        };
        let first = hash_in(&dir);
        assert_eq!(hash_in(&dir), first);
        assert_ne!(hash_in(&other), first);
    }

    #[test]
    fn the_hash_is_hmac_sha_256_as_the_rfc_4231_example_says() {
        let keyed = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        assert_eq!(
            Secrets { keyed }.hash("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn secrets_are_thirty_two_letters_that_nobody_mistakes_and_never_repeat() {
        let secrets: std::collections::HashSet<String> =
            (0..1000).map(|_| Secrets::generate().unwrap()).collect();
        assert_eq!(secrets.len(), 1000);
        for secret in &secrets {
            assert_eq!(secret.len(), 32);
            assert!(secret.bytes().all(|byte| ALPHABET.contains(&byte)), "{secret}");
        }
        let used: std::collections::HashSet<char> =
            secrets.iter().flat_map(|secret| secret.chars()).collect();
        assert_eq!(used.len(), 32);
    }
}
