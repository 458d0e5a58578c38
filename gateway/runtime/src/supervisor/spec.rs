//! Child specifications: what to run, when to restart it, how long it may take to start and to stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::backoff::Backoff;
use super::node::Node;
use super::shutdown::Shutdown;
use crate::lock;

/// Any error that a child may end with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A child at work.
pub type ChildFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
pub(super) type Factory = Arc<dyn Fn(Context) -> ChildFuture + Send + Sync>;

/// How long a worker may take to stop before it is aborted, unless its specification says otherwise (OTP: 5 s).
pub(super) const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// How long a child that [`ChildSpec::awaits_ready`] may take until it is.
pub(super) const READY_DEADLINE: Duration = Duration::from_secs(30);

/// When a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// After an error or a panic only.
    Transient,
    /// Never; its specification is forgotten when it ends.
    Temporary,
}

/// What a child is handed when it starts.
#[derive(Debug)]
pub struct Context {
    /// Stop soon after this is requested.
    pub shutdown: Shutdown,
    pub(super) node: Arc<Node>,
    pub(super) ready: Mutex<Option<oneshot::Sender<()>>>,
}

impl Context {
    /// The child's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Tells the supervisor that this child is at work, so that the next one may start. Does nothing the second time.
    pub fn ready(&self) {
        self.node.ready();
        if let Some(ready) = lock(&self.ready).take() {
            // The supervisor may have stopped waiting; then it will stop this child too.
            let _ = ready.send(());
        }
    }
}

/// By which rules a child is run: few for many children, so that children share them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) restart: Restart,
    pub(super) backoff: Backoff,
    /// `None` waits for ever.
    pub(super) stop_deadline: Option<Duration>,
    pub(super) ready_deadline: Option<Duration>,
}

impl Rules {
    /// Those of a child that came as a future and cannot be started twice.
    pub(super) const ONCE: Self = Self {
        restart: Restart::Temporary,
        backoff: Backoff::NONE,
        stop_deadline: Some(STOP_DEADLINE),
        ready_deadline: None,
    };
}

/// What to run and by which rules.
#[derive(Clone)]
pub struct ChildSpec {
    pub(super) name: Arc<str>,
    pub(super) factory: Factory,
    pub(super) rules: Rules,
    /// A nested supervisor brings the node that its handle already shows.
    pub(super) node: Option<Arc<Node>>,
}

impl ChildSpec {
    /// A permanent worker. `start` is called for every start and gets a fresh [`Context`].
    pub fn new<F, Fut>(name: impl Into<Arc<str>>, start: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            name: name.into(),
            factory: Arc::new(move |context| Box::pin(start(context))),
            rules: Rules {
                restart: Restart::Permanent,
                backoff: Backoff::default(),
                ..Rules::ONCE
            },
            node: None,
        }
    }

    /// When to restart it.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.rules.restart = restart;
        self
    }

    /// How long to wait before each restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = backoff;
        self
    }

    /// How long it may take to stop before it is aborted.
    #[must_use]
    pub fn stop_within(mut self, deadline: Duration) -> Self {
        self.rules.stop_deadline = Some(deadline);
        self
    }

    /// The next child is started only when this one has called [`Context::ready`]. It fails if that takes over 30 s.
    #[must_use]
    pub fn awaits_ready(mut self) -> Self {
        self.rules.ready_deadline = Some(READY_DEADLINE);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("restart", &self.rules.restart)
            .finish_non_exhaustive()
    }
}
