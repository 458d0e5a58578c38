//! The backlog: what a device said before it was accepted, kept until its task takes it in. One message after the other
//! is taken out, so that one that ends the task ends it once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashbrown::HashMap;
use roost_model::{Timestamp, Topic};

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// When it was received.
    pub(crate) at: Timestamp,
    /// Where the device published it.
    pub(crate) topic: Topic,
    /// What it said.
    pub(crate) body: Bytes,
}

/// What one device said before it was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// The name that the device has in its topics, which need not be the id it was given.
    pub(crate) spoken_as: String,
    /// Its messages, oldest first.
    pub(crate) held: VecDeque<Held>,
}

/// The backlogs of devices that were just accepted.
#[derive(Debug, Default)]
pub(crate) struct Backlogs(Mutex<HashMap<String, Backlog>>);

impl Backlogs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Backlog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a backlog to the task of a device.
    pub(crate) fn put(&self, device: &str, backlog: Backlog) {
        if !backlog.held.is_empty() {
            self.lock().insert(device.to_owned(), backlog);
        }
    }

    /// Takes a backlog back: nobody became the device.
    pub(crate) fn discard(&self, device: &str) {
        self.lock().remove(device);
    }

    /// The next message of a device, with the name that the device has in its topics.
    pub(super) fn next(&self, device: &str) -> Option<(String, Held)> {
        let mut backlogs = self.lock();
        let backlog = backlogs.get_mut(device)?;
        let held = backlog.held.pop_front();
        match held {
            Some(held) => Some((backlog.spoken_as.clone(), held)),
            None => {
                backlogs.remove(device);
                None
            }
        }
    }
}
