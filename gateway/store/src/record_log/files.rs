//! Which files a log consists of, what of them is on the disk, and which are of no use any more. Decisions only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chunks::Chunks;
use super::disk::DiskFile;
use crate::LogError;

const LOG: &str = "log-";
const SNAPSHOT: &str = "snapshot-";

/// Name of the log file whose first record has this number.
pub(super) fn log_name(first: u64) -> String {
    format!("{LOG}{first:016x}")
}

/// Name of the snapshot that stands for all records before this number.
pub(super) fn snapshot_name(covers: u64) -> String {
    format!("{SNAPSHOT}{covers:016x}")
}

/// The number in the name of a log file.
pub(super) fn first_of_log(name: &str) -> Option<u64> {
    number(name, LOG)
}

/// The number in the name of a snapshot.
pub(super) fn covers_of_snapshot(name: &str) -> Option<u64> {
    number(name, SNAPSHOT)
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// A file of records as they were appended.
#[derive(Debug)]
pub(super) struct LogFile {
    /// Open, to be written and synced.
    pub(super) file: Arc<dyn DiskFile>,
    /// Number of its first record.
    pub(super) first: u64,
    /// Number of the record that comes after its last one.
    pub(super) end: u64,
    /// Of those, the ones before this number are on the disk.
    pub(super) synced: u64,
    /// Length of what is in the file.
    pub(super) bytes: u64,
    /// Length of the file: behind what is in it there are zeros, to be written over.
    pub(super) room: u64,
    /// Why nobody knows what of it is on the disk.
    pub(super) lost: Option<LogError>,
}

/// A whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SnapshotFile {
    /// Its name.
    pub(super) name: String,
    /// It stands for all records before this number.
    pub(super) covers: u64,
    /// Length of the file.
    pub(super) bytes: u64,
}

/// A file with records that are not on the disk yet.
#[derive(Debug, Clone)]
pub(super) struct Unsynced {
    /// The file.
    pub(super) file: Arc<dyn DiskFile>,
    /// Its first record.
    pub(super) first: u64,
    /// Behind its last record.
    pub(super) end: u64,
}

/// The files of a log.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Oldest first, without gaps.
    pub(super) logs: Vec<LogFile>,
    /// The last of them takes more records.
    pub(super) last_is_open: bool,
    /// What stands before them.
    pub(super) snapshot: Option<SnapshotFile>,
    /// A file was made whose name is not on the disk yet.
    pub(super) new_names: bool,
    /// Since when something has not been on the disk.
    pub(super) unsynced_since: Option<Instant>,
    /// Somebody waits until the records before this number are on the disk.
    pub(super) wanted: u64,
    /// A compaction is under way.
    pub(super) compacting: Option<Arc<Chunks>>,
    /// After one that failed.
    pub(super) compact_not_before: Option<Instant>,
    /// Compactions since the log was opened.
    pub(super) compactions: u64,
    /// Nothing will be written any more.
    pub(super) closed: bool,
}

impl Files {
    /// Number of records that a power cut leaves: all before this number.
    pub(super) fn synced(&self) -> u64 {
        let mut reached = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.covers);
        for log in &self.logs {
            reached = reached.max(log.synced);
            if log.synced < log.end {
                break;
            }
        }
        reached
    }

    /// Why the records after [`Self::synced`] do not get to the disk.
    pub(super) fn lost(&self) -> Option<&LogError> {
        self.logs.iter().find_map(|log| log.lost.as_ref())
    }

    /// What has to be synced, oldest first. Nothing behind a file that is lost: it could not be relied upon.
    pub(super) fn unsynced(&self) -> Vec<Unsynced> {
        let reliable = self.logs.iter().take_while(|log| log.lost.is_none());
        reliable
            .filter(|log| log.synced < log.end)
            .map(|log| Unsynced {
                file: Arc::clone(&log.file),
                first: log.first,
                end: log.end,
            })
            .collect()
    }

    /// Whether to sync at once, or after how long, if at all.
    pub(super) fn sync_in(&self, now: Instant, every: Duration) -> Option<Duration> {
        let since = self.unsynced_since?;
        if self.closed || self.wanted > self.synced() {
            return Some(Duration::ZERO);
        }
        Some((since + every).saturating_duration_since(now))
    }

    /// The log with this first record.
    pub(super) fn log(&mut self, first: u64) -> Option<&mut LogFile> {
        self.logs.iter_mut().find(|log| log.first == first)
    }

    /// What was appended so far will be replaced: the records to come go to a file of their own.
    pub(super) fn begin_new_log(&mut self) {
        let empty = self.logs.last().is_some_and(|log| log.first == log.end);
        self.last_is_open = self.last_is_open && empty;
    }

    /// Takes a new snapshot instead of what it stands for. Returns the names of the files that are of no use
    /// any more.
    pub(super) fn replace(&mut self, snapshot: SnapshotFile) -> Vec<String> {
        let covers = snapshot.covers;
        let mut dead: Vec<String> = Vec::new();
        let keeps = |log: &LogFile| log.end > covers || log.first >= covers;
        dead.extend(
            self.logs
                .iter()
                .filter(|log| !keeps(log))
                .map(|log| log_name(log.first)),
        );
        self.logs.retain(keeps);
        let before = self.snapshot.replace(snapshot.clone());
        dead.extend(
            before
                .map(|before| before.name)
                .filter(|name| *name != snapshot.name),
        );
        self.last_is_open = self.last_is_open && !self.logs.is_empty();
        self.compactions += 1;
        dead
    }

    /// Length of all files, and of the snapshot among them.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes);
        (
            snapshot + self.logs.iter().map(|log| log.bytes).sum::<u64>(),
            snapshot,
        )
    }

    /// Whether a snapshot pays: the files are large and most of what is in them is history; or it is needed, because
    /// what is in a file may not be on the disk.
    pub(super) fn is_worth_compacting(&self, over_bytes: u64, factor: u32) -> bool {
        let (bytes, snapshot) = self.bytes();
        self.lost().is_some() || bytes > over_bytes.max(snapshot.saturating_mul(u64::from(factor)))
    }

    /// Whether a compaction may begin.
    pub(super) fn may_compact(&self, now: Instant) -> bool {
        self.compacting.is_none() && self.compact_not_before.is_none_or(|when| now >= when)
    }
}
