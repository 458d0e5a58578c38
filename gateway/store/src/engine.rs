//! The storage engine behind a few calls. Only this file names it, so that it can be exchanged in a day.
//!
//! One ordered map from bytes to bytes. Two traps of the engine are dealt with here. Its flush ends in
//! `sync_file_range`, which neither empties the drive's cache nor writes the file's metadata and so does not
//! survive a power cut: every flush is followed by a sync of the data file. And batches of many thousand
//! items take memory by the gigabyte: a batch has at most [`MAX_BATCH`] items.

use std::fmt;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::lock::DirLock;

/// Most writes in one batch.
pub(crate) const MAX_BATCH: usize = 1000;
/// How long the engine's own threads may take to let go of the data file after an earlier handle was dropped.
const UNWINDING: Duration = Duration::from_secs(2);
/// How the engine words that it could not lock its data file.
const LOCK_TEXT: &str = "could not acquire lock";

/// One key and its value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// One change of a batch.
#[derive(Debug)]
pub(crate) enum Write {
    /// Sets the value of a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key; nothing happens if it is not there.
    Delete(Vec<u8>),
}

/// The open engine. Fields are dropped in order: the lock goes last.
pub(crate) struct Engine {
    db: sled::Db,
    data: File,
    failed: AtomicBool,
    lock: DirLock,
}

impl fmt::Debug for Engine {
    /// Without its content, which the engine's own form would print: secrets are among it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.lock.dir()).finish()
    }
}

impl Engine {
    /// Opens the engine in a locked directory.
    ///
    /// # Errors
    /// [`StoreError::Engine`] if the files are damaged, [`StoreError::Io`] if the system refuses.
    pub(crate) fn open(lock: DirLock, cache_bytes: u64) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(lock.dir())
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let deadline = Instant::now() + UNWINDING;
        let db = loop {
            // On damaged files the engine may panic instead of returning an error; at boot that must be one
            // error too.
            let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
            match opened {
                Ok(Ok(db)) => break db,
                // The directory is ours, so it is a dropped handle of this process that is still winding
                // down.
                Ok(Err(error)) if is_lock_error(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(Err(error)) if is_lock_error(&error) => {
                    return Err(StoreError::Locked {
                        path: lock.dir().to_owned(),
                    });
                }
                Ok(Err(error)) => return Err(engine_error(error)),
                Err(_) => return Err(StoreError::Engine("the files are damaged".to_owned())),
            }
        };
        let path = lock.dir().join("db");
        // Kept open, because a failed write-back is reported for certain only to handles that were open at
        // the time.
        let data = File::open(&path).map_err(StoreError::io("opening", &path))?;
        let engine = Self {
            db,
            data,
            failed: AtomicBool::new(false),
            lock,
        };
        engine.commit()?;
        engine.lock.sync()?;
        Ok(engine)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get(key).map_err(engine_error)?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// Whether a key has a value.
    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.db.contains_key(key).map_err(engine_error)
    }

    /// Applies at most [`MAX_BATCH`] writes, all or none of them. They are durable after [`Self::commit`].
    pub(crate) fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Failed);
        }
        if writes.len() > MAX_BATCH {
            return Err(StoreError::Engine(format!("a batch of {} writes", writes.len())));
        }
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(key, value),
                Write::Delete(key) => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(engine_error)
    }

    /// Makes everything that was applied so far durable.
    ///
    /// After a failed sync the kernel forgets which pages were not written, and the next sync would succeed
    /// without them. So from the first failure on nothing more is acknowledged.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Failed);
        }
        let synced = self.db.flush().map_err(engine_error).and_then(|_| {
            self.data
                .sync_all()
                .map_err(StoreError::io("syncing", self.lock.dir().join("db")))
        });
        if synced.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        synced
    }

    /// All entries whose key begins with `prefix`, by key. Writing while reading is allowed; an entry is
    /// never seen twice.
    pub(crate) fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Entry, StoreError>> + use<> {
        self.db.scan_prefix(prefix).map(|entry| {
            let (key, value) = entry.map_err(engine_error)?;
            Ok((key.to_vec(), value.to_vec()))
        })
    }

    /// Entries whose key begins with `prefix`, the last first; only those before the key `before`, if it is given.
    pub(crate) fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<Entry, StoreError>> + use<> {
        let end = match before {
            Some(before) => before.to_vec(),
            None => [prefix, &[0xff]].concat(),
        };
        self.db.range(prefix.to_vec()..end).rev().map(|entry| {
            let (key, value) = entry.map_err(engine_error)?;
            Ok((key.to_vec(), value.to_vec()))
        })
    }

    /// Number of keys that begin with `prefix`. Reads them all.
    pub(crate) fn count(&self, prefix: &[u8]) -> Result<usize, StoreError> {
        let mut count = 0;
        for key in self.db.scan_prefix(prefix).keys() {
            key.map_err(engine_error)?;
            count += 1;
        }
        Ok(count)
    }

    /// The lock on the directory, to write files beside the engine's.
    pub(crate) fn lock(&self) -> &DirLock {
        &self.lock
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn engine_error(error: sled::Error) -> StoreError {
    StoreError::Engine(error.to_string())
}

/// The engine has no error of its own for a taken lock, only a text.
fn is_lock_error(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().contains(LOCK_TEXT))
}
