//! What can go wrong in the store, each with what it happened to and what to do next.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process, or another handle in this one, has the directory or file open.
    #[error("{} is in use: the gateway is running: use its API, or stop it first", path.display())]
    Locked {
        /// The directory or file that is locked.
        path: PathBuf,
    },
    /// A newer program has written this store. Nothing was touched.
    #[error(
        "the store has schema version {found}, this program knows up to {known}: \
         install the newer program, or migrate down with it"
    )]
    Newer {
        /// Version of the store.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// There is no migration to this version.
    #[error("there is no schema version {asked}: this program knows 0 to {known}")]
    UnknownVersion {
        /// The version that was asked for.
        asked: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// A migration gave up. The store keeps its mark and the step is run again at the next opening.
    #[error("migration {version} ({name}): {source}")]
    Migration {
        /// Version of the step.
        version: u32,
        /// Name of the step.
        name: &'static str,
        /// Why it gave up.
        source: Box<StoreError>,
    },
    /// A record with this key is there already; nothing was written.
    #[error("{table}: {key:?} is taken")]
    Exists {
        /// Table of the record.
        table: &'static str,
        /// Key of the record.
        key: String,
    },
    /// The same key twice in one call; nothing was written.
    #[error("{table}: {key:?} is given twice")]
    Duplicate {
        /// Table of the record.
        table: &'static str,
        /// Key of the record.
        key: String,
    },
    /// What is stored is not a record of this table.
    #[error("{table}: the record {key:?} can't be read: {source}")]
    Unreadable {
        /// Table of the record.
        table: String,
        /// Key of the record.
        key: String,
        /// What the JSON reader found.
        source: serde_json::Error,
    },
    /// The record has no JSON form.
    #[error("{table}: the record {key:?} can't be written: {source}")]
    Unwritable {
        /// Table of the record.
        table: String,
        /// Key of the record.
        key: String,
        /// What the JSON writer found.
        source: serde_json::Error,
    },
    /// A record that is bigger than a record may be; nothing was written.
    #[error("{table}: the record {key:?} has {bytes} bytes, at most {max} are kept")]
    TooLarge {
        /// Table of the record.
        table: String,
        /// Key of the record.
        key: String,
        /// Size of its JSON form.
        bytes: usize,
        /// Most that is taken.
        max: usize,
    },
    /// A reading that does not fit; the last value of its point stays as it was.
    #[error("the {what} of {key:?} has {bytes} bytes, at most {max} are kept as a last value")]
    ReadingTooLarge {
        /// The point, as `device/point`.
        key: String,
        /// What is too large: the key or the reading.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// Most that is taken.
        max: usize,
    },
    /// A backup that does not fit this store or is damaged; nothing of it was written.
    #[error("the backup can't be read, line {line}: {reason}")]
    Backup {
        /// Line of the backup, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused something.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as a word that precedes the path.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The storage engine refused something.
    #[error("the storage engine failed: {0}")]
    Engine(String),
    /// An earlier write did not reach the disk, so no later one is acknowledged. Opening again finds out what
    /// is there.
    #[error("an earlier write did not reach the disk: the store takes no more until it is opened again")]
    Failed,
    /// The operating system gave no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
    /// The runtime is shutting down and did not start the work.
    #[error("the runtime is shutting down")]
    Stopped,
}

impl StoreError {
    /// For `map_err`: an I/O error with what was done to which path.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
