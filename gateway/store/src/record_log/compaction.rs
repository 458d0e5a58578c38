//! The thread that writes one snapshot and then does away with what it stands for.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::chunks::{Chunks, Next};
use super::files::{SnapshotFile, snapshot_name};
use super::shared::Shared;
use super::snapshot_file::{NewSnapshot, UNFINISHED};
use crate::LogError;

/// Starts the thread for the snapshot that stands for all records before number `covers`. All of them are
/// written, and those to come go to another file.
pub(super) fn start(shared: &Arc<Shared>, chunks: Arc<Chunks>, covers: u64) {
    let started = {
        let (shared, chunks) = (Arc::clone(shared), Arc::clone(&chunks));
        std::thread::Builder::new()
            .name("log-compaction".to_owned())
            .spawn(move || run(&shared, &chunks, covers))
    };
    match started {
        Ok(thread) => {
            let mut last = shared.compaction.lock().unwrap_or_else(PoisonError::into_inner);
            // The one before has made way for this one: at most it is still removing files.
            if let Some(before) = last.replace(thread) {
                let _ended = before.join();
            }
        }
        Err(error) => fail(shared, &chunks, covers, &error),
    }
}

fn run(shared: &Shared, chunks: &Chunks, covers: u64) {
    match write(shared, chunks, covers) {
        Ok(Some(snapshot)) => replace(shared, snapshot),
        Ok(None) => {
            remove(shared, UNFINISHED);
            shared.files().compacting = None;
        }
        Err(error) => {
            remove(shared, UNFINISHED);
            fail(shared, chunks, covers, &error);
        }
    }
}

/// Writes what comes; `None` if it was abandoned.
fn write(shared: &Shared, chunks: &Chunks, covers: u64) -> io::Result<Option<SnapshotFile>> {
    let mut snapshot = NewSnapshot::create(shared.disk.as_ref(), covers)?;
    loop {
        match chunks.next() {
            Next::Chunk(frames) => snapshot.add(frames)?,
            Next::Finished => return snapshot.finish().map(Some),
            Next::Abandoned => return Ok(None),
        }
    }
}

fn replace(shared: &Shared, snapshot: SnapshotFile) {
    let mut files = shared.files();
    let dead = files.replace(snapshot);
    // The names were synced, the new log's among them if it has been made.
    files.compacting = None;
    files.compact_not_before = None;
    // What was behind a file that is gone now can be synced.
    if !files.unsynced().is_empty() && files.unsynced_since.is_none() {
        files.unsynced_since = Some(Instant::now());
    }
    shared.weigh(&files);
    shared.publish_synced(&files);
    drop(files);
    shared.sync_wake.notify_one();
    for name in dead {
        remove(shared, &name);
    }
}

/// Goes on with the files that are there, and leaves some time before the next attempt.
fn fail(shared: &Shared, chunks: &Chunks, covers: u64, error: &io::Error) {
    let why = LogError::unwritten(&shared.path(&snapshot_name(covers)), error);
    tracing::warn!("{why}; the record log stays as long as it is");
    shared.count_error();
    chunks.give_up();
    let mut files = shared.files();
    files.compacting = None;
    files.compact_not_before = Some(Instant::now() + shared.options.retry_compaction_after);
}

/// What can't be removed now is removed when the log is opened.
fn remove(shared: &Shared, name: &str) {
    if let Err(error) = shared.disk.remove(name)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("removing {}: {error}", shared.path(name).display());
    }
}
