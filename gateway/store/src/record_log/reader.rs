//! Reads the frames of a file one after the other, as far as they are whole.

use super::disk::DiskFile;
use super::frame::{self, FRAME_HEAD_BYTES, HEADER_BYTES, Header, MAX_LOG_RECORD_BYTES};

/// Bytes read at once.
const WINDOW_BYTES: usize = 64 * 1024;

/// A place in a file, before a frame.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: &'a dyn DiskFile,
    bytes: u64,
    at: u64,
    number: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Reader<'a> {
    /// Stands before the first frame, whose record has the number `first`. A file whose length can't be read
    /// counts as empty.
    pub(super) fn new(file: &'a dyn DiskFile, first: u64) -> Self {
        Self {
            file,
            bytes: file.bytes().unwrap_or(0),
            at: HEADER_BYTES as u64,
            number: first,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// The file's header, if it is whole.
    pub(super) fn header(&mut self) -> Option<Header> {
        self.see(0, HEADER_BYTES).and_then(Header::decode)
    }

    /// The next record, if it is whole; then this stands behind it.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let (at, number) = (self.at, self.number);
        let length = frame::length(self.see(at, FRAME_HEAD_BYTES)?);
        if length > MAX_LOG_RECORD_BYTES {
            return None;
        }
        let total = FRAME_HEAD_BYTES + length;
        let (head, record) = self.see(at, total)?.split_at_checked(FRAME_HEAD_BYTES)?;
        if !frame::is_whole(head, number, record) {
            return None;
        }
        self.at += total as u64;
        self.number += 1;
        self.see(at, total)?.get(FRAME_HEAD_BYTES..)
    }

    /// Behind the last record that was whole: offset in the file, and number of the record that comes next.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.at.min(self.bytes), self.number)
    }

    /// Bytes from here to the last one that is not zero: zeros are room that was taken in advance.
    pub(super) fn rest(&mut self) -> u64 {
        let mut at = self.at;
        let mut end = at;
        while at < self.bytes {
            let length = (self.bytes - at).min(WINDOW_BYTES as u64);
            let Some(seen) = self.see(at, length as usize) else {
                return self.bytes - self.at;
            };
            if let Some(last) = seen.iter().rposition(|byte| *byte != 0) {
                end = at + last as u64 + 1;
            }
            at += length;
        }
        end - self.at
    }

    /// Whether what stands here can't come from a write that was cut: behind it there is a whole frame.
    pub(super) fn is_damaged_here(&mut self) -> bool {
        let Some(length) = self.see(self.at, FRAME_HEAD_BYTES).map(frame::length) else {
            return false;
        };
        let mut behind = Reader::new(self.file, self.number + 1);
        behind.at = self.at + (FRAME_HEAD_BYTES + length.min(MAX_LOG_RECORD_BYTES)) as u64;
        behind.next().is_some()
    }

    /// These bytes of the file; `None` if they are beyond its end or the disk does not give them.
    fn see(&mut self, at: u64, length: usize) -> Option<&[u8]> {
        if at + length as u64 > self.bytes {
            return None;
        }
        let seen = self.window_at..self.window_at + self.window.len() as u64;
        if !seen.contains(&at) || at + length as u64 > seen.end {
            let rest = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
            self.window.resize(length.max(WINDOW_BYTES).min(rest), 0);
            self.window_at = at;
            if self.file.read_at(&mut self.window, at).is_err() {
                self.window.clear();
                return None;
            }
        }
        let from = usize::try_from(at - self.window_at).ok()?;
        self.window.get(from..from + length)
    }
}
