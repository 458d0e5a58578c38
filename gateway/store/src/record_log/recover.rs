//! Opens what is there after whatever happened: the longest run of whole records, and a place to go on from.
//!
//! The newest whole snapshot is the beginning; the log files follow by the numbers of their records. Where a number
//! is missing the run ends. What comes after is cut off, or set aside as `broken-<name>` if it is a file of its
//! own, until the next time that something has to be set aside.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::files::{Files, LogFile, SnapshotFile};
use super::files::{covers_of_snapshot, first_of_log, log_name, snapshot_name};
use super::frame::{HEADER_BYTES, Header, Kind};
use super::reader::Reader;
use super::snapshot_file::UNFINISHED;
use crate::StoreError;

const BROKEN: &str = "broken-";

/// What was found when a log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Records that were handed over.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were dropped because no whole record began there.
    pub torn_bytes: u64,
    /// Whole records were dropped behind something that was not whole, or files are missing. A killed process
    /// does not explain this; a power cut may, for what was not synced. If there was none, the disk changes
    /// what it was given.
    pub damaged: bool,
}

/// The state after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The files that go on.
    pub(super) files: Files,
    /// Number of the record that will be appended next.
    pub(super) end: u64,
    /// What was found.
    pub(super) report: Recovery,
}

/// Reads all records through `each`, oldest first, and repairs the files.
///
/// # Errors
/// If the directory or a file can't be opened or written at all; never because of what stands in it.
pub(super) fn recover(disk: &dyn Disk, each: &mut dyn FnMut(&[u8])) -> Result<Recovered, StoreError> {
    let names = disk.names().map_err(StoreError::io("reading", disk.path("")))?;
    let mut recovering = Recovering {
        disk,
        each,
        names: &names,
        files: Files::default(),
        next: 0,
        report: Recovery::default(),
        set_aside: false,
    };
    if names.iter().any(|name| name == UNFINISHED) {
        recovering.remove(UNFINISHED)?;
    }
    let chain_broken = recovering.snapshot()?;
    recovering.logs(chain_broken)?;
    recovering.sync()?;
    let Recovering {
        files, next, report, ..
    } = recovering;
    Ok(Recovered {
        files,
        end: next,
        report,
    })
}

struct Recovering<'a> {
    disk: &'a dyn Disk,
    each: &'a mut dyn FnMut(&[u8]),
    names: &'a [String],
    files: Files,
    /// Number of the record that comes next.
    next: u64,
    report: Recovery,
    /// Something was set aside this time.
    set_aside: bool,
}

