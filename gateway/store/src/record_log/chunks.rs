//! The way of a snapshot's frames from who makes them to the thread that writes them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A queue of chunks of frames. Its maker never waits for the disk unless it wants to.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: Mutex<State>,
    came: Condvar,
    went: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    end: Option<End>,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The snapshot is whole.
    Finished,
    /// There will be no snapshot.
    Abandoned,
}

/// What the writing thread gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// More frames.
    Chunk(Vec<u8>),
    /// There are no more, the snapshot is whole.
    Finished,
    /// There will be no snapshot.
    Abandoned,
}

impl Chunks {
    /// Adds a chunk.
    pub(super) fn put(&self, chunk: Vec<u8>) {
        let mut state = self.state();
        if state.end.is_none() {
            state.bytes += chunk.len();
            state.waiting.push_back(chunk);
            self.came.notify_one();
        }
    }

    /// No more will come: the snapshot is whole.
    pub(super) fn finish(&self) {
        self.end(End::Finished);
    }

    /// No more will come, and what came is of no use. Nothing happens if the snapshot is whole already.
    pub(super) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    /// The next chunk, as soon as there is one.
    pub(super) fn next(&self) -> Next {
        let mut state = self.state();
        loop {
            if state.end == Some(End::Abandoned) {
                return Next::Abandoned;
            }
            if let Some(chunk) = state.waiting.pop_front() {
                state.bytes -= chunk.len();
                self.went.notify_waiters();
                return Next::Chunk(chunk);
            }
            if state.end == Some(End::Finished) {
                return Next::Finished;
            }
            state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more and forgets what is there, whatever was said before: the writing has failed.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        *state = State {
            end: Some(End::Abandoned),
            ..State::default()
        };
        self.went.notify_waiters();
    }

    /// Waits until at most `limit` bytes wait to be written, or nothing will be written any more.
    pub(super) async fn until_at_most(&self, limit: usize) {
        loop {
            let mut went = std::pin::pin!(self.went.notified());
            went.as_mut().enable();
            {
                let state = self.state();
                if state.bytes <= limit || state.end.is_some() {
                    return;
                }
            }
            went.await;
        }
    }

    fn end(&self, end: End) {
        let mut state = self.state();
        if state.end.is_none() {
            state.end = Some(end);
        }
        self.came.notify_one();
        self.went.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
