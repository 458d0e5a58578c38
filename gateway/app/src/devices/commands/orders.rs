//! Orders to the task of a wired device: what it is to write on its bus, one after the other.

use std::collections::VecDeque;
use std::sync::Mutex;

use roost_model::{Command, Value};
use tokio::sync::Notify;

use super::lock;

/// A command that is to be written now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    /// The command.
    pub(crate) id: String,
    /// The point.
    pub(crate) point: String,
    /// The value.
    pub(crate) value: Value,
    /// Until when it may be written, as uptime in milliseconds.
    pub(crate) until_ms: u64,
}

impl Order {
    pub(super) fn of(command: &Command) -> Self {
        Self {
            id: command.id.clone(),
            point: command.point.clone(),
            value: command.value.clone(),
            until_ms: command.due.as_ref().map_or(0, |due| due.uptime_ms),
        }
    }
}

/// The orders that wait. There are no more than a device may have commands on their way.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    waiting: Mutex<VecDeque<Order>>,
    wake: Notify,
}

impl Orders {
    pub(super) fn push(&self, order: Order) {
        lock(&self.waiting).push_back(order);
        self.wake.notify_one();
    }

    /// The next order. Safe to cancel.
    pub(crate) async fn next(&self) -> Order {
        loop {
            if let Some(order) = lock(&self.waiting).pop_front() {
                return order;
            }
            self.wake.notified().await;
        }
    }
}
