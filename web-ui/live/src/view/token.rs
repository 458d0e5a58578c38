//! The two tokens in a view's element: what it is, and what its dead render showed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::flash::Flash;
use crate::sign::{Purpose, SigningKey};

/// Changes when a token is read otherwise than before; then old pages load anew.
const VERSION: u8 = 1;

/// `data-phx-session`: what the view is. Used again at every join of its element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ViewToken {
    #[serde(rename = "n")]
    version: u8,
    /// The id of its element.
    #[serde(rename = "i")]
    pub(crate) id: String,
    /// The name of its type.
    #[serde(rename = "v")]
    pub(crate) view: String,
    /// The name of its group.
    #[serde(rename = "g")]
    pub(crate) group: String,
    /// Whether it stands in another view or in the layout, without a route of its own.
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) nested: bool,
    /// In how many views, one in the other, it stands at least.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub(crate) depth: u8,
    /// What it is told besides the browser's session.
    #[serde(rename = "s", default, skip_serializing_if = "Map::is_empty")]
    pub(crate) values: Map<String, Value>,
}

impl ViewToken {
    pub(crate) fn main(id: &str, view: &str, group: &str) -> Self {
        Self {
            version: VERSION,
            id: id.to_owned(),
            view: view.to_owned(),
            group: group.to_owned(),
            nested: false,
            depth: 0,
            values: Map::new(),
        }
    }

    pub(crate) fn nested(id: &str, view: &str, group: &str, values: Map<String, Value>, depth: u8) -> Self {
        let main = Self::main(id, view, group);
        Self {
            nested: true,
            depth,
            values,
            ..main
        }
    }

    /// The token, born `born_s` seconds after 1970.
    pub(crate) fn sign(&self, key: &SigningKey, born_s: u64) -> String {
        let data = serde_json::to_vec(self).unwrap_or_default();
        key.sign_at(Purpose::View, &data, born_s)
    }

    /// What a token says, if it is ours, young enough, and of the topic `lv:<id>`.
    pub(crate) fn verify(token: &str, id: &str, key: &SigningKey) -> Option<Self> {
        let data = key.verify(Purpose::View, token).ok()?;
        let read: Self = serde_json::from_slice(&data).ok()?;
        (read.version == VERSION && read.id == id).then_some(read)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(depth: &u8) -> bool {
    *depth == 0
}

/// `data-phx-static`: what the dead render showed and the first join should show too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StaticToken {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "f")]
    flash: Flash,
}

impl StaticToken {
    pub(crate) fn sign(id: &str, flash: &Flash, key: &SigningKey) -> String {
        let token = Self {
            id: id.to_owned(),
            flash: flash.clone(),
        };
        key.sign(Purpose::Static, &serde_json::to_vec(&token).unwrap_or_default())
    }

    /// The flash of a token, if it is ours and of this view.
    pub(crate) fn verify(token: &str, id: &str, key: &SigningKey) -> Option<Flash> {
        let data = key.verify(Purpose::Static, token).ok()?;
        let read: Self = serde_json::from_slice(&data).ok()?;
        (read.id == id).then_some(read.flash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_token_is_of_one_topic() {
        let key = SigningKey::random().unwrap();
        let main = ViewToken::main("phx-1", "Home", "default");
        let token = main.sign(&key, crate::sign::unix_s());
        assert_eq!(ViewToken::verify(&token, "phx-1", &key), Some(main));
        assert_eq!(ViewToken::verify(&token, "phx-2", &key), None);
        assert_eq!(ViewToken::verify("", "phx-1", &key), None);
    }

    #[test]
    fn a_static_token_is_of_one_view() {
        let key = SigningKey::random().unwrap();
        let mut flash = Flash::default();
        flash.put("info", "saved");
        let token = StaticToken::sign("phx-1", &flash, &key);
        assert_eq!(StaticToken::verify(&token, "phx-1", &key), Some(flash));
        assert_eq!(StaticToken::verify(&token, "phx-2", &key), None);
        let other = ViewToken::main("phx-1", "Home", "default").sign(&key, crate::sign::unix_s());
        assert_eq!(StaticToken::verify(&other, "phx-1", &key), None);
    }
}
