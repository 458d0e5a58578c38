//! The thread that brings to the disk what was written: when somebody waits for it, and else once in a while.

use std::io;
use std::sync::PoisonError;
use std::time::Instant;

use super::files::{Files, Unsynced, log_name};
use super::shared::Shared;
use crate::LogError;

/// What has to be done now.
struct Work {
    logs: Vec<Unsynced>,
    new_names: bool,
}

/// Syncs until the log is closed and everything is on the disk.
pub(super) fn run(shared: &Shared) {
    while let Some(work) = next(shared) {
        let outcome = sync(shared, &work);
        take_note(shared, &work, outcome);
    }
}

/// Waits for work.
fn next(shared: &Shared) -> Option<Work> {
    let mut files = shared.files();
    loop {
        files = match files.sync_in(Instant::now(), shared.options.sync_every) {
            Some(pause) if pause.is_zero() => return Some(take(&mut files)),
            None if files.closed => return None,
            None => shared
                .sync_wake
                .wait(files)
                .unwrap_or_else(PoisonError::into_inner),
            Some(pause) => {
                let woken = shared.sync_wake.wait_timeout(files, pause);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

fn take(files: &mut Files) -> Work {
    files.unsynced_since = None;
    let logs = files.unsynced();
    let new_names = files.new_names && !logs.is_empty();
    files.new_names &= !new_names;
    Work { logs, new_names }
}

/// Syncs one file after the other. Returns how many are on the disk, and what happened to the one behind them.
fn sync(shared: &Shared, work: &Work) -> (usize, Option<io::Error>) {
    // A file without a name is not there after a power cut.
    if work.new_names
        && let Err(error) = shared.disk.sync_names()
    {
        return (0, Some(error));
    }
    for (done, log) in work.logs.iter().enumerate() {
        if let Err(error) = log.file.sync() {
            return (done, Some(error));
        }
    }
    (work.logs.len(), None)
}

fn take_note(shared: &Shared, work: &Work, (done, error): (usize, Option<io::Error>)) {
    let mut files = shared.files();
    for synced in &work.logs[..done] {
        if let Some(log) = files.log(synced.first) {
            log.synced = synced.end;
        }
    }
    if let (Some(error), Some(failed)) = (error, work.logs.get(done)) {
        let why = LogError::unsynced(&shared.path(&log_name(failed.first)), &error);
        shared.count_error();
        tracing::error!("{why}; the log will be written anew");
        if let Some(log) = files.log(failed.first) {
            log.lost = Some(why);
        }
    }
    shared.weigh(&files);
    shared.publish_synced(&files);
}
