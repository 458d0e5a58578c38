//! Where the ledger's records go: a log on disk, or nowhere in a broker that keeps nothing.

use std::path::Path;

use roost_store::{LogError, Lsn, RecordLog, RecordLogOptions, StoreError};
use tracing::{error, info};

use super::record::Record;

/// The place of a record that the log did not take: nobody who waits for it is told that it is there.
const NOWHERE: u64 = u64::MAX;

/// Where the ledger's records go.
#[derive(Debug, Default)]
pub(super) struct Journal(Option<RecordLog>);

impl Journal {
    /// Opens the log in a directory and hands over what is in it.
    pub(super) fn open(dir: &Path, each: impl FnMut(&[u8])) -> Result<Self, StoreError> {
        let (log, recovery) = RecordLog::open(dir, RecordLogOptions::default(), each)?;
        info!(
            records = recovery.records,
            "sessions and retained messages restored"
        );
        Ok(Self(Some(log)))
    }

    /// Puts a record at the end of the log. Returns its place, which [`Self::until_written`] takes.
    pub(super) fn append(&self, record: &Record<'_>) -> u64 {
        let Some(log) = &self.0 else { return 0 };
        let encoded = match postcard::to_allocvec(record) {
            Ok(encoded) => encoded,
            Err(error) => {
                error!(%error, "a session's record could not be encoded");
                return NOWHERE;
            }
        };
        match log.append(&encoded) {
            Ok(place) => place.records(),
            Err(error) => {
                error!(%error, "a session could not be written down");
                NOWHERE
            }
        }
    }

    /// Whether a place that [`Self::append`] returned is one in the log.
    pub(super) fn has(place: u64) -> bool {
        place != NOWHERE
    }

    /// Up to where the log has been handed to the system, so that a crash of the program loses nothing.
    pub(super) fn written(&self) -> u64 {
        self.0.as_ref().map_or(NOWHERE, |log| log.written().records())
    }

    /// Waits until the log has a record.
    pub(super) async fn until_written(&self, place: u64) -> Result<(), LogError> {
        match &self.0 {
            Some(_) if place == NOWHERE => Err(LogError::Closed),
            Some(log) => log.until_written(Lsn::behind(place)).await,
            None => Ok(()),
        }
    }

    /// Whether a snapshot pays.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.0.as_ref().is_some_and(RecordLog::wants_compaction)
    }

    /// Replaces the log by what `write` puts. The books must not change meanwhile.
    pub(super) fn snapshot(
        &self,
        write: impl FnOnce(&mut dyn FnMut(&Record<'_>) -> Result<(), LogError>) -> Result<(), LogError>,
    ) {
        let Some(log) = &self.0 else { return };
        let done = log.compact(|snapshot| {
            write(&mut |record| {
                let encoded = postcard::to_allocvec(record).map_err(|_| LogError::Closed)?;
                snapshot.put(&encoded)
            })
        });
        if let Err(error) = done {
            error!(%error, "the log of sessions could not be shortened");
        }
    }

    /// Writes and syncs everything, and takes no more.
    pub(super) fn close(&self) {
        if let Some(log) = &self.0 {
            log.close();
        }
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |log| log.stats().bytes)
    }
}
