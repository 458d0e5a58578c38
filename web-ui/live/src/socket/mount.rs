//! A place where clients connect: who is let in, and which channels there are.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use roost_runtime::BoxError;

use super::connect::{Accepted, Connect, Refused};
use super::connection::Connection;
use super::handshake::PROTOCOL;
use super::observer::Observer;
use super::origin::Origin;
use crate::channel::{AnyPort, Channel, Opening, Port, Unstarted, run};
use crate::frame::Ref;

type Answer = Pin<Box<dyn Future<Output = Result<Accepted, Refused>> + Send>>;
type Connector = Box<dyn Fn(Connect) -> Answer + Send + Sync>;
pub(super) type Work = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
/// Makes a channel's port and its task, which runs once it is given a request to stop. Dropped instead, it closes the
/// port and tells the client.
type Maker = Box<
    dyn Fn(
            Asked,
        ) -> (
            Arc<dyn AnyPort>,
            Box<dyn FnOnce(roost_runtime::Shutdown) -> Work + Send>,
        ) + Send
        + Sync,
>;

/// A join, as it goes to the maker of the channel.
pub(super) struct Asked {
    pub(super) topic: Arc<str>,
    pub(super) connection: Arc<Connection>,
    pub(super) join_ref: Ref,
    pub(super) reference: Ref,
    pub(super) opening: Opening,
}

struct Route {
    pattern: String,
    make: Maker,
}

impl Route {
    /// Whether a topic is of this route: it is the pattern, or begins with it up to a `*` at its end.
    fn matches(&self, topic: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(prefix) => topic.starts_with(prefix),
            None => topic == self.pattern,
        }
    }
}

/// A place where clients connect. [`crate::endpoint::Endpoint::mount`] puts it under a path.
pub struct Mount {
    connect: Connector,
    routes: Vec<Route>,
    origin: Origin,
    protocols: Vec<&'static str>,
    observer: Option<Arc<dyn Observer>>,
}

impl Default for Mount {
    fn default() -> Self {
        Self::new()
    }
}

impl Mount {
    /// Everybody is let in, pages of the same host only, and there are no channels yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            connect: Box::new(|_| Box::pin(async { Ok(Accepted::new()) })),
            routes: Vec::new(),
            origin: Origin::default(),
            protocols: vec![PROTOCOL],
            observer: None,
        }
    }

    /// Who is let in.
    #[must_use]
    pub fn connect<F, Fut>(mut self, connect: F) -> Self
    where
        F: Fn(Connect) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Accepted, Refused>> + Send + 'static,
    {
        self.connect = Box::new(move |client| Box::pin(connect(client)));
        self
    }

    /// Channels for a topic, or for all that begin with what stands before a `*` at the end of the pattern. The first
    /// pattern that matches counts.
    #[must_use]
    pub fn channel<C: Channel>(mut self, pattern: impl Into<String>, shared: Arc<C::Shared>) -> Self {
        let make: Maker = Box::new(move |asked| {
            let Asked {
                topic,
                connection,
                join_ref,
                reference,
                opening,
            } = asked;
            let port: Arc<Port<C::Info>> = Port::new(topic, connection, join_ref, reference, C::INTERCEPT);
            let channel = Unstarted::<C>::new(Arc::clone(&port), opening, Arc::clone(&shared));
            let work = Box::new(move |shutdown| -> Work { Box::pin(run(channel, shutdown)) });
            (port, work)
        });
        self.routes.push(Route {
            pattern: pattern.into(),
            make,
        });
        self
    }

    /// Which pages may connect.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Another name by which clients may ask for this protocol (`Sec-WebSocket-Protocol`), besides `phoenix`. A client
    /// that offers only other names is refused; one that offers none is not asked.
    #[must_use]
    pub fn protocol(mut self, name: &'static str) -> Self {
        self.protocols.push(name);
        self
    }

    /// Somebody watches all that passes.
    #[must_use]
    pub fn observe(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    pub(crate) fn at(self, path: Arc<str>) -> Arc<Mounted> {
        Arc::new(Mounted {
            path,
            connect: self.connect,
            routes: self.routes,
            origin: self.origin,
            protocols: self.protocols.into(),
            observer: self.observer,
        })
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> = self.routes.iter().map(|route| route.pattern.as_str()).collect();
        f.debug_struct("Mount")
            .field("channels", &patterns)
            .finish_non_exhaustive()
    }
}

/// A mount under its path.
pub(crate) struct Mounted {
    pub(crate) path: Arc<str>,
    connect: Connector,
    routes: Vec<Route>,
    pub(super) origin: Origin,
    pub(super) protocols: Box<[&'static str]>,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl Mounted {
    /// Asks the application whether a client is let in.
    pub(super) async fn ask(&self, connect: Connect) -> Result<Accepted, Refused> {
        if let Some(observer) = &self.observer {
            observer.connect(&connect);
        }
        (self.connect)(connect).await
    }

    /// The way to make a channel for a topic, if there is one.
    pub(super) fn route(&self, topic: &str) -> Option<&Maker> {
        self.routes
            .iter()
            .find(|route| route.matches(topic))
            .map(|route| &route.make)
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
