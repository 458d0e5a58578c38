//! Assets: one stylesheet and one icon, both part of the program.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::develop;

const STYLESHEET: &str = include_str!("../assets/roost.css");
const ICON: &str = include_str!("../assets/icon.svg");
/// Where the icon is.
pub(crate) const ICON_PATH: &str = "/assets/icon.svg";
/// For what changes its path when it changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_A_DAY: &str = "public, max-age=86400";

/// FNV-1a, at compile time: good enough to tell two stylesheets apart.
const fn hash(text: &str) -> u64 {
    let (bytes, mut at, mut hash) = (text.as_bytes(), 0, 0xcbf2_9ce4_8422_2325_u64);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

const STYLESHEET_HASH: u64 = hash(STYLESHEET);

/// Where the stylesheet is: it says which version it is.
pub(crate) fn stylesheet_path() -> String {
    format!("/assets/roost.{STYLESHEET_HASH:016x}.css")
}

/// Where pages find their stylesheet.
pub(crate) fn stylesheet_link() -> String {
    develop::following().map_or_else(stylesheet_path, |following| following.stylesheet.to_owned())
}

pub(crate) async fn stylesheet() -> Response {
    asset("text/css; charset=utf-8", FOR_EVER, STYLESHEET)
}

pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", FOR_A_DAY, ICON)
}

fn asset(media_type: &'static str, keep: &'static str, body: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, keep)];
    (headers, body).into_response()
}
