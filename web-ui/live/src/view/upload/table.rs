//! All files on their way to a site: the tokens that lead to them, and the room that they take.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tempfile::NamedTempFile;

use super::receiving::ChunkError;
use super::{Receiving, UploadError, UploadOptions};
use crate::lock;
use crate::sign::{Purpose, SigningKey, unguessable};

/// Bytes that all files on their way may take together, unless the site says otherwise: little enough for a folder
/// that lies in memory.
pub const UPLOAD_BYTES: u64 = 64 << 20;
/// Most files of a site that are on their way at once, each with a file descriptor. One more is refused.
pub const FILES: usize = 256;
/// Most files of a site that were allowed and may still come. One more is refused.
pub const EXPECTED: usize = 10_000;
/// What part of each of these one connection may take: one in so many. Whoever holds files open is out of room before
/// others are. A file that is its connection's only one may be larger: else none could be as large as its view allows.
pub const SHARE: usize = 4;

/// How files on their way begin, in a folder that they may share with others.
const PREFIX: &str = "roost-upload-";
/// How often a new file may vanish at once before something else is wrong.
const TRIES: usize = 3;

#[derive(Debug)]
struct Waiting {
    receiving: Weak<Receiving>,
    chunk_timeout: std::time::Duration,
    chunk_size: u32,
}

/// What the files of somebody take: of one connection, or of all.
#[derive(Debug, Default, Clone, Copy)]
struct Taken {
    /// Files that were allowed and are not forgotten.
    expected: usize,
    /// Those of them of which there is something.
    files: usize,
    bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<String, Waiting>,
    all: Taken,
    /// By the number of the connection; only of those that have a file.
    each: HashMap<u64, Taken>,
}

impl State {
    /// What all take, and what one connection does.
    fn both(&mut self, owner: u64) -> [&mut Taken; 2] {
        [&mut self.all, self.each.entry(owner).or_default()]
    }
}

#[derive(Debug)]
struct Inner {
    key: SigningKey,
    folder: PathBuf,
    most_bytes: u64,
    state: Mutex<State>,
}

/// All files on their way. Cloning copies a pointer.
#[derive(Debug, Clone)]
pub(crate) struct Table(Arc<Inner>);

/// A file that a token has led to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) receiving: Weak<Receiving>,
    pub(super) end: roost_runtime::Shutdown,
    pub(super) chunk_timeout: std::time::Duration,
    pub(super) chunk_size: u32,
}

/// The room that a file takes; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    table: Weak<Inner>,
    name: String,
    /// The connection whose file it is.
    owner: u64,
    /// Whether it was its connection's only one.
    alone: bool,
    bytes: AtomicU64,
    has_file: AtomicBool,
}

impl Table {
    /// Files that a program left in the folder when it was killed are removed.
    pub(crate) fn new(key: SigningKey, folder: PathBuf, most_bytes: u64) -> Self {
        sweep(&folder);
        let state = Mutex::default();
        Self(Arc::new(Inner {
            key,
            folder,
            most_bytes,
            state,
        }))
    }

    /// Expects a file of so many bytes from a connection, if they would fit now. Returns it with the token that leads
    /// to it. Room is taken by what comes, not by what is said.
    pub(super) fn open(
        &self,
        owner: u64,
        size: u64,
        options: &UploadOptions,
    ) -> Result<(Arc<Receiving>, String), UploadError> {
        let name = unguessable("").map_err(|_| UploadError::Failed)?;
        let mut state = lock(&self.0.state);
        let own = state.each.get(&owner).copied().unwrap_or_default();
        let alone = own.expected == 0;
        let fits = state.all.expected < EXPECTED
            && state.all.files < FILES
            && state.all.bytes.saturating_add(size) <= self.0.most_bytes
            && own.expected < EXPECTED / SHARE
            && own.files < FILES / SHARE
            && (alone || own.bytes.saturating_add(size) <= self.0.share_bytes());
        if !fits {
            return Err(UploadError::NoRoom);
        }
        for taken in state.both(owner) {
            taken.expected += 1;
        }
        let room = Room {
            table: Arc::downgrade(&self.0),
            name: name.clone(),
            owner,
            alone,
            bytes: AtomicU64::new(0),
            has_file: AtomicBool::new(false),
        };
        let receiving = Receiving::new(size, room);
        let waiting = Waiting {
            receiving: Arc::downgrade(&receiving),
            chunk_timeout: options.chunk_timeout,
            chunk_size: options.chunk_size,
        };
        state.waiting.insert(name.clone(), waiting);
        drop(state);
        let token = self.0.key.sign(Purpose::Upload, name.as_bytes());
        Ok((receiving, token))
    }

