//! The supervisor at work: the loop that waits for exits, timers and requests, and what an exit leads to.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::time::DelayQueue;
use tracing::{debug, warn};

use super::blueprint::{OnFailure, Strategy, Supervisor, SupervisorError};
use super::crew::{self, Crew, Ended, Run};
use super::event::{Event, EventKind, Events};
use super::exit::{Exit, stillborn};
use super::group::Round;
use super::handle::Request;
use super::hush::Hush;
use super::intensity::{Intensity, Window};
use super::node::{Kind, Node, State};
use super::run_queue::RunQueue;
use super::sabotage::{befall, look_every};
use super::shutdown::Shutdown;
use super::spec::{ChildFuture, ChildSpec, Context, Factory, Restart, Rules};
use super::vigil::Vigil;
use super::worker::{Child, Phase, Running, Timer, Verdict, call};

/// Different rules among which those of a new child are looked for.
const MOST_RULES: usize = 8;

enum Step {
    Shutdown,
    Ended(Ended),
    Timer(Timer),
    Request(Request),
    Round,
}

/// A supervisor at work. Children are kept in the order of their start.
pub(super) struct Task {
    pub(super) node: Arc<Node>,
    pub(super) strategy: Strategy,
    pub(super) dynamic: bool,
    intensity: Option<Intensity>,
    pub(super) max_children: usize,
    events: Option<Events>,
    on_failure: Option<OnFailure>,
    pub(super) mailbox: mpsc::Receiver<Request>,
    // Boxed: the nodes of the tree are half empty when children come in order.
    pub(super) children: BTreeMap<u64, Box<Child>>,
    pub(super) crew: Crew,
    pub(super) timers: DelayQueue<Timer>,
    /// Exits that came while the supervisor waited for another.
    pub(super) pending: VecDeque<Ended>,
    pub(super) round: Option<Round>,
    pub(super) vigil: Vigil,
    /// Where the children take turns, if they are no tasks of the runtime.
    pub(super) run_queue: Option<Arc<RunQueue>>,
    /// The rules of the children.
    rules: Vec<Arc<Rules>>,
    window: Window,
    hush: Hush,
    next_order: u64,
}

impl Task {
    pub(super) fn new(blueprint: Supervisor, mailbox: mpsc::Receiver<Request>) -> Self {
        let mut task = Self {
            node: Arc::clone(&blueprint.shared.node),
            strategy: blueprint.strategy,
            dynamic: blueprint.dynamic,
            intensity: blueprint.intensity,
            max_children: blueprint.max_children,
            events: blueprint.events,
            on_failure: blueprint.on_failure,
            mailbox,
            children: BTreeMap::new(),
            crew: Crew::new(),
            timers: DelayQueue::new(),
            pending: VecDeque::new(),
            round: None,
            vigil: Vigil::new(look_every(blueprint.look_every)),
            run_queue: blueprint.run_queue.then(RunQueue::new),
            rules: Vec::new(),
            window: Window::default(),
            hush: Hush::default(),
            next_order: 0,
        };
        for spec in blueprint.specs {
            task.add(spec);
        }
        task.keep_vigil();
        task.watch_turns();
        task
    }

    pub(super) async fn supervise(&mut self, shutdown: &Shutdown) -> Result<(), SupervisorError> {
        loop {
            match self.next_step(shutdown).await {
                Step::Shutdown => return Ok(()),
                Step::Ended(ended) => self.on_ended(ended).await?,
                Step::Timer(timer) => self.on_timer(&timer),
                Step::Request(request) => self.on_request(request),
                Step::Round => {
                    if let Some(round) = self.round.take() {
                        self.start_from(round.from, shutdown).await;
                    }
                }
            }
        }
    }

    async fn next_step(&mut self, shutdown: &Shutdown) -> Step {
        let Self {
            pending,
            crew,
            children,
            timers,
            mailbox,
            round,
            ..
        } = self;
        let wake = round.as_ref().map(|round| round.wake);
        let no_timers = timers.is_empty();
        tokio::select! {
            biased;
            () = shutdown.requested() => Step::Shutdown,
            ended = next_ended(pending, crew, children) => Step::Ended(ended),
            Some(expired) = poll_fn(|cx| timers.poll_expired(cx)), if !no_timers => Step::Timer(expired.into_inner()),
            () = sleep_until(wake), if wake.is_some() => Step::Round,
            Some(request) = mailbox.recv() => Step::Request(request),
        }
    }

