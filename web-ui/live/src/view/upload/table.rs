//! All files on their way to a site: the tokens that lead to them, and the room that they take.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use super::{Receiving, UploadError, UploadOptions};
use crate::lock;
use crate::sign::{Purpose, SigningKey, unguessable};

/// Bytes that all files on their way may take together, unless the site says otherwise.
pub const UPLOAD_BYTES: u64 = 1 << 30;

#[derive(Debug)]
struct Waiting {
    receiving: Weak<Receiving>,
    chunk_timeout: std::time::Duration,
    chunk_size: u32,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<String, Waiting>,
    bytes: u64,
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
    bytes: u64,
}

impl Table {
    pub(crate) fn new(key: SigningKey, folder: PathBuf, most_bytes: u64) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner {
            key,
            folder,
            most_bytes,
            state,
        }))
    }

    /// Makes room and a file for so many bytes. Returns it with the token that leads to it.
    pub(super) fn open(
        &self,
        size: u64,
        options: &UploadOptions,
    ) -> Result<(Arc<Receiving>, String), UploadError> {
        let name = unguessable("").map_err(|_| UploadError::Failed)?;
        let room = self.room(&name, size)?;
        let file = tempfile::Builder::new()
            .prefix("roost-upload-")
            .tempfile_in(&self.0.folder);
        let file = file.map_err(|error| {
            tracing::error!(%error, folder = %self.0.folder.display(), "no file for an upload can be made");
            UploadError::Failed
        })?;
        let receiving = Receiving::new(file, size, room);
        let waiting = Waiting {
            receiving: Arc::downgrade(&receiving),
            chunk_timeout: options.chunk_timeout,
            chunk_size: options.chunk_size,
        };
        lock(&self.0.state).waiting.insert(name.clone(), waiting);
        let token = self.0.key.sign(Purpose::Upload, name.as_bytes());
        Ok((receiving, token))
    }

    fn room(&self, name: &str, bytes: u64) -> Result<Room, UploadError> {
        let mut state = lock(&self.0.state);
        let taken = state
            .bytes
            .checked_add(bytes)
            .filter(|taken| *taken <= self.0.most_bytes);
        state.bytes = taken.ok_or(UploadError::NoRoom)?;
        let (table, name) = (Arc::downgrade(&self.0), name.to_owned());
        Ok(Room { table, name, bytes })
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
        lock(&self.0.state).bytes
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            let mut state = lock(&table.state);
            state.bytes -= self.bytes;
            state.waiting.remove(&self.name);
        }
    }
}
