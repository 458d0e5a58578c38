//! A durable log of records for state that changes often: append-only, checksummed, written in groups.
//!
//! It knows nothing of what the records mean. Its owner keeps the state in memory, appends every change, and folds the
//! records into the state again when the log is opened. [`RecordLog::append`] never waits for the disk;
//! whoever promises something to somebody waits for [`RecordLog::until_written`] (survives a killed process)
//! or [`RecordLog::until_synced`] (survives a power cut). When the log has grown
//! ([`RecordLog::wants_compaction`]), the owner gives a snapshot of its state, which replaces the records
//! that led to it.
//!
//! Three threads: `log-writer` makes one write of all that waits, `log-syncer` brings it to the disk
//! without holding up the writer, `log-compaction` lives as long as a snapshot takes.

mod chunks;
mod compaction;
mod disk;
mod error;
mod files;
mod frame;
mod progress;
mod queue;
mod reader;
mod recover;
mod shared;
mod snapshot;
mod snapshot_file;
mod syncer;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::StoreError;
use chunks::Chunks;
use disk::{Disk, Folder};
use shared::Shared;

pub use error::LogError;
pub use frame::MAX_LOG_RECORD_BYTES;
pub use recover::Recovery;
pub use snapshot::SnapshotWriter;

/// How a record log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLogOptions {
    /// Longest time that something written is not on the disk: what a power cut may cost. Default 1 s.
    pub sync_every: Duration,
    /// Files smaller than this together are not worth a compaction. Default 4 MiB.
    pub compact_over_bytes: u64,
    /// A compaction pays when the files are this many times as large as the last snapshot. Default 4.
    pub compact_factor: u32,
    /// Most bytes that may wait to be written; beyond it nothing is taken. Default 8 MiB.
    pub pending_bytes: usize,
    /// By multiples of this a file grows; 0 for no more than what is in it. Room that is there already is written
    /// over, which spares the flash what the file system writes for a file that grows. Default 64 KiB.
    pub room_bytes: u32,
    /// Pause before a write that failed is tried again. Default 1 s.
    pub retry_write_after: Duration,
    /// Pause before a compaction is wanted again after one that failed: each writes the whole state. Default
    /// 60 s.
    pub retry_compaction_after: Duration,
}

impl Default for RecordLogOptions {
    fn default() -> Self {
        Self {
            sync_every: Duration::from_secs(1),
            compact_over_bytes: 4 * 1024 * 1024,
            compact_factor: 4,
            pending_bytes: 8 * 1024 * 1024,
            room_bytes: 64 * 1024,
            retry_write_after: Duration::from_secs(1),
            retry_compaction_after: Duration::from_secs(60),
        }
    }
}

/// A position in the log: how many records there are up to it, since the log was begun. Later is larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(u64);

impl Lsn {
    /// The position behind so many records: one that was remembered as a number.
    #[must_use]
    pub fn behind(records: u64) -> Self {
        Self(records)
    }

    /// Number of records up to here.
    #[must_use]
    pub fn records(self) -> u64 {
        self.0
    }
}

/// Figures of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordLogStats {
    /// Length of what is in all files.
    pub bytes: u64,
    /// Length of the last snapshot: about what the state takes.
    pub live_bytes: u64,
    /// Bytes in memory that wait to be written.
    pub pending_bytes: usize,
    /// Records appended since the log was begun.
    pub appended: u64,
    /// Of those, the ones that a killed process leaves.
    pub written: u64,
    /// Of those, the ones that a power cut leaves.
    pub synced: u64,
    /// Compactions since the log was opened.
    pub compactions: u64,
    /// Writes, syncs and compactions that failed since then.
    pub errors: u64,
}

/// An open log. Cloning copies a pointer; the last clone that is dropped closes it.
#[derive(Debug, Clone)]
pub struct RecordLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    /// Writer and syncer, until they have ended.
    threads: Mutex<Option<(JoinHandle<()>, JoinHandle<()>)>>,
}

impl RecordLog {
    /// Opens the log in the directory `dir`, which is made if it does not exist and is for this log alone, and
    /// hands every record over through `each`: the last snapshot, then what was appended after it, as far
    /// as it is whole. What comes behind that is dropped and [`Recovery`] says so. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if the log is open elsewhere; [`StoreError::Io`] if the directory can't be read
    /// and written. Nothing that stands in the files is an error.
    pub fn open(
        dir: impl AsRef<Path>,
        options: RecordLogOptions,
        each: impl FnMut(&[u8]),
    ) -> Result<(Self, Recovery), StoreError> {
        let folder = Folder::take(dir.as_ref())?;
        Self::open_on(Arc::new(folder), options, each)
    }

    /// Opens the log on a disk that may be another than the board's.
    fn open_on(
        disk: Arc<dyn Disk>,
        options: RecordLogOptions,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(Self, Recovery), StoreError> {
        let recovered = recover::recover(disk.as_ref(), &mut each)?;
        let report = recovered.report;
        report.tell(&disk.path(""));
        let dir = disk.path("");
        let shared = Arc::new(Shared::new(disk, options, recovered.files, recovered.end));
        let (for_writer, for_syncer) = (Arc::clone(&shared), Arc::clone(&shared));
        let writer = std::thread::Builder::new().name("log-writer".to_owned());
        let writer = writer
            .spawn(move || writer::run(&for_writer))
            .map_err(StoreError::io("starting a thread for", &dir))?;
        let syncer = std::thread::Builder::new().name("log-syncer".to_owned());
        let syncer = syncer.spawn(move || syncer::run(&for_syncer)).map_err(|error| {
            shared.queue.close();
            StoreError::io("starting a thread for", &dir)(error)
        })?;
        let threads = Mutex::new(Some((writer, syncer)));
        let inner = Arc::new(Inner { shared, threads });
        Ok((Self { inner }, report))
    }

    /// Puts a record at the end and returns the position behind it. After a crash it is there whole or not at
    /// all, and only if all before it are. Never waits for the disk.
    ///
    /// # Errors
    /// [`LogError::Full`] if the disk does not keep up, [`LogError::TooLarge`] over
    /// [`MAX_LOG_RECORD_BYTES`], [`LogError::Closed`]. The record was not taken then.
    pub fn append(&self, record: &[u8]) -> Result<Lsn, LogError> {
        self.append_parts(&[record])
    }

    /// Puts one record made of parts that stand in several places, such as its kind, a topic and a payload.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_parts(&self, parts: &[&[u8]]) -> Result<Lsn, LogError> {
        self.inner.shared.queue.append(parts).map(Lsn)
    }

