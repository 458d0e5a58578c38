//! A snapshot on its way to the disk: written beside the others, and given its name when it is there, whole.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::files::{SnapshotFile, snapshot_name};
use super::frame::{self, HEADER_BYTES, Header, Kind};

/// Name of a snapshot that is not finished.
pub(super) const UNFINISHED: &str = "snapshot.new";

/// An unfinished snapshot.
#[derive(Debug)]
pub(super) struct NewSnapshot<'a> {
    disk: &'a dyn Disk,
    file: Arc<dyn DiskFile>,
    covers: u64,
    records: u64,
    bytes: u64,
}

impl<'a> NewSnapshot<'a> {
    /// Begins a snapshot that stands for all records before number `covers`.
    pub(super) fn create(disk: &'a dyn Disk, covers: u64) -> io::Result<Self> {
        Ok(Self {
            disk,
            file: disk.create(UNFINISHED)?,
            covers,
            records: 0,
            bytes: 0,
        })
    }

    /// Adds frames without checksums.
    pub(super) fn add(&mut self, mut frames: Vec<u8>) -> io::Result<()> {
        self.records += frame::seal(&mut frames, self.records);
        self.file.write_at(&frames, HEADER_BYTES as u64 + self.bytes)?;
        self.bytes += frames.len() as u64;
        Ok(())
    }

    /// Makes it durable and gives it its name.
    pub(super) fn finish(self) -> io::Result<SnapshotFile> {
        let header = Header {
            kind: Kind::Snapshot,
            first: self.covers,
            records: self.records,
            bytes: self.bytes,
        };
        self.file.write_at(&header.encode(), 0)?;
        self.file.sync()?;
        let name = snapshot_name(self.covers);
        self.disk.rename(UNFINISHED, &name)?;
        self.disk.sync_names()?;
        Ok(SnapshotFile {
            name,
            covers: self.covers,
            bytes: HEADER_BYTES as u64 + self.bytes,
        })
    }
}
