//! A file on its way: the bytes that have come, in a file that goes when nobody holds it any more.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use roost_runtime::Shutdown;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::table::Room;
use crate::lock;

/// Why a chunk is not taken.
#[derive(Debug, Error)]
pub(crate) enum ChunkError {
    #[error("the file has more bytes than were said")]
    TooMany,
    #[error("the file can't be written: {0}")]
    Write(#[from] std::io::Error),
}

impl ChunkError {
    /// As the client knows it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::TooMany => "file_size_limit_exceeded",
            Self::Write(_) => "writer_error",
        }
    }
}

#[derive(Debug)]
struct State {
    file: NamedTempFile,
    written: u64,
    /// Whether a channel sends to it.
    joined: bool,
}

/// A file on its way. Its view holds it; when that lets go, the file is removed and its channel ends.
#[derive(Debug)]
pub(crate) struct Receiving {
    path: Box<Path>,
    size: u64,
    state: Mutex<State>,
    end: Shutdown,
    _room: Room,
}

impl Receiving {
    pub(super) fn new(file: NamedTempFile, size: u64, room: Room) -> Arc<Self> {
        Arc::new(Self {
            path: file.path().into(),
            size,
            state: Mutex::new(State {
                file,
                written: 0,
                joined: false,
            }),
            end: Shutdown::new(),
            _room: room,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        state.file.write_all(chunk)?;
        state.written = written;
        Ok(())
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.end.request();
    }
}
