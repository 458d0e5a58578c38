//! What all connections of an endpoint share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use roost_runtime::SupervisorHandle;

use super::{Budget, Limits};
use crate::lock;
use crate::socket::{Connection, Sessions};
use crate::topics::Topics;

/// What all connections of an endpoint share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    pub(crate) topics: Topics,
    pub(crate) sessions: Sessions,
    pub(crate) sockets: SupervisorHandle,
    pub(crate) channels: SupervisorHandle,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    numbers: AtomicU64,
}

impl Hub {
    pub(super) fn new(limits: Limits, sockets: SupervisorHandle, channels: SupervisorHandle) -> Self {
        Self {
            limits,
            budget: Budget::new(limits.waiting_bytes),
            topics: Topics::default(),
            sessions: Sessions::default(),
            sockets,
            channels,
            open: Mutex::default(),
            numbers: AtomicU64::new(1),
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether one more may connect.
    pub(crate) fn has_room(&self) -> bool {
        self.sockets.child_count() < self.limits.connections
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
        lock(&self.hub.open).remove(&self.number);
    }
}