    pub(super) fn emit(&self, child: &Arc<Node>, kind: EventKind) {
        if let Some(events) = &self.events {
            events.emit(|| Event {
                supervisor: Arc::clone(&self.node.name),
                child: Arc::clone(&child.name),
                kind,
            });
        }
    }

    pub(super) fn insert(&mut self, node: Arc<Node>, factory: Option<Factory>, rules: Rules) -> u64 {
        let order = self.next_order;
        self.next_order += 1;
        self.node.adopt(order, &node, factory.is_some());
        let rules = self.shared_rules(rules);
        self.children.insert(
            order,
            Box::new(Child {
                node,
                factory,
                rules,
                running: None,
                phase: Phase::Down,
                attempt: 0,
                killed: None,
            }),
        );
        order
    }

    /// One copy of the rules for all children that have the same.
    fn shared_rules(&mut self, rules: Rules) -> Arc<Rules> {
        if let Some(known) = self.rules.iter().find(|known| ***known == rules) {
            return Arc::clone(known);
        }
        let rules = Arc::new(rules);
        if self.rules.len() < MOST_RULES {
            self.rules.push(Arc::clone(&rules));
        }
        rules
    }

    pub(super) fn add(&mut self, spec: ChildSpec) -> u64 {
        let ChildSpec {
            name,
            factory,
            rules,
            node,
        } = spec;
        let node = node.unwrap_or_else(|| Node::new(name, Kind::Worker));
        self.insert(node, Some(factory), rules)
    }

    pub(super) fn forget(&mut self, order: u64) {
        self.children.remove(&order);
        self.node.disown(order);
    }

    /// Starts the task of a child from its specification; the receiver hears when the child is ready.
    pub(super) fn start(&mut self, order: u64) -> Option<oneshot::Receiver<()>> {
        let child = self.children.get(&order)?;
        let (factory, ready_deadline) = (child.factory.clone()?, child.rules.ready_deadline);
        self.launch(order, ready_deadline, move |context| factory(context))
    }

    pub(super) fn launch(
        &mut self,
        order: u64,
        ready_deadline: Option<Duration>,
        factory: impl FnOnce(Context) -> ChildFuture,
    ) -> Option<oneshot::Receiver<()>> {
        let child = self.children.get_mut(&order)?;
        let (run, shutdown) = self.crew.new_run(order);
        let (ready, is_ready) = ready_deadline.map(|_| oneshot::channel()).unzip();
        let context = Context {
            shutdown: shutdown.clone(),
            node: Arc::clone(&child.node),
            ready: std::sync::Mutex::new(ready),
        };
        child.node.enter(if ready_deadline.is_some() {
            State::Starting
        } else {
            State::Running
        });
        let future = match call(|| factory(context)) {
            Ok(future) => befall(&self.node.name, &child.node.name, future),
            Err(exit) => stillborn(exit),
        };
        let abort = crew::start(future, shutdown.clone(), self.run_queue.as_ref());
        child.phase = Phase::Up;
        child.killed = None;
        child.running = Some(Running { abort, shutdown });
        if let Some(deadline) = ready_deadline {
            self.timers.insert(Timer::Ready(order, run), deadline);
        }
        let node = Arc::clone(&child.node);
        self.emit(&node, EventKind::Started);
        is_ready
    }

