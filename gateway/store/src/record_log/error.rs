//! What can go wrong in a record log, each with the file and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a record log did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// Too much waits to be written; the record was not taken.
    #[error(
        "{waiting} bytes wait to be written, at most {limit} may: send less, or find out why the disk is slow"
    )]
    Full {
        /// Bytes that wait.
        waiting: usize,
        /// Most that may.
        limit: usize,
    },
    /// A record that is larger than a record may be; it was not taken.
    #[error("a record of {bytes} bytes, at most {max} are kept")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// Most that is taken.
        max: usize,
    },
    /// The file could not be written. What was appended stays in memory and is written as soon as that
    /// works.
    #[error("writing {}: {reason}: {remedy}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The file was written, and the disk did not confirm that it has it. What the system could not bring there it
    /// may have thrown away, so nothing in this file counts as synced again; a compaction writes it anew.
    #[error("syncing {}: {reason}: {remedy}", path.display())]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The log was closed.
    #[error("the record log is closed: the gateway is stopping")]
    Closed,
}

impl LogError {
    pub(super) fn unwritten(path: &Path, error: &io::Error) -> Self {
        Self::Unwritten {
            path: path.to_owned(),
            reason: error.to_string(),
            remedy: remedy(error.kind()),
        }
    }

    pub(super) fn unsynced(path: &Path, error: &io::Error) -> Self {
        Self::Unsynced {
            path: path.to_owned(),
            reason: error.to_string(),
            remedy: remedy(error.kind()),
        }
    }
}

/// What the owner of the board can do about it.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free space on this file system"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount this file system for writing, and check the disk",
        io::ErrorKind::PermissionDenied => "let the gateway's user write there",
        _ => "check the disk",
    }
}
