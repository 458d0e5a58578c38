//! Which pages may open a socket. Browsers say of which origin a page is; programs say nothing, and may.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};

/// Which pages may open a socket.
#[derive(Clone, Default)]
pub enum Origin {
    /// Those of the host that was asked, with the same port: right unless a proxy changes the host. It believes the
    /// `Host` header: a page elsewhere whose own name resolves to this machine (DNS rebinding) passes. A program that
    /// knows its names says them, by [`Origin::Host`] or [`Origin::List`], or refuses other hosts before.
    #[default]
    SameHost,
    /// Those of this host, whatever scheme and port.
    Host(String),
    /// Those of this list.
    List(Vec<OriginRule>),
    /// All.
    Any,
    /// Those of which this function says so; it is given the origin as the browser said it.
    With(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

/// One entry of a list of origins: `https://panel.example:8443`, scheme and port may be left out, `*.` before the host
/// stands for the host itself and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    scheme: Option<String>,
    host: String,
    wildcard: bool,
    port: Option<u16>,
}

impl OriginRule {
    /// Reads a rule. `None` if it is none.
    #[must_use]
    pub fn parse(rule: &str) -> Option<Self> {
        let (scheme, rest) = match rule.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, rule.strip_prefix("//").unwrap_or(rule)),
        };
        let (wildcard, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let authority: axum::http::uri::Authority = rest.parse().ok()?;
        Some(Self {
            scheme,
            host: authority.host().to_ascii_lowercase(),
            wildcard,
            port: authority.port_u16(),
        })
    }

    fn allows(&self, origin: &Page) -> bool {
        let below = || {
            let above = origin.host.strip_suffix(self.host.as_str());
            above.is_some_and(|above| above.ends_with('.'))
        };
        (origin.host == self.host || (self.wildcard && below()))
            && self.scheme.as_ref().is_none_or(|scheme| *scheme == origin.scheme)
            && self.port.is_none_or(|port| Some(port) == origin.port)
    }
}

/// An origin, taken apart. The port is there even where the origin leaves it to the scheme.
struct Page {
    scheme: String,
    host: String,
    port: Option<u16>,
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl Page {
    fn parse(origin: &str) -> Option<Self> {
        let uri: Uri = origin.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let host = uri.host()?.to_ascii_lowercase();
        let port = uri.port_u16().or_else(|| usual_port(&scheme));
        (!host.is_empty() && !scheme.is_empty()).then_some(Self { scheme, host, port })
    }
}

impl Origin {
    /// Whether a request with these headers may open a socket.
    #[must_use]
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(text) = origin.to_str() else {
            return matches!(self, Self::Any);
        };
        match self {
            Self::Any => return true,
            Self::With(allows) => return allows(text),
            Self::SameHost | Self::Host(_) | Self::List(_) => {}
        }
        let Some(page) = Page::parse(text) else {
            return false;
        };
        match self {
            Self::SameHost => is_asked(&page, headers),
            Self::Host(host) => page.host == host.to_ascii_lowercase(),
            Self::List(rules) => rules.iter().any(|rule| rule.allows(&page)),
            Self::Any | Self::With(_) => true,
        }
    }
}

/// Whether the page is of the host that is asked. Its scheme is not looked at: a proxy that ends TLS changes it.
fn is_asked(page: &Page, headers: &HeaderMap) -> bool {
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    asked.is_some_and(|asked| {
        asked.host().eq_ignore_ascii_case(&page.host)
            && asked.port_u16().or_else(|| usual_port(&page.scheme)) == page.port
    })
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SameHost => f.write_str("SameHost"),
            Self::Host(host) => f.debug_tuple("Host").field(host).finish(),
            Self::List(rules) => f.debug_tuple("List").field(rules).finish(),
            Self::Any => f.write_str("Any"),
            Self::With(_) => f.write_str("With(..)"),
        }
    }
}
