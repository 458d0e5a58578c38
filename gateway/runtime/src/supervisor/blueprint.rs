//! The blueprint of a supervisor: strategy, limits, children; what is written down once and run any number of times.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;

use super::event::Events;
use super::exit::{Exit, install_panic_hook};
use super::handle::{MAILBOX, Request, Shared, SupervisorHandle};
use super::intensity::Intensity;
use super::node::{Kind, Node, State};
use super::shutdown::Shutdown;
use super::spec::{BoxError, ChildSpec, Context, STOP_DEADLINE};
use super::stop::ABORT_GRACE;
use super::task::Task;
use crate::lock;

/// Which siblings share the fate of a child that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// None: it is restarted alone.
    OneForOne,
    /// All are stopped and started again.
    OneForAll,
    /// Those that were started after it are stopped and started again.
    RestForOne,
}

/// Why a supervisor failed.
#[derive(Debug, Error)]
pub enum SupervisorError {
    /// More restarts than its intensity allows.
    #[error("more than {max} restarts within {within:?}, the last of {child}: {reason}")]
    Intensity {
        /// The child that failed once too often.
        child: Arc<str>,
        /// How it last ended.
        reason: String,
        /// Restarts allowed.
        max: u32,
        /// Window they are counted in.
        within: Duration,
    },
}

/// How long the children of a nested supervisor may take to be ready, all of them together.
const NESTED_READY_DEADLINE: Duration = Duration::from_secs(600);

/// How often each child is asked for a sign of life unless told otherwise. Two questions may stay without an answer, so
/// a child hangs for 60 to 90 s before it is ended: longer than a bad disk makes a good child wait.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long a supervisor may take to stop beyond what its children may.
const STOP_SLACK: Duration = Duration::from_secs(10);

/// Most children a dynamic supervisor takes unless told otherwise.
const MAX_CHILDREN: usize = 100_000;

/// The blueprint of a supervisor.
#[derive(Clone)]
pub struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) strategy: Strategy,
    pub(super) dynamic: bool,
    pub(super) intensity: Option<Intensity>,
    pub(super) max_children: usize,
    pub(super) look_every: Duration,
    pub(super) run_queue: bool,
    pub(super) specs: Vec<ChildSpec>,
    pub(super) events: Option<Events>,
    pub(super) on_failure: Option<OnFailure>,
}

/// What is told of each child that failed and is restarted: its name, and how it ended.
pub(super) type OnFailure = Arc<dyn Fn(&str, &Exit) + Send + Sync>;

impl Supervisor {
    /// A supervisor of children that are known beforehand, stopped one by one in reverse order of their start.
    pub fn new(name: impl Into<Arc<str>>, strategy: Strategy) -> Self {
        let node = Node::new(name.into(), Kind::Supervisor);
        Self {
            shared: Arc::new(Shared {
                node,
                mailbox: std::sync::Mutex::new(None),
            }),
            strategy,
            dynamic: false,
            intensity: Some(Intensity::default()),
            max_children: MAX_CHILDREN,
            look_every: LOOK_EVERY,
            run_queue: false,
            specs: Vec::new(),
            events: None,
            on_failure: None,
        }
    }

    /// A supervisor of children that come and go by the thousand: one for one, stopped all at once, forgotten when
    /// they have ended for good.
    pub fn dynamic(name: impl Into<Arc<str>>) -> Self {
        Self {
            dynamic: true,
            ..Self::new(name, Strategy::OneForOne)
        }
    }

    /// How many restarts it takes before it gives up.
    #[must_use]
    pub fn intensity(mut self, max: u32, within: Duration) -> Self {
        self.intensity = Some(Intensity { max, within });
        self
    }

    /// It never gives up: right where each child has a backoff of its own and none may hurt another.
    #[must_use]
    pub fn no_intensity(mut self) -> Self {
        self.intensity = None;
        self
    }

    /// Most children it takes.
    #[must_use]
    pub fn max_children(mut self, limit: usize) -> Self {
        self.max_children = limit;
        self
    }