    async fn on_ended(&mut self, ended: Ended) -> Result<(), SupervisorError> {
        let ended = self.note_killed(ended);
        let Some(child) = self.children.get_mut(&ended.order) else {
            return Ok(());
        };
        if child
            .running
            .as_ref()
            .is_none_or(|running| !running.is(ended.run))
        {
            return Ok(());
        }
        child.running = None;
        let ran = child.node.lasted();
        let exit = ended.exit;
        child.node.exited(&exit);
        let node = Arc::clone(&child.node);
        let wants_restart = child.wants_restart(&exit);
        let temporary = child.restart() == Restart::Temporary;
        let phase = std::mem::replace(&mut child.phase, Phase::Down);
        self.emit(&node, EventKind::Exited(exit.to_string()));
        if let Phase::Stopping(replies) = phase {
            self.finish_stop(ended.order, replies);
            return Ok(());
        }
        if wants_restart {
            warn!(supervisor = %self.node.name, child = %node.name, reason = %exit, "child ended and is restarted");
            if let Some(told) = &self.on_failure {
                told(&node.name, &exit);
            }
            return self.restart(ended.order, ran, &exit).await;
        }
        if matches!(exit, Exit::Panicked { .. }) {
            // A client can make one after the other.
            if let Some(unsaid) = self.hush.line(Instant::now()) {
                warn!(supervisor = %self.node.name, child = %node.name, reason = %exit, unsaid, "child panicked");
            }
        } else if exit.is_abnormal() {
            debug!(supervisor = %self.node.name, child = %node.name, reason = %exit, "child ended");
        }
        if temporary || self.dynamic {
            self.forget(ended.order);
        }
        Ok(())
    }

    async fn restart(&mut self, order: u64, ran: Duration, exit: &Exit) -> Result<(), SupervisorError> {
        let Some(child) = self.children.get_mut(&order) else {
            return Ok(());
        };
        let node = Arc::clone(&child.node);
        if let Some(limit) = self.intensity
            && self.window.exceeded(limit, Instant::now())
        {
            self.emit(&node, EventKind::Escalated);
            let (max, within) = (limit.max, limit.within);
            let child = Arc::clone(&node.name);
            return Err(SupervisorError::Intensity {
                child,
                reason: exit.to_string(),
                max,
                within,
            });
        }
        let delay = child.next_delay(ran);
        self.node.count_restart();
        node.backing_off(Instant::now() + delay);
        self.emit(&node, EventKind::Restarting(delay));
        match self.strategy {
            Strategy::OneForOne if delay.is_zero() => {
                self.start(order);
            }
            Strategy::OneForOne => {
                let key = self.timers.insert(Timer::Restart(order), delay);
                if let Some(child) = self.children.get_mut(&order) {
                    child.phase = Phase::Waiting(key);
                }
            }
            Strategy::OneForAll => self.begin_round(0, delay).await,
            Strategy::RestForOne => self.begin_round(order, delay).await,
        }
        Ok(())
    }

    fn on_timer(&mut self, timer: &Timer) {
        match *timer {
            Timer::Restart(order) => {
                self.start(order);
            }
            Timer::Stop(order, run) => self.kill_run(order, run, Verdict::TooSlow),
            Timer::Ready(order, run) => {
                let starting = self
                    .children
                    .get(&order)
                    .is_some_and(|child| child.node.view().state == State::Starting);
                if starting {
                    self.kill_run(order, run, Verdict::NotReady);
                }
            }
            Timer::Look => self.look(),
            Timer::Turns => self.watch_turns(),
        }
    }

    /// Kills the child unless it runs anew by now.
    fn kill_run(&mut self, order: u64, run: Run, why: Verdict) {
        if let Some(child) = self.children.get_mut(&order)
            && child.running.as_ref().is_some_and(|running| running.is(run))
        {
            child.kill(why);
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// The next exit: first those that were set aside.
pub(super) async fn next_ended(
    pending: &mut VecDeque<Ended>,
    crew: &mut Crew,
    children: &BTreeMap<u64, Box<Child>>,
) -> Ended {
    if let Some(ended) = pending.pop_front() {
        return ended;
    }
    next_fresh(crew, children).await
}

/// The next exit of a task; that of one which was given up is passed over.
pub(super) async fn next_fresh(crew: &mut Crew, children: &BTreeMap<u64, Box<Child>>) -> Ended {
    loop {
        let ended = crew.next_end().await;
        let running = children
            .get(&ended.order)
            .and_then(|child| child.running.as_ref());
        if running.is_some_and(|running| running.is(ended.run)) {
            return ended;
        }
    }
}

impl Drop for Task {
    /// A supervisor that is aborted takes its children with it.
    fn drop(&mut self) {
        for running in self.children.values().filter_map(|child| child.running.as_ref()) {
            running.abort.abort();
        }
        if let Some(queue) = &self.run_queue {
            queue.close();
        }
    }
}
