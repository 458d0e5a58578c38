//! Commands of all devices: what their tasks and others share with the one task that follows them.
//!
//! One supervised task takes every request to set a point, writes it down, sends it when the device can be reached, and
//! follows it until it came true or failed. A device that has no command costs a place in a table. What devices say
//! comes by another way than their messages: no flood of telemetry can push a command out.

mod keys;
mod machine;
mod moment;
mod names;
mod orders;
mod reasons;
mod records;
mod replies;
mod road;
mod round;
mod service;
#[cfg(test)]
mod tests;
mod wanted;

pub(crate) use machine::REMOVED;
pub(crate) use orders::{Order, Orders};
pub(crate) use service::child;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use roost_model::Value;
use roost_store::{Store, StoreError};
use tokio::sync::{Notify, mpsc};

use super::DeviceEnv;

/// What devices say about commands and what was not looked at yet; then their tasks wait.
const SAID: usize = 1024;
/// So long they wait; then nobody waits until somebody looks again.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How a device answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has the command.
    Acknowledged,
    /// It will not do it.
    Refused(String),
    /// Nobody knows whether it was done.
    Lost(String),
}

/// What a device said that may be about a command.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// An answer: to the command of this id, or else to one of this point.
    Answered {
        id: Option<String>,
        point: Option<String>,
        answer: Answer,
    },
    /// A reading of a point.
    Observed {
        point: String,
        value: Value,
        /// When the device says that it took it, in milliseconds since the Unix epoch.
        said_ms: Option<i64>,
    },
    /// The device was removed.
    Removed,
}

/// What the device tasks, the registrar and the task of the commands share.
pub(crate) struct Commands {
    running: Mutex<HashTable<Arc<DeviceEnv>>>,
    hash: DefaultHashBuilder,
    /// Devices with commands that are not final, and how many of these wait for the device to say something.
    awaited: Mutex<HashMap<String, u32>>,
    say: mpsc::Sender<(String, Said)>,
    /// Held by the task of the commands while it lives.
    said: tokio::sync::Mutex<mpsc::Receiver<(String, Said)>>,
    /// Devices whose queued commands are to be looked at again.
    woken: Mutex<Vec<String>>,
    /// Devices that were removed and of which the task does not know yet: it takes them whenever it is woken, so that
    /// they are as many as are removed while it is being restarted.
    removed: Mutex<Vec<String>>,
    wake: Notify,
    /// Nobody has looked for a while at what devices said.
    stalled: AtomicBool,
}

impl Default for Commands {
    fn default() -> Self {
        let (say, said) = mpsc::channel(SAID);
        Self {
            running: Mutex::default(),
            hash: DefaultHashBuilder::default(),
            awaited: Mutex::default(),
            say,
            said: tokio::sync::Mutex::new(said),
            woken: Mutex::default(),
            removed: Mutex::default(),
            wake: Notify::new(),
            stalled: AtomicBool::new(false),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Commands {
    /// Knows which devices have commands of an earlier run, before anybody hears what they say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn open(store: &Store) -> Result<Self, StoreError> {
        records::forget_old(store)?;
        let commands = Self::default();
        for command in records::left(store)?.pending {
            *lock(&commands.awaited).entry(command.device).or_default() += 1;
        }
        Ok(commands)
    }

    /// Makes a device known that has a task now. It is known until what is returned is dropped.
    pub(super) fn list(&self, env: &Arc<DeviceEnv>) -> Listed {
        let id = &env.device.id;
        let hash = self.hash.hash_one(id);
        let mut running = lock(&self.running);
        match running.find_mut(hash, |other| other.device.id == *id) {
            Some(before) => *before = Arc::clone(env),
            None => {
                let rehash = |other: &Arc<DeviceEnv>| self.hash.hash_one(&other.device.id);
                running.insert_unique(hash, Arc::clone(env), rehash);
            }
        }
        drop(running);
        if let Some(count) = lock(&self.awaited).get(&**id) {
            env.set_awaited(*count);
            self.look_again(id.to_string());
        }
        Listed(Arc::clone(env))
    }

    fn unlist(&self, env: &Arc<DeviceEnv>) {
        let hash = self.hash.hash_one(&env.device.id);
        let mut running = lock(&self.running);
        if let Ok(entry) = running.find_entry(hash, |other| Arc::ptr_eq(other, env)) {
            entry.remove();
        }
    }

    /// The device of this name, if it has a task.
    fn running(&self, id: &str) -> Option<Arc<DeviceEnv>> {
        let hash = self.hash.hash_one(id);
        lock(&self.running)
            .find(hash, |other| *other.device.id == *id)
            .map(Arc::clone)
    }

    /// Whether there is a task of this device that has not ended.
    pub(super) fn has_task(&self, id: &str) -> bool {
        self.running(id).is_some()
    }

    /// Notes how many commands wait for a device to say something; `None` if it has no command.
    fn set_awaited(&self, device: &str, count: Option<u32>) {
        match count {
            Some(count) => {
                lock(&self.awaited).insert(device.to_owned(), count);
            }
            None => {
                lock(&self.awaited).remove(device);
            }
        }
        if let Some(env) = self.running(device) {
            env.set_awaited(count.unwrap_or(0));
        }
    }

    /// Has the queued commands of a device looked at again.
    pub(super) fn look_again(&self, device: String) {
        let mut woken = lock(&self.woken);
        if !woken.contains(&device) {
            woken.push(device);
        }
        drop(woken);
        self.wake.notify_one();
    }

    fn take_woken(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.woken))
    }

    /// The same for a device's own task, which has more to do: if nobody looks for a while, what it says is lost, and
    /// so is what follows until somebody does. Then a command is not said to have come true that perhaps has.
    pub(super) async fn tell_briefly(&self, device: &str, said: Said) {
        let told = match self.say.try_send((device.to_owned(), said)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(said)) if !self.stalled.load(Ordering::Relaxed) => {
                let sending = self.say.send(said);
                tokio::time::timeout(STALLED_AFTER, sending).await.is_ok()
            }
            Err(_) => false,
        };
        self.stalled.store(!told, Ordering::Relaxed);
    }

    /// Tells that a device was removed. Nobody waits, whoever follows commands: the task that does may be down.
    pub(super) fn removed(&self, device: &str) {
        lock(&self.removed).push(device.to_owned());
        self.wake.notify_one();
    }

    fn take_removed(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.removed))
    }

    /// How many devices have commands that are not final.
    #[must_use]
    pub(crate) fn devices(&self) -> usize {
        lock(&self.awaited).len()
    }
}

/// A device that has a task; dropping it is the end of that.
pub(super) struct Listed(Arc<DeviceEnv>);

impl Drop for Listed {
    fn drop(&mut self) {
        let env = &self.0;
        env.parts.commands.unlist(env);
        if let Some(inbox) = &env.inbox {
            env.parts.handover.let_linger(&env.device.id, inbox);
        }
    }
}

#[cfg(test)]
mod stalled {
    use super::*;

    #[tokio::test]
    async fn a_device_waits_for_a_moment_when_nobody_looks_at_what_it_says_and_then_not_any_more() {
        let commands = Commands::default();
        let say = || commands.tell_briefly("plug", Said::Removed);
        for _ in 0..SAID {
            say().await;
        }
        // The first of these waits.
        for _ in 0..1000 {
            say().await;
        }
        let mut said = commands.said.lock().await;
        let mut heard = 0;
        while said.try_recv().is_ok() {
            heard += 1;
        }
        assert_eq!(heard, SAID);
        say().await;
        assert!(said.try_recv().is_ok(), "somebody looks again");
    }
}
