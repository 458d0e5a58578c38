//! Where the ledger's records go: a log on disk, or nowhere in a broker that keeps nothing.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use roost_store::{LogError, Lsn, RecordLog, RecordLogOptions, StoreError};
use tracing::{error, info};

use super::record::Record;

/// The place of a record that the log did not take: nobody who waits for it is told that it is there.
const NOWHERE: u64 = u64::MAX;

/// Where the ledger's records go.
#[derive(Debug, Default)]
pub(super) struct Journal {
    log: Option<RecordLog>,
    /// Records that the log has refused and that no snapshot holds yet: the books are ahead of it.
    refused: AtomicU64,
    /// The snapshot that holds them, once it is whole: how many there were, and how many snapshots before.
    covering: Mutex<Option<(u64, u64)>>,
}

impl Journal {
    /// Opens the log in a directory and hands over what is in it.
    pub(super) fn open(
        dir: &Path,
        options: RecordLogOptions,
        each: impl FnMut(&[u8]),
    ) -> Result<Self, StoreError> {
        let (log, recovery) = RecordLog::open(dir, options, each)?;
        info!(
            records = recovery.records,
            "sessions and retained messages restored"
        );
        Ok(Self {
            log: Some(log),
            ..Self::default()
        })
    }

    /// Puts a record at the end of the log. Returns its place, which [`Self::until_written`] takes.
    pub(super) fn append(&self, record: &Record<'_>) -> u64 {
        let Some(log) = &self.log else { return 0 };
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
                let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
                // A disk that is full refuses every record: said at the first and then at each doubling.
                if refused.is_power_of_two() {
                    error!(%error, records = refused, "changes of sessions could not be written down");
                }
                NOWHERE
            }
        }
    }

    /// Whether the log lacks something that it would take now.
    fn lags(&self, log: &RecordLog) -> bool {
        let mut covering = self.covering.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = log.stats();
        if let Some((records, snapshots)) = *covering
            && stats.compactions > snapshots
        {
            self.refused.fetch_sub(records, Ordering::Relaxed);
            *covering = None;
            info!(
                records,
                "a snapshot holds the changes of sessions that could not be written down"
            );
        }
        let has_room = stats.written == stats.appended;
        self.refused.load(Ordering::Relaxed) > 0 && has_room && log.may_compact()
    }

    /// The place of the last record; [`NOWHERE`] while the log lacks any.
    pub(super) fn end(&self) -> u64 {
        match &self.log {
            Some(_) if self.refused.load(Ordering::Relaxed) > 0 => NOWHERE,
            Some(log) => log.stats().appended,
            None => 0,
        }
    }

    /// Records that the log has refused and that no snapshot holds yet.
    #[cfg(test)]
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether a place that [`Self::append`] returned is one in the log.
    pub(super) fn has(place: u64) -> bool {
        place != NOWHERE
    }

    /// Up to where the log has been handed to the system, so that a crash of the program loses nothing.
    pub(super) fn written(&self) -> u64 {
        self.log.as_ref().map_or(NOWHERE, |log| log.written().records())
    }

    /// Waits until the log has a record.
    pub(super) async fn until_written(&self, place: u64) -> Result<(), LogError> {
        match &self.log {
            Some(_) if place == NOWHERE => Err(LogError::Closed),
            Some(log) => log.until_written(Lsn::behind(place)).await,
            None => Ok(()),
        }
    }

    /// Whether a snapshot pays, or is the only way to bring the log up with the books.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| log.wants_compaction() || self.lags(log))
    }

    /// Replaces the log by what `write` puts. The books must not change meanwhile.
    pub(super) fn snapshot(
        &self,
        write: impl FnOnce(&mut dyn FnMut(&Record<'_>) -> Result<(), LogError>) -> Result<(), LogError>,
    ) {
        let Some(log) = &self.log else { return };
        let (refused, snapshots) = (self.refused.load(Ordering::Relaxed), log.stats().compactions);
        let done = log.compact(|snapshot| {
            write(&mut |record| {
                let encoded = postcard::to_allocvec(record).map_err(|_| LogError::Closed)?;
                snapshot.put(&encoded)
            })
        });
        match done {
            Ok(true) if refused > 0 => {
                let mut covering = self.covering.lock().unwrap_or_else(PoisonError::into_inner);
                *covering = Some((refused, snapshots));
            }
            Ok(_) => {}
            Err(error) => error!(%error, "the log of sessions could not be shortened"),
        }
    }

    /// Writes and syncs everything, and takes no more.
    pub(super) fn close(&self) {
        if let Some(log) = &self.log {
            log.close();
        }
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.stats().bytes)
    }
}