    /// How often each child is asked for a sign of life. One that has left two questions without an answer is ended
    /// like one that failed.
    #[must_use]
    pub fn look_every(mut self, interval: Duration) -> Self {
        self.look_every = interval;
        self
    }

    /// Its children take turns in a run queue of their own instead of being tasks of the runtime: right for thousands
    /// that do little each time they are woken, and wake each other. Which thread runs them is left open; a second one
    /// helps when there is much to do, or when one of them does not let go of the first.
    #[must_use]
    pub fn run_queue(mut self) -> Self {
        self.run_queue = true;
        self
    }

    /// Adds a child that is started with the supervisor, after those added before.
    #[must_use]
    pub fn child(mut self, spec: impl Into<ChildSpec>) -> Self {
        self.specs.push(spec.into());
        self
    }

    /// Where it tells what happens.
    #[must_use]
    pub fn events(mut self, events: &Events) -> Self {
        self.events = Some(events.clone());
        self
    }

    /// Called for every child that failed, before it is restarted. Unlike [`Supervisor::events`] it misses none and
    /// comes in order with what the child did, so it must not block.
    #[must_use]
    pub fn on_failure(mut self, told: impl Fn(&str, &Exit) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Arc::new(told));
        self
    }

    /// The handle, valid before, during and between runs.
    #[must_use]
    pub fn handle(&self) -> SupervisorHandle {
        SupervisorHandle(Arc::clone(&self.shared))
    }

    /// How long it may take to stop: as long as its children may, and a while more. One that hangs must not keep those
    /// above it from stopping.
    fn stop_deadline(&self) -> Duration {
        let of = |spec: &ChildSpec| spec.rules.stop_deadline.unwrap_or(STOP_DEADLINE) + ABORT_GRACE;
        let children = if self.dynamic {
            STOP_DEADLINE + ABORT_GRACE
        } else {
            self.specs.iter().map(of).sum()
        };
        children + STOP_SLACK
    }

    /// Runs until `shutdown` is requested; then stops all children and returns.
    ///
    /// # Errors
    /// [`SupervisorError`], after all children were stopped.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), SupervisorError> {
        self.run_until(shutdown, || {}).await
    }

    /// Calls `started` once the children known beforehand were started, and were ready if they have to be.
    async fn run_until(
        self,
        shutdown: Shutdown,
        started: impl FnOnce() + Send,
    ) -> Result<(), SupervisorError> {
        install_panic_hook();
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        let open = Open::new(&self.shared, sender);
        self.shared.node.disown_all();
        self.shared.node.enter(State::Starting);
        let mut task = Task::new(self, mailbox);
        task.start_from(0, &shutdown).await;
        task.node.ready();
        started();
        let result = task.supervise(&shutdown).await;
        // From here on nobody can start anything; those who asked meanwhile learn it when the mailbox is dropped.
        drop(open);
        task.mailbox.close();
        task.stop_all().await;
        result
    }
}

impl From<Supervisor> for ChildSpec {
    /// A nested supervisor: permanent, ready when its own children are, with all the time that they may take to stop.
    fn from(supervisor: Supervisor) -> Self {
        let node = Arc::clone(&supervisor.shared.node);
        let stop_deadline = supervisor.stop_deadline();
        let mut spec = ChildSpec::new(Arc::clone(&node.name), move |context: Context| {
            let supervisor = supervisor.clone();
            async move {
                let shutdown = context.shutdown.clone();
                supervisor
                    .run_until(shutdown, || context.ready())
                    .await
                    .map_err(BoxError::from)
            }
        });
        spec.rules.stop_deadline = Some(stop_deadline);
        spec.rules.ready_deadline = Some(NESTED_READY_DEADLINE);
        spec.node = Some(node);
        spec
    }
}

/// While this lives, handles reach the supervisor; also when its task is aborted.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>, sender: mpsc::Sender<Request>) -> Self {
        *lock(&shared.mailbox) = Some(sender);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *lock(&self.0.mailbox) = None;
    }
}
