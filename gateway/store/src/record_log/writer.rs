//! The thread that writes what was appended: one write for everything that waits.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::compaction;
use super::disk::DiskFile;
use super::files::{LogFile, log_name};
use super::frame::{self, HEADER_BYTES, Header};
use super::shared::Shared;
use crate::LogError;

/// Where the next frames go.
struct Target {
    file: Arc<dyn DiskFile>,
    first: u64,
    at: u64,
    room: u64,
}

/// Says at its end, whatever the reason, that nothing more will be written.
struct LastWord<'a>(&'a Shared);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.0.queue.close();
        self.0.written.stop_at(self.0.written.reached(), LogError::Closed);
    }
}

/// Writes until the queue is closed and empty, or closed and the disk takes no more.
pub(super) fn run(shared: &Arc<Shared>) {
    let _last_word = LastWord(shared);
    let mut spare = Vec::new();
    while let Some(mut batch) = shared.queue.next(spare) {
        let number = shared.written.reached();
        let end = number + frame::seal(&mut batch.frames, number);
        if !write_in_the_end(shared, &mut batch.frames, number, end) {
            return;
        }
        if let Some(chunks) = batch.snapshot {
            shared.files().begin_new_log();
            compaction::start(shared, chunks, end);
        }
        spare = batch.frames;
    }
}

/// Writes frames, and tries again as long as the disk does not take them. False if the log was closed before it did.
fn write_in_the_end(shared: &Shared, frames: &mut Vec<u8>, number: u64, end: u64) -> bool {
    let (mut failed, mut last) = (false, false);
    loop {
        let Err(error) = write(shared, frames, number, end) else {
            if failed {
                tracing::info!(dir = %shared.path("").display(), "the record log is written again");
            }
            return true;
        };
        shared.count_error();
        if !std::mem::replace(&mut failed, true) {
            tracing::error!("{error}; the records wait in memory");
        }
        shared.written.stop_at(number, error.clone());
        if last {
            tracing::error!(
                records = end - number,
                "not written when the log was closed: {error}"
            );
            return false;
        }
        last = !shared.queue.pause(shared.options.retry_write_after);
    }
}

fn write(shared: &Shared, frames: &mut Vec<u8>, number: u64, end: u64) -> Result<(), LogError> {
    if frames.is_empty() {
        return Ok(());
    }
    let mut target = target(shared, number)?;
    let written = target.write(frames, shared.options.room_bytes);
    let mut files = shared.files();
    if let Some(log) = files.log(target.first) {
        log.room = target.room;
    }
    if let Err(error) = written {
        return Err(LogError::unwritten(&shared.path(&log_name(target.first)), &error));
    }
    if let Some(log) = files.log(target.first) {
        log.end = end;
        log.bytes = target.at + frames.len() as u64;
    }
    if files.unsynced_since.is_none() {
        files.unsynced_since = Some(Instant::now());
        shared.sync_wake.notify_one();
    }
    shared.weigh(&files);
    drop(files);
    // First, so that who has waited for it finds its room free.
    shared.queue.done();
    shared.written.reach(end);
    Ok(())
}

impl Target {
    /// Writes frames. When the file has to grow it grows by some room for the next ones: a sync of a file that has
    /// not grown is one write, otherwise the file system adds several of its own.
    fn write(&mut self, frames: &mut Vec<u8>, room_bytes: u32) -> io::Result<()> {
        let length = frames.len();
        let end = self.at + length as u64;
        if end > self.room && room_bytes > 0 {
            let room = end.next_multiple_of(u64::from(room_bytes));
            frames.resize(length + (room - end) as usize, 0);
            let written = self.put(frames);
            frames.truncate(length);
            if written.is_ok() {
                return written;
            }
        }
        self.put(frames)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_at(bytes, self.at) {
            // A part of it may be there. A reader would stop in front of it anyway, so this need not succeed.
            let _cut = self.file.cut(self.at);
            self.room = self.at;
            return Err(error);
        }
        self.room = self.room.max(self.at + bytes.len() as u64);
        Ok(())
    }
}

/// The file that takes more, or a new one that begins with this record.
fn target(shared: &Shared, number: u64) -> Result<Target, LogError> {
    if let Some(target) = open_target(shared) {
        return Ok(target);
    }
    let name = log_name(number);
    let made = make(shared, &name, number);
    let file = made.map_err(|error| LogError::unwritten(&shared.path(&name), &error))?;
    let mut files = shared.files();
    files.logs.push(LogFile {
        file: Arc::clone(&file),
        first: number,
        end: number,
        synced: number,
        bytes: HEADER_BYTES as u64,
        room: HEADER_BYTES as u64,
        lost: None,
    });
    files.last_is_open = true;
    files.new_names = true;
    Ok(Target {
        file,
        first: number,
        at: HEADER_BYTES as u64,
        room: HEADER_BYTES as u64,
    })
}

fn open_target(shared: &Shared) -> Option<Target> {
    let files = shared.files();
    let log = files.logs.last().filter(|_| files.last_is_open)?;
    Some(Target {
        file: Arc::clone(&log.file),
        first: log.first,
        at: log.bytes,
        room: log.room,
    })
}

fn make(shared: &Shared, name: &str, first: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = shared.disk.create(name)?;
    file.write_at(&Header::of_log(first).encode(), 0)
        .inspect_err(|_| {
            // What is left of it has no header and would be taken for what it is.
            let _removed = shared.disk.remove(name);
        })?;
    Ok(file)
}
