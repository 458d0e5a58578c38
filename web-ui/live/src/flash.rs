//! Flash messages: what the next page, or this one, tells its reader once.

use serde::{Deserialize, Serialize};

use crate::sign::{Purpose, SigningKey};

/// Most messages of one page.
pub const FLASH_ENTRIES: usize = 8;
/// Most bytes of a message; the rest is cut off. All of them have to fit into a cookie.
pub const FLASH_BYTES: usize = 256;
/// The cookie by which the client hands a flash token to the next page load.
pub const FLASH_COOKIE: &str = "__phoenix_flash__";

/// Messages by kind: `info`, `error` or whatever the pages agree on. One of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flash(Vec<(String, String)>);

impl Flash {
    /// The message of this kind.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == kind);
        found.map(|(_, text)| text.as_str())
    }

    /// Sets the message of a kind. Beyond [`FLASH_ENTRIES`] kinds the oldest goes.
    pub fn put(&mut self, kind: &str, text: impl Into<String>) {
        let mut text = text.into();
        let end = (0..=FLASH_BYTES.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        self.clear(Some(kind));
        if self.0.len() == FLASH_ENTRIES {
            self.0.remove(0);
        }
        self.0.push((kind.to_owned(), text));
    }

    /// Removes the message of a kind, or all.
    pub fn clear(&mut self, kind: Option<&str>) {
        self.0.retain(|(key, _)| kind.is_some_and(|kind| kind != key));
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Kinds and messages, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(kind, text)| (kind.as_str(), text.as_str()))
    }

    /// The token that carries the messages to another page; `None` if there are none.
    #[must_use]
    pub fn to_token(&self, key: &SigningKey) -> Option<String> {
        let data = serde_json::to_vec(self).ok()?;
        (!self.is_empty()).then(|| key.sign(Purpose::Flash, &data))
    }

    /// The messages of a token; none if it is not ours or too old.
    #[must_use]
    pub fn from_token(token: &str, key: &SigningKey) -> Self {
        let data = key.verify(Purpose::Flash, token).ok();
        data.and_then(|data| serde_json::from_slice(&data).ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_travels_in_a_token() {
        let key = SigningKey::random().unwrap();
        let mut flash = Flash::default();
        assert_eq!(flash.to_token(&key), None);
        flash.put("info", "hello");
        flash.put("error", "no");
        let token = flash.to_token(&key).unwrap();
        assert_eq!(Flash::from_token(&token, &key), flash);
        assert!(Flash::from_token("forged", &key).is_empty());
    }

    #[test]
    fn a_flash_is_bounded() {
        let mut flash = Flash::default();
        for kind in 0..20 {
            flash.put(&kind.to_string(), "é".repeat(FLASH_BYTES));
        }
        assert_eq!(flash.iter().count(), FLASH_ENTRIES);
        assert_eq!(flash.get("19").unwrap().len(), FLASH_BYTES);
        assert_eq!(flash.get("0"), None);
    }

    #[test]
    fn one_kind_or_all_are_cleared() {
        let mut flash = Flash::default();
        flash.put("info", "a");
        flash.put("error", "b");
        flash.clear(Some("info"));
        assert_eq!((flash.get("info"), flash.get("error")), (None, Some("b")));
        flash.clear(None);
        assert!(flash.is_empty());
    }
}
