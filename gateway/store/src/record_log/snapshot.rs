//! The handle through which the owner of the state gives a snapshot of it.

use std::sync::Arc;

use super::chunks::Chunks;
use super::frame;
use crate::LogError;

/// Frames handed over at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// Bytes that may wait when [`SnapshotWriter::room`] returns.
const AHEAD_BYTES: usize = 1024 * 1024;

/// Takes the records of a snapshot. Never waits for the disk, unless asked to by [`Self::room`]. Dropped without
/// [`Self::finish`], the log stays as it was.
#[derive(Debug)]
pub struct SnapshotWriter {
    chunks: Arc<Chunks>,
    frames: Vec<u8>,
    refused: bool,
}

impl SnapshotWriter {
    pub(super) fn new(chunks: Arc<Chunks>) -> Self {
        Self {
            chunks,
            frames: Vec::new(),
            refused: false,
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`LogError::TooLarge`]. Then there will be no snapshot, because it would not be whole.
    pub fn put(&mut self, record: &[u8]) -> Result<(), LogError> {
        self.put_parts(&[record])
    }

    /// Adds one record made of parts that stand in several places.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_parts(&mut self, parts: &[&[u8]]) -> Result<(), LogError> {
        frame::push(&mut self.frames, parts).inspect_err(|_| self.refused = true)?;
        if self.frames.len() >= CHUNK_BYTES {
            self.chunks.put(std::mem::take(&mut self.frames));
        }
        Ok(())
    }

    /// Waits until at most 1 MiB of what was put waits in memory. For a state that is too large to be copied at
    /// once: not to be called with a lock held.
    pub async fn room(&self) {
        self.chunks.until_at_most(AHEAD_BYTES).await;
    }

    /// The snapshot is whole: as soon as it is on the disk it replaces what it stands for.
    pub fn finish(mut self) {
        if self.refused {
            return;
        }
        self.chunks.put(std::mem::take(&mut self.frames));
        self.chunks.finish();
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        self.chunks.abandon();
    }
}
