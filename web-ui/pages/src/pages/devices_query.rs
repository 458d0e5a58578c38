//! What the list of devices was asked to show, and the links that change one thing about that.

use std::fmt::Write;

use roost_model::Device;
use serde::Deserialize;

use crate::survey::Survey;

/// Which devices are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Show {
    /// All of them.
    #[default]
    All,
    /// Those that are connected.
    Connected,
    /// Those with a stale value.
    Stale,
    /// Those of which nothing is heard.
    Silent,
    /// Those in backoff.
    Backoff,
}

impl Show {
    pub(crate) const EVERY: [Self; 5] = [
        Self::All,
        Self::Connected,
        Self::Stale,
        Self::Silent,
        Self::Backoff,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Connected => "connected",
            Self::Stale => "stale",
            Self::Silent => "silent",
            Self::Backoff => "backoff",
        }
    }

    pub(crate) fn includes(self, survey: &Survey, device: &Device) -> bool {
        match self {
            Self::All => true,
            Self::Connected => survey.connected.contains(&device.id),
            Self::Stale => survey.stale.contains(&device.id),
            Self::Silent => survey.silent.contains(&device.id),
            Self::Backoff => survey.backoff.contains(&device.id),
        }
    }
}

/// The query of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DevicesQuery {
    pub(crate) q: String,
    pub(crate) show: Show,
    /// From 1; 0 is the first too.
    pub(crate) page: usize,
    pub(crate) refresh: String,
}

impl DevicesQuery {
    pub(crate) fn refreshes(&self) -> bool {
        self.refresh != "off"
    }

    /// The link to this page, with what differs from the plain list.
    pub(crate) fn href(&self) -> String {
        let mut href = "/".to_owned();
        let mut add = |name: &str, value: &str| {
            let mark = if href.len() == 1 { '?' } else { '&' };
            // Writing to a string can't fail.
            let _ = write!(href, "{mark}{name}={}", encode(value));
        };
        if !self.q.trim().is_empty() {
            add("q", self.q.trim());
        }
        if self.show != Show::All {
            add("show", self.show.word());
        }
        if self.page > 1 {
            add("page", &self.page.to_string());
        }
        if !self.refreshes() {
            add("refresh", "off");
        }
        href
    }

    pub(crate) fn showing(&self, show: Show) -> String {
        let page = 1;
        Self {
            show,
            page,
            ..self.clone()
        }
        .href()
    }

    pub(crate) fn on_page(&self, page: usize) -> String {
        Self { page, ..self.clone() }.href()
    }

    pub(crate) fn toggling_refresh(&self) -> String {
        let refresh = if self.refreshes() { "off" } else { "" }.to_owned();
        Self {
            refresh,
            ..self.clone()
        }
        .href()
    }

    /// The word for `show` in a hidden field of the search form.
    pub(crate) fn show_word(&self) -> Option<&'static str> {
        (self.show != Show::All).then(|| self.show.word())
    }
}

/// Percent-encodes a value of a query (RFC 3986: everything but the unreserved characters).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_thing_and_keeps_the_rest() {
        let query = DevicesQuery {
            q: "küche & co".to_owned(),
            page: 3,
            refresh: "off".to_owned(),
            ..DevicesQuery::default()
        };
        assert_eq!(query.on_page(2), "/?q=k%C3%BCche%20%26%20co&page=2&refresh=off");
        assert_eq!(
            query.showing(Show::Stale),
            "/?q=k%C3%BCche%20%26%20co&show=stale&refresh=off"
        );
        assert_eq!(query.toggling_refresh(), "/?q=k%C3%BCche%20%26%20co&page=3");
        assert_eq!(DevicesQuery::default().href(), "/");
    }
}
