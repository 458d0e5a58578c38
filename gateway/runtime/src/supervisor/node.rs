//! The tree as it can be seen from outside while it runs: names, states, restarts, reasons, uptimes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hashbrown::HashMap;
use serde::Serialize;
use tokio::time::Instant;

use super::exit::Exit;
use crate::lock;

/// What a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It does work.
    Worker,
    /// It watches others.
    Supervisor,
}

/// Where a child stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Started, not yet ready.
    Starting,
    /// At work.
    Running,
    /// Waits for its restart.
    Backoff,
    /// Was asked to stop and has not ended yet.
    Stopping,
    /// Does not run and will not by itself.
    Stopped,
}

#[derive(Debug)]
struct Status {
    state: State,
    since: Instant,
    /// What only a child has that was restarted or failed.
    troubles: Option<Box<Troubles>>,
}

#[derive(Debug, Default)]
struct Troubles {
    restarts: u64,
    last_reason: Option<Box<str>>,
    next_start: Option<Instant>,
}

impl Status {
    fn troubles(&mut self) -> &mut Troubles {
        self.troubles.get_or_insert_default()
    }

    fn starts_no_more(&mut self) {
        if let Some(troubles) = &mut self.troubles {
            troubles.next_start = None;
        }
    }
}

/// One child as others see it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) name: Arc<str>,
    kind: Kind,
    status: Mutex<Status>,
    children: Option<Box<Children>>,
}

#[derive(Debug, Default)]
struct Children {
    by_order: Mutex<BTreeMap<u64, Arc<Node>>>,
    by_name: Mutex<HashMap<Arc<str>, u64>>,
    restarts: AtomicU64,
}

impl Node {
    pub(super) fn new(name: Arc<str>, kind: Kind) -> Arc<Self> {
        let status = Status {
            state: State::Stopped,
            since: Instant::now(),
            troubles: None,
        };
        let children = (kind == Kind::Supervisor).then(Box::default);
        Arc::new(Self {
            name,
            kind,
            status: Mutex::new(status),
            children,
        })
    }

    pub(super) fn enter(&self, state: State) {
        let mut status = lock(&self.status);
        status.state = state;
        status.since = Instant::now();
        status.starts_no_more();
    }

    /// How long it has been in its state; readiness is none of its own here.
    pub(super) fn lasted(&self) -> Duration {
        lock(&self.status).since.elapsed()
    }

    /// The child itself says that it is ready.
    pub(super) fn ready(&self) {
        let mut status = lock(&self.status);
        if status.state == State::Starting {
            status.state = State::Running;
        }
    }

    pub(super) fn exited(&self, exit: &Exit) {
        let mut status = lock(&self.status);
        status.state = State::Stopped;
        status.since = Instant::now();
        let failed_before = |troubles: &Troubles| troubles.last_reason.is_some();
        if exit.is_abnormal() || status.troubles.as_deref().is_some_and(failed_before) {
            status.troubles().last_reason = Some(exit.to_string().into_boxed_str());
        }
    }

    pub(super) fn backing_off(&self, until: Instant) {
        let mut status = lock(&self.status);
        status.state = State::Backoff;
        let troubles = status.troubles();
        troubles.restarts += 1;
        troubles.next_start = Some(until);
    }

    /// It waits for its group to be started.
    pub(super) fn waiting(&self, until: Instant) {
        let mut status = lock(&self.status);
        status.state = State::Backoff;
        status.troubles().next_start = Some(until);
    }

    pub(super) fn adopt(&self, order: u64, child: &Arc<Node>, named: bool) {
        if let Some(children) = &self.children {
            lock(&children.by_order).insert(order, Arc::clone(child));
            if named {
                lock(&children.by_name).insert(Arc::clone(&child.name), order);
            }
        }
    }

    pub(super) fn disown(&self, order: u64) {
        if let Some(children) = &self.children
            && let Some(child) = lock(&children.by_order).remove(&order)
        {
            let mut names = lock(&children.by_name);
            if names.get(&child.name) == Some(&order) {
                names.remove(&child.name);
            }
        }
    }

    /// Forgets all children: a supervisor that starts again starts with none.
    pub(super) fn disown_all(&self) {
        if let Some(children) = &self.children {
            lock(&children.by_order).clear();
            lock(&children.by_name).clear();
        }
    }

    pub(super) fn count_restart(&self) {
        if let Some(children) = &self.children {
            children.restarts.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn restarts_of_children(&self) -> u64 {
        self.children
            .as_ref()
            .map_or(0, |children| children.restarts.load(Ordering::Relaxed))
    }

    pub(super) fn order_of(&self, name: &str) -> Option<u64> {
        self.children
            .as_ref()
            .and_then(|children| lock(&children.by_name).get(name).copied())
    }

    pub(super) fn child_count(&self) -> usize {
        self.children
            .as_ref()
            .map_or(0, |children| lock(&children.by_order).len())
    }

    fn child(&self, name: &str) -> Option<Arc<Node>> {
        let children = self.children.as_ref()?;
        let order = *lock(&children.by_name).get(name)?;
        lock(&children.by_order).get(&order).cloned()
    }

    pub(super) fn view_of(&self, name: &str) -> Option<ChildView> {
        self.child(name).map(|node| node.view())
    }

    pub(super) fn view(&self) -> ChildView {
        let now = Instant::now();
        let status = lock(&self.status);
        let troubles = status.troubles.as_deref();
        let up = matches!(status.state, State::Starting | State::Running);
        ChildView {
            name: self.name.to_string(),
            kind: self.kind,
            state: status.state,
            restarts: troubles.map_or(0, |troubles| troubles.restarts),
            last_reason: troubles.and_then(|troubles| troubles.last_reason.as_deref().map(str::to_owned)),
            uptime: if up {
                now.duration_since(status.since)
            } else {
                Duration::ZERO
            },
            restart_in: troubles
                .and_then(|troubles| troubles.next_start)
                .map(|at| at.saturating_duration_since(now)),
        }
    }

    /// This node and everything below it, at most `limit` children a supervisor (the first started first).
    pub(super) fn tree(&self, limit: usize) -> TreeView {
        let (child_count, first) = match &self.children {
            None => (0, Vec::new()),
            Some(children) => {
                let by_order = lock(&children.by_order);
                (by_order.len(), by_order.values().take(limit).cloned().collect())
            }
        };
        // The lock is released before the walk goes down: a viewer never holds up a supervisor for long.
        TreeView {
            child: self.view(),
            child_count,
            children: first.iter().map(|node| node.tree(limit)).collect(),
        }
    }
}

/// One child at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChildView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// How often it was restarted since it was added.
    pub restarts: u64,
    /// How it last ended, if it ever ended abnormally.
    pub last_reason: Option<String>,
    /// How long it has been up; zero while it is not.
    #[serde(rename = "uptime_ms", serialize_with = "as_ms")]
    pub uptime: Duration,
    /// Time until its next start, while it waits for one.
    #[serde(
        rename = "restart_in_ms",
        serialize_with = "as_optional_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub restart_in: Option<Duration>,
}

/// A child with those below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeView {
    /// The child itself.
    #[serde(flatten)]
    pub child: ChildView,
    /// How many children it has.
    pub child_count: usize,
    /// The first of them, as many as were asked for.
    pub children: Vec<TreeView>,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn as_ms<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(ms(*duration))
}

fn as_optional_ms<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(ms).serialize(serializer)
}
