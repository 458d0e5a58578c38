//! The handle of a running supervisor: add, stop and look at children from anywhere.

use std::future::Future;
use std::sync::{Arc, Mutex};

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::node::{ChildView, Node, TreeView};
use super::spec::{BoxError, ChildFuture, ChildSpec, Context};
use crate::lock;

/// Requests that wait for a busy supervisor; more than this hold back the asker.
pub(super) const MAILBOX: usize = 1024;

/// Why a child could not be started, stopped or found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StartError {
    /// A child of this name is there already.
    #[error("{0} is running already")]
    AlreadyStarted(Arc<str>),
    /// The supervisor has as many children as it may have.
    #[error("{supervisor} has its {limit} children and takes no more")]
    Full {
        /// The supervisor.
        supervisor: Arc<str>,
        /// Its limit.
        limit: usize,
    },
    /// The supervisor does not run, or stops.
    #[error("{0} is not running")]
    NotRunning(Arc<str>),
    /// There is no such child.
    #[error("there is no child {0}")]
    NotFound(Arc<str>),
}

pub(super) type Temporary = Box<dyn FnOnce(Context) -> ChildFuture + Send>;
pub(super) type Reply<T> = oneshot::Sender<Result<T, StartError>>;

pub(super) enum Request {
    Start(Box<ChildSpec>, Reply<()>),
    StartTemporary(Arc<str>, Temporary, Option<Reply<()>>),
    Terminate(Arc<str>, Reply<()>),
    Restart(Arc<str>, Reply<()>),
    Delete(Arc<str>, Reply<()>),
    Ping(Reply<()>),
}

/// What handle and task share.
pub(super) struct Shared {
    pub(super) node: Arc<Node>,
    /// `None` while the supervisor does not run.
    pub(super) mailbox: Mutex<Option<mpsc::Sender<Request>>>,
}

/// A handle of a supervisor. It stays valid when the supervisor is restarted by its own parent.
#[derive(Clone)]
pub struct SupervisorHandle(pub(super) Arc<Shared>);

impl SupervisorHandle {
    fn mailbox(&self) -> Result<mpsc::Sender<Request>, StartError> {
        lock(&self.0.mailbox).clone().ok_or_else(|| self.not_running())
    }

    fn not_running(&self) -> StartError {
        StartError::NotRunning(Arc::clone(&self.0.node.name))
    }

    async fn ask(&self, request: impl FnOnce(Reply<()>) -> Request) -> Result<(), StartError> {
        let (reply, answer) = oneshot::channel();
        self.mailbox()?
            .send(request(reply))
            .await
            .map_err(|_| self.not_running())?;
        answer.await.map_err(|_| self.not_running())?
    }

    /// Adds a child and starts it. Returns when it was started, not when it is ready.
    ///
    /// # Errors
    /// [`StartError`], if the name is taken, the supervisor is full or does not run.
    pub async fn start_child(&self, spec: ChildSpec) -> Result<(), StartError> {
        self.ask(|reply| Request::Start(Box::new(spec), reply)).await
    }

    /// Starts a child that is never restarted, from a future that cannot be made twice (it owns a socket, say).
    /// It is not found by name. Returns as soon as the supervisor has room in its mailbox; if the supervisor is full,
    /// the child is dropped unstarted, which is logged.
    ///
    /// # Errors
    /// [`StartError::NotRunning`].
    pub async fn start_temporary<F, Fut>(&self, name: impl Into<Arc<str>>, start: F) -> Result<(), StartError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let start: Temporary = Box::new(move |context| Box::pin(start(context)));
        let request = Request::StartTemporary(name.into(), start, None);
        self.mailbox()?
            .send(request)
            .await
            .map_err(|_| self.not_running())
    }

    /// Stops a child and waits until it has ended. A dynamic supervisor forgets it; any other keeps its specification
    /// for [`SupervisorHandle::restart_child`].
    ///
    /// # Errors
    /// [`StartError::NotFound`], [`StartError::NotRunning`].
    pub async fn terminate_child(&self, name: &str) -> Result<(), StartError> {
        self.ask(|reply| Request::Terminate(name.into(), reply)).await
    }

    /// Starts a child again that was terminated or has ended; one that waits in its backoff starts at once.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`] if it runs, [`StartError::NotFound`], [`StartError::NotRunning`].
    pub async fn restart_child(&self, name: &str) -> Result<(), StartError> {
        self.ask(|reply| Request::Restart(name.into(), reply)).await
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`] if it runs, [`StartError::NotFound`], [`StartError::NotRunning`].
    pub async fn delete_child(&self, name: &str) -> Result<(), StartError> {
        self.ask(|reply| Request::Delete(name.into(), reply)).await
    }

    /// Returns once the supervisor has answered: it is alive and takes requests.
    ///
    /// # Errors
    /// [`StartError::NotRunning`].
    pub async fn ping(&self) -> Result<(), StartError> {
        self.ask(Request::Ping).await
    }

    /// How many children there are, waiting and stopped ones included.
    #[must_use]
    pub fn child_count(&self) -> usize {
        self.0.node.child_count()
    }

    /// How many restarts its children have had in all.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.0.node.restarts_of_children()
    }

    /// One child, if there is one of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<ChildView> {
        self.0.node.view_of(name)
    }

    /// This supervisor and all below, at most `limit` children of each.
    #[must_use]
    pub fn tree(&self, limit: usize) -> TreeView {
        self.0.node.tree(limit)
    }
}

impl std::fmt::Debug for SupervisorHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SupervisorHandle")
            .field(&self.0.node.name)
            .finish()
    }
}
