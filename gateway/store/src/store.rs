//! The store: opens, migrates, and hands out tables.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Engine, MAX_BATCH, Write};
use crate::lock::DirLock;
use crate::migration::{self, Migration};
use crate::{MIGRATIONS, Record, StoreError, Table, mark};

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for records that were read, in bytes. Default 8 MiB.
    pub cache_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 8 * 1024 * 1024,
        }
    }
}

/// An open store. Cloning copies a pointer; the last clone that is dropped closes it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    /// Held from the check of a key to its write. Not during the sync: that can be shared.
    writing: Mutex<()>,
    version: u32,
}

impl Store {
    /// Opens the store in `dir`, which is made if it does not exist, and migrates it up to this program's
    /// version.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open elsewhere, [`StoreError::Newer`] if a newer program has written
    /// it (nothing was touched then), [`StoreError::Migration`], and what the engine or the system says.
    pub fn open(dir: impl AsRef<Path>, options: StoreOptions) -> Result<Self, StoreError> {
        Self::open_with(dir.as_ref(), options, MIGRATIONS, migration::newest(MIGRATIONS))
    }

    /// Migrates the store in `dir` up or down to `version` and closes it: the way back to an older program.
    /// The next [`Self::open`] by this program migrates up again.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreError::UnknownVersion`].
    pub fn migrate_to(dir: impl AsRef<Path>, version: u32) -> Result<(), StoreError> {
        Self::open_with(dir.as_ref(), StoreOptions::default(), MIGRATIONS, version).map(drop)
    }

    /// Opens with another list of migrations.
    pub(crate) fn open_with(
        dir: &Path,
        options: StoreOptions,
        migrations: &[Migration],
        target: u32,
    ) -> Result<Self, StoreError> {
        let lock = DirLock::take(dir)?;
        let known = migration::newest(migrations);
        if let Some(found) = mark::read_file(&lock).filter(|found| *found > known) {
            return Err(StoreError::Newer { found, known });
        }
        let engine = Engine::open(lock, options.cache_bytes)?;
        migration::migrate(&engine, migrations, target)?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                writing: Mutex::new(()),
                version: target,
            }),
        })
    }

    /// The table of a type of records.
    #[must_use]
    pub fn table<R: Record>(&self) -> Table<R> {
        Table::new(self.clone())
    }

    /// Version of the schema that the records have.
    #[must_use]
    pub fn schema_version(&self) -> u32 {
        self.inner.version
    }

    /// Runs `work` on a thread that may block, so that no async task ever waits for the disk. Must be called
    /// inside a tokio runtime. Work that has begun goes on when the future is dropped.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Stopped`] if the runtime is shutting down.
    ///
    /// # Panics
    /// If `work` panics, with the same payload: the caller's supervisor deals with it.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Stopped),
            },
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Keeps other writers out. It protects no data that a panic could leave half changed.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies any number of writes in batches that the engine can take.
    pub(crate) fn apply_all(&self, mut writes: Vec<Write>) -> Result<(), StoreError> {
        while writes.len() > MAX_BATCH {
            let rest = writes.split_off(MAX_BATCH);
            self.engine().apply(writes)?;
            writes = rest;
        }
        self.engine().apply(writes)
    }
}

#[cfg(test)]
mod tests;
