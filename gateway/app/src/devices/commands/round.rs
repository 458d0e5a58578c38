//! What the task of the commands has taken in and not settled yet. It outlives the task: one that fails, or is ended,
//! leaves it to the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashSet;
use roost_model::Value;
use roost_runtime::{Bus, Message};

use super::Said;
use super::machine::Output;
use super::replies::Asker;

/// Tasks that may fail over the same thing; then it is not tried again.
pub(super) const TRIES: u8 = 2;

/// The command that a request is about.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) id: String,
    /// For a key that came again: the value that was asked for this time.
    pub(super) repeated: Option<Value>,
}

/// A request.
pub(super) struct Asked {
    pub(super) message: Arc<Message>,
    /// Whoever asked; `None` once there was an answer.
    pub(super) asker: Option<Asker>,
    /// What the answer is about, once that is known.
    pub(super) about: Option<About>,
}

/// Something that was taken in.
pub(super) enum Taken {
    /// What this device said.
    Said(String, Said),
    Asked(Asked),
}

/// What is to be done about a command once it is written down, and whether what is said of it is retained.
pub(super) type Due = (Output, bool);

#[derive(Default)]
struct Unsettled {
    /// With the number of tasks that have failed over it.
    taken: Vec<(Taken, u8)>,
    due: VecDeque<Due>,
    /// Commands that are to be refused if their device can't be reached now.
    hasty: HashSet<String>,
}

/// A round: everything that is written down together.
#[derive(Default)]
pub(super) struct Round(Mutex<Unsettled>);

impl Round {
    fn lock(&self) -> MutexGuard<'_, Unsettled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is taken in, over which so many tasks have failed already. Returns its place.
    pub(super) fn note(&self, taken: Taken, failed: u8) -> usize {
        let mut unsettled = self.lock();
        unsettled.taken.push((taken, failed));
        unsettled.taken.len() - 1
    }

    /// What an earlier task has left, each with the number of tasks that have failed over it.
    pub(super) fn left(&self) -> Vec<(Taken, u8)> {
        let left = std::mem::take(&mut self.lock().taken);
        left.into_iter()
            .map(|(taken, failed)| (taken, failed + 1))
            .collect()
    }

    /// Notes which command the request at this place is about.
    pub(super) fn is_about(&self, at: usize, about: About) {
        if let Some((Taken::Asked(asked), _)) = self.lock().taken.get_mut(at) {
            asked.about = Some(about);
        }
    }

    /// Says that the request at this place is none.
    pub(super) fn reject(&self, at: usize, bus: &Bus, answer: &serde_json::Value) {
        let asker = match self.lock().taken.get_mut(at) {
            Some((Taken::Asked(asked), _)) => asked.asker.take(),
            _ => None,
        };
        if let Some(asker) = asker {
            asker.reject(bus, answer);
        }
    }

    /// The first request without an answer that could have one: its place, and what it is about.
    pub(super) fn unanswered(&self) -> Option<(usize, About)> {
        let unsettled = self.lock();
        let mut taken = unsettled.taken.iter().enumerate();
        taken.find_map(|(at, (taken, _))| match taken {
            Taken::Asked(asked) if asked.asker.is_some() => Some((at, asked.about.clone()?)),
            _ => None,
        })
    }

    /// Whoever made the request at this place, who is answered now.
    pub(super) fn asker(&self, at: usize) -> Option<Asker> {
        match self.lock().taken.get_mut(at) {
            Some((Taken::Asked(asked), _)) => asked.asker.take(),
            _ => None,
        }
    }

    /// Everything that was taken in is written down, said and answered.
    pub(super) fn settle(&self) {
        let mut unsettled = self.lock();
        unsettled.taken.clear();
        unsettled.hasty.clear();
    }

    /// Notes that a command may not wait for its device.
    pub(super) fn must_not_wait(&self, id: &str) {
        self.lock().hasty.insert(id.to_owned());
    }

    /// Whether a command may wait for its device.
    pub(super) fn may_wait(&self, id: &str) -> bool {
        !self.lock().hasty.contains(id)
    }

    /// Notes what is to be done once it is written down.
    pub(super) fn will_do(&self, due: impl IntoIterator<Item = Due>) {
        self.lock().due.extend(due);
    }

    /// The first thing that was not done yet, which stays until [`Self::done`].
    pub(super) fn first_due(&self) -> Option<Due> {
        self.lock().due.front().cloned()
    }

    /// The first thing is done, or about to be.
    pub(super) fn done(&self) {
        self.lock().due.pop_front();
    }
}
