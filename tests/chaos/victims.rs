//! The victims: every supervised task that runs now, and what is to befall it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use roost_runtime::{BoxError, ChildFuture};

/// Supervisors whose children are of one kind; of all others each child is a kind of its own.
const CROWDS: [&str; 3] = ["devices", "connections", "requests"];
/// How long a task that is made to block keeps its thread.
const BLOCKS_FOR: Duration = Duration::from_secs(2);
/// The same for a connection: those that share its thread are not to be taken for hung.
const A_CONNECTION_BLOCKS_FOR: Duration = Duration::from_millis(500);

const LIVES: u8 = 0;

/// What befalls a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// It panics where it waits.
    Fails = 1,
    /// It is never polled again.
    Hangs = 2,
    /// It keeps its thread for a while, and goes on.
    Blocks = 3,
    /// It panics when it is polled for so many times more.
    FailsLater = 4,
}

#[derive(Default)]
struct Switch {
    fate: AtomicU8,
    /// Polls until it fails, if it is to fail later.
    polls: AtomicU32,
    waker: Mutex<Option<Waker>>,
}

struct Victim {
    kind: String,
    name: String,
    switch: Arc<Switch>,
}

/// All of them, by number.
#[derive(Default)]
pub(crate) struct Victims {
    next: AtomicU64,
    alive: Mutex<BTreeMap<u64, Victim>>,
}

impl Victims {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Victim>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for victim in self.lock().values() {
            *kinds.entry(victim.kind.clone()).or_insert(0) += 1;
        }
        kinds
    }

    /// How many of each kind were struck and have not ended yet.
    pub(crate) fn struck(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        let alive = self.lock();
        let struck = alive
            .values()
            .filter(|victim| victim.switch.fate.load(Ordering::Acquire) != LIVES);
        for victim in struck {
            *kinds.entry(victim.kind.clone()).or_insert(0) += 1;
        }
        kinds
    }

    /// Lets all of a kind fail when they are polled for the `polls`th time from now on. How many these are.
    pub(crate) fn strike_later(&self, kind: &str, polls: u32) -> usize {
        let alive = self.lock();
        let of_kind = alive.values().filter(|victim| victim.kind == kind);
        let struck = of_kind.map(|victim| {
            victim.switch.polls.store(polls, Ordering::Release);
            victim
                .switch
                .fate
                .store(Fate::FailsLater as u8, Ordering::Release);
        });
        struck.count()
    }

    /// Does it to one of a kind: to the one of this name, or to any. Its name; `None` if there is none.
    pub(crate) fn strike(&self, kind: &str, name: Option<&str>, fate: Fate) -> Option<String> {
        let alive = self.lock();
        let spared = |victim: &&Victim| victim.switch.fate.load(Ordering::Acquire) == LIVES;
        let of_kind = alive.values().filter(|victim| victim.kind == kind).filter(spared);
        let of_kind: Vec<&Victim> = match name {
            None => of_kind.collect(),
            Some(name) => of_kind.filter(|victim| victim.name == name).collect(),
        };
        let victim = of_kind.get(fastrand::usize(..of_kind.len().max(1)))?;
        victim.switch.fate.store(fate as u8, Ordering::Release);
        let waker = victim
            .switch
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waker {
            waker.wake();
        }
        Some(victim.name.clone())
    }
}

/// Stands between the supervisors and their children.
pub(crate) struct Saboteur {
    victims: Arc<Victims>,
    look_every: Option<Duration>,
}

impl Saboteur {
    pub(crate) fn new(victims: Arc<Victims>, look_every: Option<Duration>) -> Self {
        Self { victims, look_every }
    }
}

impl roost_runtime::Saboteur for Saboteur {
    fn befall(&self, supervisor: &str, child: &str, future: ChildFuture) -> ChildFuture {
        let kind = if CROWDS.contains(&supervisor) {
            supervisor.to_owned()
        } else {
            format!("{supervisor}/{child}")
        };
        let number = self.victims.next.fetch_add(1, Ordering::Relaxed);
        let switch = Arc::new(Switch::default());
        let blocks_for = if supervisor == "connections" {
            A_CONNECTION_BLOCKS_FOR
        } else {
            BLOCKS_FOR
        };
        let victim = Victim {
            kind,
            name: child.to_owned(),
            switch: Arc::clone(&switch),
        };
        self.victims.lock().insert(number, victim);
        Box::pin(Endangered {
            future,
            switch,
            blocks_for,
            number,
            victims: Arc::clone(&self.victims),
        })
    }

    fn look_every(&self) -> Option<Duration> {
        self.look_every
    }
}

/// A child to which something may happen wherever it waits.
struct Endangered {
    future: ChildFuture,
    switch: Arc<Switch>,
    blocks_for: Duration,
    number: u64,
    victims: Arc<Victims>,
}

impl Future for Endangered {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        {
            let mut waker = self.switch.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if !waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                *waker = Some(context.waker().clone());
            }
        }
        match self.switch.fate.load(Ordering::Acquire) {
            fate if fate == Fate::Fails as u8 => panic!("sabotage"),
            fate if fate == Fate::Hangs as u8 => return Poll::Pending,
            fate if fate == Fate::FailsLater as u8 => {
                let left = self.switch.polls.fetch_sub(1, Ordering::AcqRel);
                assert!(left > 1, "sabotage");
            }
            fate if fate == Fate::Blocks as u8 => {
                self.switch.fate.store(LIVES, Ordering::Release);
                std::thread::sleep(self.blocks_for);
            }
            _ => {}
        }
        self.future.as_mut().poll(context)
    }
}

impl Drop for Endangered {
    fn drop(&mut self) {
        self.victims.lock().remove(&self.number);
    }
}
