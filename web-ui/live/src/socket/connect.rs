//! A client that connects, and what an application says to it.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Map, Value};

use super::connection::Transport;
use crate::frame::write_names;
use crate::view::Inboxes;

/// A client that connects. None of this is kept: what channels need later goes into [`Accepted::assign`].
#[derive(Clone)]
pub struct Connect {
    /// The parameters of its address and of the path of the mount.
    pub params: Map<String, Value>,
    /// The token that the official client sends with its option `authToken`. Nobody has looked whether it is any good.
    pub token: Option<String>,
    /// What it asked for.
    pub uri: Uri,
    /// The headers of its request.
    pub headers: HeaderMap,
    /// The address of the other end, if whoever serves the connection has said it ([`crate::endpoint::Peer`]).
    pub peer: Option<SocketAddr>,
    /// How it connects.
    pub transport: Transport,
}

impl fmt::Debug for Connect {
    /// For the log: who and how, and of what was said the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Connect {} by {:?} from {:?} ",
            self.uri.path(),
            self.transport,
            self.peer
        )?;
        write_names(f, self.params.keys().map(String::as_str))
    }
}

impl Connect {
    /// A parameter that is text.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }

    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A cookie. Browsers send cookies whatever page asks: trust one only together with a proof that the page is of
    /// this site, such as a parameter `_csrf_token`.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers.get_all(header::COOKIE).iter();
        let cookies = headers
            .filter_map(|header| header.to_str().ok())
            .flat_map(|list| list.split(';'));
        cookies
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Headers whose name begins with `prefix`, such as `x-` or `sec-websocket-`.
    pub fn headers_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let headers = self.headers.iter();
        let named = headers.filter(move |(name, _)| name.as_str().starts_with(prefix));
        named.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
}

/// A client is let in.
#[derive(Default)]
pub struct Accepted {
    pub(super) id: Option<Box<str>>,
    pub(super) assigns: Option<Arc<dyn Any + Send + Sync>>,
    /// Where the views of a client in this process are to be found.
    pub(super) views: Option<Inboxes>,
}

impl Accepted {
    /// Without anything to remember.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the socket, so that all of one user's can be disconnected: [`crate::endpoint::Endpoint::disconnect`].
    #[must_use]
    pub fn id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// What its channels find in [`super::Connection::assigns`]. There is one such thing for each connection.
    #[must_use]
    pub fn assign<T: Send + Sync + 'static>(mut self, assigns: T) -> Self {
        self.assigns = Some(Arc::new(assigns));
        self
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub StatusCode);

impl Default for Refused {
    fn default() -> Self {
        Self(StatusCode::FORBIDDEN)
    }
}