    /// How far the kernel has it: what is before survives the end of this process, whatever its reason.
    #[must_use]
    pub fn written(&self) -> Lsn {
        Lsn(self.inner.shared.written.reached())
    }

    /// How far the disk has it: what is before survives a power cut.
    #[must_use]
    pub fn synced(&self) -> Lsn {
        Lsn(self.inner.shared.synced.reached())
    }

    /// Waits until everything up to `lsn` survives the end of this process. May be dropped at any time.
    ///
    /// # Errors
    /// [`LogError::Unwritten`] as long as the disk does not take it: the record is kept in memory and tried
    /// again. [`LogError::Closed`].
    pub async fn until_written(&self, lsn: Lsn) -> Result<(), LogError> {
        self.inner.shared.written.until(lsn.0).await
    }

    /// Waits until everything up to `lsn` survives a power cut; has it synced at once. May be dropped at any
    /// time.
    ///
    /// # Errors
    /// As [`Self::until_written`], and [`LogError::Unsynced`] from a sync that failed until a compaction has
    /// written everything anew.
    pub async fn until_synced(&self, lsn: Lsn) -> Result<(), LogError> {
        let shared = &self.inner.shared;
        if shared.synced.reached() >= lsn.0 {
            return Ok(());
        }
        shared.written.until(lsn.0).await?;
        {
            let mut files = shared.files();
            files.wanted = files.wanted.max(lsn.0);
            shared.sync_wake.notify_one();
        }
        shared.synced.until(lsn.0).await
    }

    /// Whether a compaction may begin now: none is under way, and the last one that failed was long enough ago.
    #[must_use]
    pub fn may_compact(&self) -> bool {
        self.inner.shared.files().may_compact(Instant::now())
    }

    /// Whether a snapshot would pay now. Cheap while it would not.
    #[must_use]
    pub fn wants_compaction(&self) -> bool {
        let shared = &self.inner.shared;
        shared.is_worth_compacting() && shared.files().may_compact(Instant::now())
    }

    /// Replaces everything appended before this call with what `snapshot` puts; what is appended during and after it
    /// comes behind. So the owner keeps its state from changing while it calls this. It does not wait for the
    /// disk: what is put waits in memory. Does nothing while another compaction is under way, and returns
    /// false then.
    ///
    /// # Errors
    /// What `snapshot` returns; then the log stays as it was.
    pub fn compact(
        &self,
        snapshot: impl FnOnce(&mut SnapshotWriter) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        let Some(mut writer) = self.begin_snapshot() else {
            return Ok(false);
        };
        snapshot(&mut writer)?;
        writer.finish();
        Ok(true)
    }

    /// Begins a snapshot that is given piece by piece, for a state that is too large to be copied at once. It
    /// stands for everything appended before this call. What is appended after it is replayed behind the
    /// whole snapshot, even if a piece put later contains it already: the records have to bear that. `None`
    /// while another compaction is under way, or if the log is closed.
    #[must_use]
    pub fn begin_snapshot(&self) -> Option<SnapshotWriter> {
        let shared = &self.inner.shared;
        let chunks = Arc::new(Chunks::default());
        {
            let mut files = shared.files();
            if files.compacting.is_some() {
                return None;
            }
            files.compacting = Some(Arc::clone(&chunks));
        }
        if !shared.queue.begin_snapshot(Arc::clone(&chunks)) {
            shared.files().compacting = None;
            return None;
        }
        Some(SnapshotWriter::new(chunks))
    }

    /// The log's figures.
    #[must_use]
    pub fn stats(&self) -> RecordLogStats {
        let shared = &self.inner.shared;
        let (appended, pending_bytes) = shared.queue.level();
        let files = shared.files();
        let (bytes, live_bytes) = files.bytes();
        RecordLogStats {
            bytes,
            live_bytes,
            pending_bytes,
            appended,
            written: shared.written.reached(),
            synced: shared.synced.reached(),
            compactions: files.compactions,
            errors: shared.errors.load(Ordering::Relaxed),
        }
    }

    /// Writes and syncs what was appended, brings a snapshot that is whole to its end, and takes no more. Blocks.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((writer, syncer)) = threads.take() else {
            return;
        };
        let shared = &self.shared;
        shared.queue.close();
        join(writer);
        // The writer has started the compaction, if there is one.
        if let Some(chunks) = &shared.files().compacting {
            chunks.abandon();
        }
        let compaction = shared
            .compaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(compaction) = compaction {
            join(compaction);
        }
        shared.files().closed = true;
        shared.sync_wake.notify_all();
        join(syncer);
        shared.synced.stop_at(shared.synced.reached(), LogError::Closed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A panic has been reported by the thread itself.
fn join(thread: JoinHandle<()>) {
    let _ended = thread.join();
}
