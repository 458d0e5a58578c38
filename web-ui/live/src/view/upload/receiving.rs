//! A file on its way: the bytes that have come, in a file that goes when nobody holds it any more.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use roost_runtime::Shutdown;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::UploadError;
use super::table::Room;
use crate::lock;

/// Why a chunk is not taken.
#[derive(Debug, Error)]
pub(crate) enum ChunkError {
    #[error("the file has more bytes than were said")]
    TooMany,
    #[error("the files on their way take all the room that the site has for them")]
    NoRoom,
    #[error("the file can't be written: {0}")]
    Write(#[from] std::io::Error),
}

impl ChunkError {
    /// As the client is told it, and as it says it again to the view. Not Phoenix's `writer_error`: a client that hears
    /// that word says nothing to the view, and its page would stand still.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::TooMany => "file_size_limit_exceeded",
            Self::NoRoom => UploadError::NoRoom.word(),
            Self::Write(_) => "not_written",
        }
    }
}

#[derive(Debug)]
struct State {
    /// From the first chunk on: who only says that there is a file has none open.
    file: Option<NamedTempFile>,
    written: u64,
    /// Whether a channel sends to it.
    joined: bool,
}

/// A file on its way. Its view holds it; when that lets go, the file is removed and its channel ends.
#[derive(Debug)]
pub(crate) struct Receiving {
    path: OnceLock<Box<Path>>,
    size: u64,
    state: Mutex<State>,
    end: Shutdown,
    room: Room,
}

impl Receiving {
    pub(super) fn new(size: u64, room: Room) -> Arc<Self> {
        Arc::new(Self {
            path: OnceLock::new(),
            size,
            state: Mutex::new(State {
                file: None,
                written: 0,
                joined: false,
            }),
            end: Shutdown::new(),
            room,
        })
    }

    /// Where it lies, from the first chunk on.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.get().map(|path| &**path)
    }

    /// Whether all bytes are here.
    pub(crate) fn is_complete(&self) -> bool {
        lock(&self.state).written == self.size
    }

    /// A channel wants to send; one may. `None` if there is one already.
    pub(super) fn join(&self) -> Option<Shutdown> {
        let mut state = lock(&self.state);
        let first = !std::mem::replace(&mut state.joined, true);
        first.then(|| self.end.clone())
    }

    /// Appends a chunk. Blocks while the disk does.
    pub(super) fn write(&self, chunk: &[u8]) -> Result<(), ChunkError> {
        let mut state = lock(&self.state);
        let written = state.written.saturating_add(chunk.len() as u64);
        if written > self.size {
            return Err(ChunkError::TooMany);
        }
        if !self.room.grow(chunk.len() as u64) {
            return Err(ChunkError::NoRoom);
        }
        if state.file.is_none() {
            let file = self.room.file()?;
            let _ = self.path.set(file.path().into());
            state.file = Some(file);
        }
        if let Some(file) = &mut state.file {
            file.write_all(chunk)?;
        }
        state.written = written;
        Ok(())
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.end.request();
    }
}
