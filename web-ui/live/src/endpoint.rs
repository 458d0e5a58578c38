//! The endpoint: mounts under their paths, everything that is connected, and the part of the supervision tree that all
//! of it lives in.

mod budget;
mod drain;
mod hub;
mod limits;
mod pace;
mod relief;
mod serve;

use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::routing::any;
use roost_runtime::{ChildSpec, Strategy, Supervisor};
use serde_json::{Map, Value};

use crate::frame::{Payload, PayloadError};
use crate::presence::Presence;
use crate::socket::{Connection, Mount, poll, upgrade};

pub use limits::Limits;
pub use serve::{HTTP_CONNECTIONS, Peer};

pub(crate) use budget::Budget;
pub(crate) use drain::RESTART;
pub(crate) use hub::Hub;

/// Everything that is connected. Cloning copies a pointer.
#[derive(Clone)]
pub struct Endpoint {
    hub: Arc<Hub>,
    presence: Presence,
    channels: Supervisor,
    sockets: Supervisor,
}

impl Endpoint {
    /// An endpoint that nothing is connected to yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let channels = Supervisor::dynamic("channels").max_children(limits.connections * limits.topics);
        let sockets = Supervisor::dynamic("sockets").max_children(limits.connections);
        Self {
            hub: Arc::new(Hub::new(limits, sockets.handle(), channels.handle())),
            presence: Presence::new(),
            channels,
            sockets,
        }
    }

    /// Who is on which topic.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Its part of the supervision tree. Nothing is let in before it runs.
    #[must_use]
    pub fn supervisor(&self) -> Supervisor {
        let (presence, hub) = (self.presence.clone(), Arc::clone(&self.hub));
        let presence = ChildSpec::new("presence", move |context| {
            presence.clone().tell(Arc::clone(&hub), context)
        });
        // Stopped in reverse: clients are told before their channels end, and lanes write until then. Where the program
        // has a server of ours, they have been told before it stopped.
        // One processor is left to everything else.
        let lanes = std::thread::available_parallelism().map_or(1, |all| (all.get() - 1).max(1));
        let tree = (1..=lanes).fold(Supervisor::new("live", Strategy::OneForOne), |tree, number| {
            let hub = Arc::clone(&self.hub);
            tree.child(ChildSpec::new(format!("lane {number}"), move |context| {
                let hub = Arc::clone(&hub);
                async move { hub.topics.lanes.work(context).await }
            }))
        });
        let hub = Arc::clone(&self.hub);
        let relief = ChildSpec::new("relief", move |context| relief::work(Arc::clone(&hub), context));
        tree.child(relief)
            .child(presence)
            .child(self.channels.clone())
            .child(self.sockets.clone())
            .child(drain::drain(&self.hub))
    }

    /// Serves a router, that of its mounts and whatever else the program offers, on a listener, in tasks of this
    /// supervisor: a small server for programs that have none. It stands after [`Endpoint::supervisor`] in the tree and
    /// so stops before it; clients are told before that, so that nobody's request holds it up. HTTP/1.1 only: HTTP/2
    /// would start tasks that nobody supervises.
    #[must_use]
    pub fn server(&self, listener: TcpListener, router: Router) -> Supervisor {
        serve::server(listener, router, HTTP_CONNECTIONS).child(drain::drain(&self.hub))
    }

    /// Whether clients are let in: its part of the tree runs.
    pub async fn is_running(&self) -> bool {
        self.hub.sockets.ping().await.is_ok() && self.hub.channels.ping().await.is_ok()
    }

    /// Routes for a mount: `<path>/websocket` and `<path>/longpoll`. A path may have variables, `/socket/{tenant}`,
    /// which become parameters of the connection.
    pub fn mount(&self, path: &str, mount: Mount) -> Router {
        let mounted = mount.at(path.into());
        let (hub, other) = (Arc::clone(&self.hub), Arc::clone(&mounted));
        let websocket = any(move |path: RawPathParams, request: Request| {
            upgrade(Arc::clone(&hub), Arc::clone(&other), variables(&path), request)
        });
        let hub = Arc::clone(&self.hub);
        let long_poll = any(move |path: RawPathParams, request: Request| {
            poll(Arc::clone(&hub), Arc::clone(&mounted), variables(&path), request)
        });
        let path = path.trim_end_matches('/');
        Router::new()
            .route(&format!("{path}/websocket"), websocket)
            .route(&format!("{path}/longpoll"), long_poll)
    }

    /// Sends an event to everybody on a topic. Returns how many there are.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn broadcast(&self, topic: &str, event: &str, payload: &Payload) -> Result<usize, PayloadError> {
        self.hub.topics.broadcast(topic, event, payload, None)
    }

    /// How many have joined a topic.
    #[must_use]
    pub fn joined(&self, topic: &str) -> usize {
        self.hub.topics.count(topic)
    }

    /// What is connected to a mount.
    #[must_use]
    pub fn connections(&self, mount: &str) -> Vec<Arc<Connection>> {
        self.hub.connections(|connection| connection.mount() == mount)
    }

    /// Closes all connections that the application has named so (1001, "going away": clients come back and are asked
    /// who they are anew). Returns how many there were.
    pub fn disconnect(&self, id: &str) -> usize {
        /// RFC 6455 section 7.4.1.
        const GOING_AWAY: u16 = 1001;
        let named = self.hub.connections(|connection| connection.id() == Some(id));
        named.iter().for_each(|connection| connection.close(GOING_AWAY));
        named.len()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

fn variables(path: &RawPathParams) -> Map<String, Value> {
    path.iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}