    /// The file that a token leads to, for the first that asks.
    pub(super) fn find(&self, token: &str) -> Option<Found> {
        let name = self.0.key.verify(Purpose::Upload, token).ok()?;
        let state = lock(&self.0.state);
        let waiting = state.waiting.get(std::str::from_utf8(&name).ok()?)?;
        let receiving = waiting.receiving.clone();
        let (chunk_timeout, chunk_size) = (waiting.chunk_timeout, waiting.chunk_size);
        drop(state);
        // Not under the lock: whoever holds the last pointer gives back room.
        let end = receiving.upgrade()?.join()?;
        Some(Found {
            receiving,
            end,
            chunk_timeout,
            chunk_size,
        })
    }

    /// Bytes that are kept free for files on their way.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        lock(&self.0.state).all.bytes
    }

    /// Connections that have a file.
    #[cfg(test)]
    pub(super) fn owners(&self) -> usize {
        lock(&self.0.state).each.len()
    }
}

impl Inner {
    /// Bytes that several files of one connection may take together.
    fn share_bytes(&self) -> u64 {
        self.most_bytes / SHARE as u64
    }
}

impl Room {
    /// Takes more of it. Returns whether there was any.
    pub(super) fn grow(&self, bytes: u64) -> bool {
        let Some(table) = self.table.upgrade() else {
            return false;
        };
        let mut state = lock(&table.state);
        let [all, own] = state.both(self.owner);
        let fits = all.bytes.saturating_add(bytes) <= table.most_bytes
            && (self.alone || own.bytes.saturating_add(bytes) <= table.share_bytes());
        if fits {
            all.bytes += bytes;
            own.bytes += bytes;
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// A file for what comes. Whoever drops it removes it.
    pub(super) fn file(&self) -> Result<NamedTempFile, ChunkError> {
        let gone = || std::io::Error::other("the site has ended");
        let table = self.table.upgrade().ok_or_else(gone)?;
        {
            let mut state = lock(&table.state);
            if !self.has_file.load(Ordering::Relaxed) {
                let [all, own] = state.both(self.owner);
                if all.files >= FILES || own.files >= FILES / SHARE {
                    return Err(ChunkError::NoRoom);
                }
                all.files += 1;
                own.files += 1;
                self.has_file.store(true, Ordering::Relaxed);
            }
        }
        for _ in 0..TRIES {
            let file = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempfile_in(&table.folder)?;
            // Locked, it is nobody's leftover. Another program that has just started may have been faster.
            let _ = file.as_file().try_lock();
            if file.path().exists() {
                return Ok(file);
            }
        }
        Err(std::io::Error::other("files in the folder of uploads vanish").into())
    }
}

/// Removes the files of programs that are gone: those that nobody has locked.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        // Said when the first file can't be made.
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours
            && is_file
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "a file of an upload that was broken off stays");
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            let mut state = lock(&table.state);
            for taken in state.both(self.owner) {
                taken.expected -= 1;
                taken.files -= usize::from(self.has_file.load(Ordering::Relaxed));
                taken.bytes -= self.bytes.load(Ordering::Relaxed);
            }
            if state.each.get(&self.owner).is_some_and(|own| own.expected == 0) {
                state.each.remove(&self.owner);
            }
            state.waiting.remove(&self.name);
        }
    }
}
