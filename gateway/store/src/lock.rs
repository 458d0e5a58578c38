//! The lock on a store's directory, and replacing a file in it whole.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The lock on a store's directory. It is on the directory itself, so that taking it writes nothing.
#[derive(Debug)]
pub(crate) struct DirLock {
    dir: PathBuf,
    handle: File,
}

impl DirLock {
    /// Takes the directory for this handle alone, and makes it if it does not exist (for its owner only: it
    /// holds password hashes).
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process or handle has it, [`StoreError::Io`] if it can't be made or
    /// opened.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(StoreError::io("making", dir))?;
        let handle = File::open(dir).map_err(StoreError::io("opening", dir))?;
        match handle.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                handle,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StoreError::io("locking", dir)(source)),
        }
    }

    /// The directory that is locked.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the directory's entries durable: files that were made or renamed in it.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.handle
            .sync_all()
            .map_err(StoreError::io("syncing", &self.dir))
    }
}

/// Replaces the file `path` so that after a power cut it has either its old or its new content, whole.
pub(crate) fn replace_file(lock: &DirLock, name: &str, content: &[u8]) -> Result<(), StoreError> {
    let path = lock.dir().join(name);
    let temporary = lock.dir().join(format!("{name}.new"));
    fs::write(&temporary, content).map_err(StoreError::io("writing", &temporary))?;
    File::open(&temporary)
        .and_then(|file| file.sync_all())
        .map_err(StoreError::io("syncing", &temporary))?;
    fs::rename(&temporary, &path).map_err(StoreError::io("replacing", &path))?;
    lock.sync()
}
