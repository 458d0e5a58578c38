//! What all connections of an endpoint share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use roost_runtime::SupervisorHandle;

use super::pace::Pace;
use super::{Budget, Limits};
use crate::lock;
use crate::socket::{Connection, Sessions};
use crate::topics::Topics;

/// What all connections of an endpoint share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) limits: Limits,
    pub(crate) budget: Arc<Budget>,
    pub(crate) topics: Topics,
    pub(crate) sessions: Sessions,
    pub(crate) sockets: SupervisorHandle,
    pub(crate) channels: SupervisorHandle,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Connections that are open no more, and their channels may still hold something. Cleared when it would grow.
    closed: Mutex<Vec<Weak<Connection>>>,
    numbers: AtomicU64,
    pace: Pace,
    /// The program stops.
    shut: AtomicBool,
}

impl Hub {
    pub(super) fn new(limits: Limits, sockets: SupervisorHandle, channels: SupervisorHandle) -> Self {
        let budget = Arc::new(Budget::new(limits.waiting_bytes));
        Self {
            limits,
            topics: Topics::new(Arc::clone(&budget)),
            budget,
            sessions: Sessions::default(),
            sockets,
            channels,
            open: Mutex::default(),
            closed: Mutex::default(),
            numbers: AtomicU64::new(1),
            pace: Pace::new(limits.connects_per_s),
            shut: AtomicBool::new(false),
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether one more may connect now. Asked once for each who wants to.
    pub(crate) fn lets_in(&self) -> bool {
        !self.shut.load(Ordering::Relaxed)
            && self.sockets.child_count() < self.limits.connections
            && self.pace.takes(self.budget.now_ms())
    }

    pub(super) fn open_door(&self) {
        self.shut.store(false, Ordering::Relaxed);
    }

    /// Nobody is let in any more. Whether somebody was before.
    pub(super) fn shut_door(&self) -> bool {
        !self.shut.swap(true, Ordering::Relaxed)
    }

    /// Notes a connection until what is returned is dropped.
    pub(crate) fn open(self: &Arc<Self>, connection: &Arc<Connection>) -> Open {
        let number = connection.number();
        lock(&self.open).insert(number, Arc::clone(connection));
        Open {
            hub: Arc::clone(self),
            number,
        }
    }

    /// Bytes that are held for those who have gone, as far as that is a burden.
    pub(super) fn left_behind(&self, now_ms: u64) -> usize {
        let mut closed = lock(&self.closed);
        closed.retain(|connection| connection.strong_count() > 0);
        closed
            .iter()
            .filter_map(Weak::upgrade)
            .map(|connection| connection.load(now_ms).bytes)
            .sum()
    }

    pub(super) fn connections(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<Arc<Connection>> {
        let open = lock(&self.open);
        open.values()
            .filter(|connection| wanted(connection))
            .cloned()
            .collect()
    }
}

/// A connection is open while this lives.
pub(crate) struct Open {
    hub: Arc<Hub>,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(connection) = lock(&self.hub.open).remove(&self.number) else {
            return;
        };
        if connection.load(self.hub.budget.now_ms()).bytes > 0 {
            let mut closed = lock(&self.hub.closed);
            if closed.len() == closed.capacity() {
                closed.retain(|connection| connection.strong_count() > 0);
            }
            closed.push(Arc::downgrade(&connection));
        }
    }
}
