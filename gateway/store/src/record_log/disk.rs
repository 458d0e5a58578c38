//! The rim of the record log: a directory of files, as the system has it. Tests bring another that fails on request.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;
use crate::lock::DirLock;

/// A directory that holds the files of one log.
pub(super) trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Names of the files in it.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file for its owner only, or empties the one that is there.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name; one that had it is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable: files that were made, renamed or removed.
    fn sync_names(&self) -> io::Result<()>;
    /// Where a file is, for messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// An open file.
pub(super) trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Its length.
    fn bytes(&self) -> io::Result<u64>;
    /// Fills `buffer` from what stands at `offset`.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`; after an error any part of them may stand there.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&self, bytes: u64) -> io::Result<()>;
    /// Returns when everything written so far is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the board.
#[derive(Debug)]
pub(super) struct Folder {
    lock: DirLock,
}

impl Folder {
    /// Takes a directory for this log alone, and makes it if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another log has it, [`StoreError::Io`].
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        DirLock::take(dir).map(|lock| Self { lock })
    }
}

impl Disk for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.lock.dir())?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(name))?;
        Ok(Arc::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.lock.sync().map_err(|error| match error {
            StoreError::Io { source, .. } => source,
            other => io::Error::other(other),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.lock.dir().join(name)
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