impl Recovering<'_> {
    /// Reads the newest whole snapshot and does away with the others. True if all that is left is a part of
    /// one, so that nothing can follow it.
    fn snapshot(&mut self) -> Result<bool, StoreError> {
        let mut found: Vec<u64> = self
            .names
            .iter()
            .filter_map(|name| covers_of_snapshot(name))
            .collect();
        found.sort_unstable();
        let mut whole = None;
        for covers in found.iter().rev() {
            if self.is_whole(*covers)? {
                whole = Some(*covers);
                break;
            }
        }
        let from_the_beginning = self.names.contains(&log_name(0));
        let chosen = match (whole, found.last()) {
            (Some(covers), _) => covers,
            (None, Some(newest)) if !from_the_beginning => *newest,
            (None, _) => {
                self.do_away(&found, None)?;
                return Ok(false);
            }
        };
        self.read_snapshot(chosen, whole.is_none())?;
        self.do_away(&found, Some(chosen))?;
        Ok(whole.is_none())
    }

    /// Removes snapshots older than the one that is used, and sets newer ones aside: they are damaged.
    fn do_away(&mut self, found: &[u64], chosen: Option<u64>) -> Result<(), StoreError> {
        for covers in found.iter().filter(|covers| Some(**covers) != chosen) {
            if chosen.is_some_and(|chosen| *covers < chosen) {
                self.remove(&snapshot_name(*covers))?;
            } else {
                self.report.damaged = true;
                self.set_aside(&snapshot_name(*covers))?;
            }
        }
        Ok(())
    }

    fn is_whole(&self, covers: u64) -> Result<bool, StoreError> {
        let file = self.open(&snapshot_name(covers))?;
        let mut reader = Reader::new(file.as_ref(), 0);
        let Some(header) = reader.header() else {
            return Ok(false);
        };
        while reader.next().is_some() {}
        let (bytes, records) = reader.place();
        let says = Header {
            kind: Kind::Snapshot,
            first: covers,
            records,
            bytes: bytes - HEADER_BYTES as u64,
        };
        Ok(header == says)
    }

    /// Hands over the records of a snapshot; of one that is not whole, those before the damage, and makes it a whole
    /// one of these.
    fn read_snapshot(&mut self, covers: u64, damaged: bool) -> Result<(), StoreError> {
        let name = snapshot_name(covers);
        let file = self.open(&name)?;
        let mut reader = Reader::new(file.as_ref(), 0);
        self.read_all(&mut reader, 0);
        let (bytes, records) = reader.place();
        if damaged {
            self.report.damaged = true;
            self.report.torn_bytes += reader.rest();
            let header = Header {
                kind: Kind::Snapshot,
                first: covers,
                records,
                bytes: bytes.saturating_sub(HEADER_BYTES as u64),
            };
            file.cut(bytes)
                .and_then(|()| file.write_at(&header.encode(), 0))
                .and_then(|()| file.sync())
                .map_err(self.failed("repairing", &name))?;
        }
        self.next = covers;
        self.files.snapshot = Some(SnapshotFile {
            name,
            covers,
            bytes: bytes.max(HEADER_BYTES as u64),
        });
        Ok(())
    }

    /// Hands over the records of the log files, as far as their numbers follow each other.
    fn logs(&mut self, chain_broken: bool) -> Result<(), StoreError> {
        let mut firsts: Vec<u64> = self.names.iter().filter_map(|name| first_of_log(name)).collect();
        firsts.sort_unstable();
        for (index, first) in firsts.iter().enumerate() {
            let is_replaced = firsts.get(index + 1).is_some_and(|after| *after <= self.next);
            if chain_broken || *first > self.next {
                // Behind a log file that lost its end to a power cut, a gap is no wonder.
                self.report.damaged |= chain_broken || self.files.logs.is_empty();
                self.set_aside(&log_name(*first))?;
            } else if is_replaced && self.files.snapshot.is_some() {
                self.remove(&log_name(*first))?;
            } else {
                self.read_log(*first)?;
            }
        }
        let last = self.files.logs.last();
        self.files.last_is_open = last.is_some_and(|log| log.end == self.next);
        Ok(())
    }

    fn read_log(&mut self, first: u64) -> Result<(), StoreError> {
        let name = log_name(first);
        let file = self.open(&name)?;
        let mut reader = Reader::new(file.as_ref(), first);
        if reader.header() != Some(Header::of_log(first)) {
            let bytes = file.bytes().unwrap_or(0);
            // A file that was just made when the power went has no header, and no record either.
            if bytes <= HEADER_BYTES as u64 {
                self.report.torn_bytes += bytes;
                return self.remove(&name);
            }
            self.report.damaged = true;
            if reader.next().is_none() {
                return self.set_aside(&name);
            }
            // The frames know their numbers: only the header has suffered.
            reader = Reader::new(file.as_ref(), first);
            file.write_at(&Header::of_log(first).encode(), 0)
                .map_err(self.failed("repairing", &name))?;
        }
        let before = self.next;
        self.read_all(&mut reader, before);
        let (bytes, end) = reader.place();
        if first < before && end <= before {
            // All of it is in the snapshot.
            return self.remove(&name);
        }
        let mut room = file.bytes().unwrap_or(bytes);
        let torn = reader.rest();
        if torn > 0 {
            self.report.torn_bytes += torn;
            self.report.damaged |= reader.is_damaged_here();
            file.cut(bytes).map_err(self.failed("repairing", &name))?;
            room = bytes;
        }
        self.next = before.max(end);
        self.files.logs.push(LogFile {
            file,
            first,
            end,
            synced: end,
            bytes,
            room,
            lost: None,
        });
        Ok(())
    }

    /// Hands over whole records, beginning with number `from`.
    fn read_all(&mut self, reader: &mut Reader<'_>, from: u64) {
        loop {
            let (_, number) = reader.place();
            let Some(record) = reader.next() else { return };
            if number >= from {
                self.report.records += 1;
                self.report.bytes += record.len() as u64;
                (self.each)(record);
            }
        }
    }

    /// What was read may be in the page cache only: from here on it counts as synced.
    fn sync(&self) -> Result<(), StoreError> {
        for log in &self.files.logs {
            log.file
                .sync()
                .map_err(self.failed("syncing", &log_name(log.first)))?;
        }
        self.disk.sync_names().map_err(self.failed("syncing", ""))
    }

    /// Keeps a file that is not used for whoever wants to look into it. Those of an earlier time go.
    fn set_aside(&mut self, name: &str) -> Result<(), StoreError> {
        if !std::mem::replace(&mut self.set_aside, true) {
            for old in self.names.iter().filter(|name| name.starts_with(BROKEN)) {
                self.remove(old)?;
            }
        }
        let bytes = self.open(name)?.bytes().unwrap_or(0);
        let broken = format!("{BROKEN}{name}");
        let path = self.disk.path(name);
        tracing::warn!(
            bytes,
            "{} is set aside as {broken}: it is damaged, or records are missing before it",
            path.display()
        );
        self.report.torn_bytes += bytes;
        self.disk
            .rename(name, &broken)
            .map_err(self.failed("renaming", name))
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.disk.remove(name).map_err(self.failed("removing", name))
    }

    fn open(&self, name: &str) -> Result<Arc<dyn DiskFile>, StoreError> {
        self.disk.open(name).map_err(self.failed("opening", name))
    }

    fn failed(&self, doing: &'static str, name: &str) -> impl FnOnce(io::Error) -> StoreError + use<> {
        StoreError::io(doing, self.disk.path(name))
    }
}

impl Recovery {
    /// Says in the log what was dropped.
    pub(super) fn tell(&self, dir: &Path) {
        let dir = dir.display();
        if self.damaged {
            tracing::error!(
                bytes = self.torn_bytes,
                "the record log {dir} is damaged, what comes behind is lost: check the disk"
            );
        } else if self.torn_bytes > 0 {
            tracing::warn!(
                bytes = self.torn_bytes,
                "the last write to the record log {dir} was cut short and is dropped"
            );
        }
    }
}
