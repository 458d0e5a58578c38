//! What was appended and is not written yet: a buffer that appending tasks fill and one thread empties.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chunks::Chunks;
use super::frame::{self, FRAME_HEAD_BYTES};
use crate::LogError;

/// Room that an emptied buffer keeps; what a burst took beyond it is given back.
const KEPT_BYTES: usize = 256 * 1024;

/// Frames that wait to be written.
#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frames: Vec<u8>,
    /// What was appended before a snapshot that was begun since.
    before_snapshot: Option<(Vec<u8>, Arc<Chunks>)>,
    /// Bytes of the batch that is being written.
    in_flight: usize,
    /// Number of records appended in the log's life.
    appended: u64,
    /// The thread waits for work: only then it has to be woken.
    asleep: bool,
    closed: bool,
}

/// What the thread is to write next.
#[derive(Debug)]
pub(super) struct Batch {
    /// Frames without checksums.
    pub(super) frames: Vec<u8>,
    /// A snapshot that stands for everything up to the end of this batch.
    pub(super) snapshot: Option<Arc<Chunks>>,
}

impl State {
    fn waiting(&self) -> usize {
        let before = self
            .before_snapshot
            .as_ref()
            .map_or(0, |(frames, _)| frames.len());
        self.frames.len() + before + self.in_flight
    }
}

impl Queue {
    /// A queue of at most `limit` bytes, for a log that has `appended` records already.
    pub(super) fn new(limit: usize, appended: u64) -> Self {
        Self {
            limit,
            state: Mutex::new(State {
                appended,
                ..State::default()
            }),
            wake: Condvar::new(),
        }
    }

    /// Takes a record made of `parts`. Returns the number of records there are now.
    ///
    /// # Errors
    /// [`LogError::Full`] if it does not fit (one alone always does), [`LogError::TooLarge`],
    /// [`LogError::Closed`].
    pub(super) fn append(&self, parts: &[&[u8]]) -> Result<u64, LogError> {
        let bytes = FRAME_HEAD_BYTES + frame::record_bytes(parts)?;
        let mut state = self.state();
        if state.closed {
            return Err(LogError::Closed);
        }
        let waiting = state.waiting();
        if waiting > 0 && waiting + bytes > self.limit {
            return Err(LogError::Full {
                waiting,
                limit: self.limit,
            });
        }
        frame::push(&mut state.frames, parts)?;
        state.appended += 1;
        let appended = state.appended;
        self.rouse(state);
        Ok(appended)
    }

    /// Everything appended so far is replaced by the snapshot that comes through `chunks`. To be called when the
    /// snapshot before has ended. False if the queue is closed.
    pub(super) fn begin_snapshot(&self, chunks: Arc<Chunks>) -> bool {
        let mut state = self.state();
        if state.closed || state.before_snapshot.is_some() {
            return false;
        }
        let frames = std::mem::take(&mut state.frames);
        state.before_snapshot = Some((frames, chunks));
        self.rouse(state);
        true
    }

    /// The next batch, as soon as there is one; `None` when the queue is closed and empty. `spare` becomes the
    /// buffer that is filled meanwhile.
    pub(super) fn next(&self, mut spare: Vec<u8>) -> Option<Batch> {
        spare.clear();
        spare.shrink_to(KEPT_BYTES);
        let mut state = self.state();
        loop {
            if let Some((frames, chunks)) = state.before_snapshot.take() {
                state.in_flight = frames.len();
                return Some(Batch {
                    frames,
                    snapshot: Some(chunks),
                });
            }
            if !state.frames.is_empty() {
                let frames = std::mem::replace(&mut state.frames, spare);
                state.in_flight = frames.len();
                return Some(Batch {
                    frames,
                    snapshot: None,
                });
            }
            if state.closed {
                return None;
            }
            state.asleep = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
    }

    /// The last batch is written.
    pub(super) fn done(&self) {
        self.state().in_flight = 0;
    }

    /// Waits before a batch is tried again. False if the queue was closed: then there is no time for more.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let state = self.state();
        let waited = self.wake.wait_timeout_while(state, pause, |state| !state.closed);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_all();
    }

    /// Number of records appended in the log's life, and bytes that wait.
    pub(super) fn level(&self) -> (u64, usize) {
        let state = self.state();
        (state.appended, state.waiting())
    }

    /// Wakes the thread if it sleeps. The lock is given back first, so that it does not wake to wait for it.
    fn rouse(&self, mut state: MutexGuard<'_, State>) {
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
