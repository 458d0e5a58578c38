//! The browser's session: a signed cookie with what the site remembers of it, and the proof against forged requests.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::frame::write_names;
use crate::sign::{KeyError, Purpose, SigningKey, unguessable};

/// The cookie's name.
pub const SESSION_COOKIE: &str = "_live_session";
/// Most bytes of the cookie: browsers drop longer ones (RFC 6265 section 6.1).
pub const SESSION_BYTES: usize = 4000;
/// The value by which all live sockets of a session can be ended.
pub const LIVE_SOCKET_ID: &str = "live_socket_id";

/// What the site remembers of a browser. Signed, not secret: its owner can read it, and cannot change it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Session {
    /// What the tokens against forged requests are made of.
    #[serde(rename = "c")]
    csrf: String,
    #[serde(rename = "v", default, skip_serializing_if = "Map::is_empty")]
    values: Map<String, Value>,
}

impl fmt::Debug for Session {
    /// For the log: the names of the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session ")?;
        write_names(f, self.values.keys().map(String::as_str))
    }
}

impl Session {
    /// A new session.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn begin() -> Result<Self, KeyError> {
        Ok(Self {
            csrf: unguessable("")?,
            values: Map::new(),
        })
    }

    /// Makes another session of it, with the same values: pages that were loaded before are none of its own. For
    /// sign-in and sign-out, so that nobody who knew the session of before has a part in what comes.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn renew(&mut self) -> Result<(), KeyError> {
        self.csrf = unguessable("")?;
        Ok(())
    }

    /// The session that a request belongs to; `None` without a cookie of ours.
    #[must_use]
    pub fn of(headers: &HeaderMap, key: &SigningKey) -> Option<Self> {
        cookies(headers, SESSION_COOKIE).find_map(|token| {
            let data = key.verify(Purpose::Session, token).ok()?;
            serde_json::from_slice(&data).ok()
        })
    }

    /// A value that was put there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Puts a value. It is remembered when the answer to the request carries [`Session::to_cookie`].
    pub fn put(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// The session with values over its own: what a view within another is told.
    #[must_use]
    pub(crate) fn with(&self, values: &Map<String, Value>) -> Self {
        let mut session = self.clone();
        session.values.extend(values.clone());
        session
    }

    /// Removes a value.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// All values.
    #[must_use]
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The topic suffix on which the session's live sockets can be ended, if one was set.
    #[must_use]
    pub fn live_socket_id(&self) -> Option<&str> {
        self.get(LIVE_SOCKET_ID).and_then(Value::as_str)
    }

    /// The `Set-Cookie` of this session; `secure` if the site is on HTTPS. `None` if it is too long for a cookie.
    #[must_use]
    pub fn to_cookie(&self, key: &SigningKey, secure: bool) -> Option<HeaderValue> {
        let data = serde_json::to_vec(self).ok()?;
        let token = key.sign(Purpose::Session, &data);
        let lasts_s = Purpose::Session.lasts().as_secs();
        let secure = if secure { "; Secure" } else { "" };
        let cookie =
            format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lasts_s}{secure}");
        let value = HeaderValue::try_from(cookie).ok()?;
        (token.len() <= SESSION_BYTES).then_some(value)
    }

    /// The token that a page of this session carries, to be sent along with what it asks for.
    #[must_use]
    pub fn csrf_token(&self, key: &SigningKey) -> String {
        key.sign(Purpose::Csrf, self.csrf.as_bytes())
    }

    /// Whether a token comes from a page of this session.
    #[must_use]
    pub fn is_own(&self, token: &str, key: &SigningKey) -> bool {
        !self.csrf.is_empty()
            && key
                .verify(Purpose::Csrf, token)
                .is_ok_and(|csrf| csrf == self.csrf.as_bytes())
    }
}

/// The values of a cookie in the order sent.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::try_from(format!("a=b; {pair}")).unwrap(),
        );
        headers
    }

    #[test]
    fn a_session_comes_back_in_its_cookie() {
        let key = SigningKey::random().unwrap();
        let mut session = Session::begin().unwrap();
        session.put("user", "ada");
        let cookie = session.to_cookie(&key, false).unwrap();
        assert_eq!(Session::of(&headers(&cookie), &key), Some(session));
        assert_eq!(
            Session::of(&headers(&cookie), &SigningKey::random().unwrap()),
            None
        );
    }

    #[test]
    fn a_page_of_another_session_proves_nothing() {
        let key = SigningKey::random().unwrap();
        let (ours, theirs) = (Session::begin().unwrap(), Session::begin().unwrap());
        assert!(ours.is_own(&ours.csrf_token(&key), &key));
        assert!(!ours.is_own(&theirs.csrf_token(&key), &key));
        assert!(!ours.is_own("", &key));
        assert!(!Session::default().is_own(&Session::default().csrf_token(&key), &key));
    }

    #[test]
    fn a_session_that_no_cookie_holds_makes_none() {
        let key = SigningKey::random().unwrap();
        let mut session = Session::begin().unwrap();
        session.put("much", "x".repeat(SESSION_BYTES));
        assert_eq!(session.to_cookie(&key, false), None);
    }

    #[test]
    fn pages_of_before_a_sign_in_are_none_of_the_session_after_it() {
        let key = SigningKey::random().unwrap();
        let mut session = Session::begin().unwrap();
        session.put("language", "de");
        let before = session.csrf_token(&key);
        session.renew().unwrap();
        assert!(!session.is_own(&before, &key));
        assert!(session.is_own(&session.csrf_token(&key), &key));
        assert_eq!(session.get("language").unwrap(), "de");
    }
}
