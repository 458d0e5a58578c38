//! What a log's handles and its threads share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::RecordLogOptions;
use super::disk::Disk;
use super::files::Files;
use super::progress::Progress;
use super::queue::Queue;

/// The open log, without its threads.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: RecordLogOptions,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) queue: Queue,
    /// Records that the kernel has.
    pub(super) written: Progress,
    /// Records that the disk has.
    pub(super) synced: Progress,
    /// Wakes the syncer, together with `files`.
    pub(super) sync_wake: Condvar,
    /// The thread of the last compaction.
    pub(super) compaction: Mutex<Option<JoinHandle<()>>>,
    /// Writes, syncs and compactions that failed.
    pub(super) errors: AtomicU64,
    files: Mutex<Files>,
    worth_compacting: AtomicBool,
}

impl Shared {
    /// A log that goes on behind `end` records.
    pub(super) fn new(disk: Arc<dyn Disk>, options: RecordLogOptions, files: Files, end: u64) -> Self {
        let shared = Self {
            disk,
            queue: Queue::new(options.pending_bytes, end),
            written: Progress::at(end),
            synced: Progress::at(end),
            sync_wake: Condvar::new(),
            compaction: Mutex::new(None),
            errors: AtomicU64::new(0),
            files: Mutex::new(files),
            worth_compacting: AtomicBool::new(false),
            options,
        };
        shared.weigh(&shared.files());
        shared
    }

    /// Nothing that is done under this lock can be left half done by a panic.
    pub(super) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a file is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    /// Tells those who wait for the disk how far it is.
    pub(super) fn publish_synced(&self, files: &Files) {
        match files.lost() {
            Some(why) => self.synced.stop_at(files.synced(), why.clone()),
            None => self.synced.reach(files.synced()),
        }
    }

    /// Takes note of whether a compaction would pay, after the files have changed.
    pub(super) fn weigh(&self, files: &Files) {
        let worth = files.is_worth_compacting(self.options.compact_over_bytes, self.options.compact_factor);
        self.worth_compacting.store(worth, Ordering::Release);
    }

    /// What [`Self::weigh`] found.
    pub(super) fn is_worth_compacting(&self) -> bool {
        self.worth_compacting.load(Ordering::Acquire)
    }

    /// Counts something that failed.
    pub(super) fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}
