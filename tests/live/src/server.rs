//! A server in the test's own process, on a free port.

use std::net::TcpListener;

use axum::Router;
use roost_live::endpoint::{Endpoint, Limits};
use roost_runtime::supervisor::detached;
use roost_runtime::{Shutdown, Strategy, Supervisor, SupervisorHandle};
use tokio::task::JoinHandle;

/// A running server; is asked to stop when this value ends.
pub struct Server {
    /// `http://127.0.0.1:<port>`.
    pub base: String,
    /// Everything that is connected.
    pub endpoint: Endpoint,
    shutdown: Shutdown,
    supervisor: SupervisorHandle,
    tree: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves what `routes` makes of the endpoint.
    ///
    /// # Panics
    /// If there is no port.
    pub fn start(limits: Limits, routes: impl FnOnce(&Endpoint) -> Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        let endpoint = Endpoint::new(limits);
        let tree = Supervisor::new("server", Strategy::OneForOne)
            .child(endpoint.supervisor())
            .child(endpoint.server(listener, routes(&endpoint)));
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let supervisor = tree.handle();
        let tree = detached(async move { tree.run(stop).await.expect("it runs until it is stopped") });
        Self {
            base: format!("http://{address}"),
            endpoint,
            shutdown,
            supervisor,
            tree: Some(tree),
        }
    }

    /// How many tasks its channels are, those that end included.
    #[must_use]
    pub fn channels(&self) -> usize {
        /// More than the endpoint has parts.
        const PARTS: usize = 1000;
        let tree = self.supervisor.tree(PARTS);
        let mut parts = tree.children.iter().flat_map(|child| &child.children);
        parts
            .find(|part| &*part.child.name == "channels")
            .map_or(0, |part| part.child_count)
    }

    /// Asks it to stop; what is returned is ready when it has.
    ///
    /// # Panics
    /// Never: it is asked once.
    pub fn stop(mut self) -> JoinHandle<()> {
        self.tree.take().expect("nobody else has asked")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}
