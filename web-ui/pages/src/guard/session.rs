//! Sessions: what the browser of somebody who showed the token brings along instead of the token.
//!
//! A session is a time of expiry and its signature. The signature covers the hash of the token too, so that a
//! new token ends all sessions; nothing is kept here.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use roost_model::Timestamp;

use crate::web::Web;

/// Name of the cookie.
const COOKIE: &str = "roost_session";
/// How long a session lasts.
const LASTS: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is signed. No device's secret has this form, so nobody can make one of the other.
fn claim(web: &Web, expires_s: i64) -> String {
    format!("web session\n{}\n{expires_s}", web.token_hash)
}

/// The `Set-Cookie` of a session that begins now.
pub(crate) fn begin(web: &Web, now: Timestamp) -> String {
    let lasts_s = i64::try_from(LASTS.as_secs()).unwrap_or(0);
    let expires_s = now.unix_ms() / 1000 + lasts_s;
    let signature = web.secrets.hash(&claim(web, expires_s));
    format!("{COOKIE}={expires_s}.{signature}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts_s}")
}

/// The `Set-Cookie` that ends a session.
pub(crate) fn end() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Whether the request belongs to a session.
pub(crate) fn is_signed_in(web: &Web, headers: &HeaderMap, now: Timestamp) -> bool {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut sessions = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    sessions.any(|session| is_valid(web, session, now))
}

fn is_valid(web: &Web, session: &str, now: Timestamp) -> bool {
    let Some((expires, signature)) = session.split_once('.') else {
        return false;
    };
    let Ok(expires_s) = expires.parse::<i64>() else {
        return false;
    };
    // Without a token there is nothing that a session could stand for.
    !web.token_hash.is_empty()
        && now.unix_ms() / 1000 < expires_s
        && web.secrets.verify(&claim(web, expires_s), signature)
}

/// Where to sign in, coming back to `path` afterwards.
pub(crate) fn sign_in_url(path: &str) -> String {
    if path == "/" {
        return "/sign-in".to_owned();
    }
    // A path holds no character that would end a query value but these.
    let path = path.replace('%', "%25").replace('&', "%26").replace('+', "%2B");
    format!("/sign-in?next={path}")
}

/// The path to come back to: one of ours, whatever was sent.
pub(crate) fn next_path(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.chars().all(|c| c.is_ascii_graphic());
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        assert_eq!(next_path("/devices/boiler"), "/devices/boiler");
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/a\r\nb",
            "evil",
        ] {
            assert_eq!(next_path(bad), "/", "{bad:?}");
        }
        assert_eq!(sign_in_url("/devices/a"), "/sign-in?next=/devices/a");
    }
}
