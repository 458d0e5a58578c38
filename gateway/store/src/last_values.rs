//! The newest reading of each point: survives restart, `kill -9` and power cuts, and spares the flash card.
//!
//! One file of slots that are overwritten in place. A slot belongs to one point and has two copies. A put
//! goes to the page cache at once, so it outlives the process; [`LastValues::commit`] brings everything to
//! the disk, as often as its owner wants to pay for it. Between two commits all puts to a point overwrite the
//! same copy and the other one stays as it was at the last commit, so a power cut, however it tears the copy
//! that was being written, leaves that one. `layout` says how the file looks.

mod layout;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roost_model::Reading;

use crate::StoreError;
use layout::{CHUNK_BYTES, CLASSES, Content, Place};

/// Longest key, in bytes: two names of 64 and a slash, with room to spare.
pub const MAX_KEY_BYTES: usize = 256;
/// Largest JSON form of a reading, in bytes. A larger one is refused and the point keeps the value it has
/// here.
pub const MAX_READING_BYTES: usize = 4096;

/// The newest reading of each point. All methods may be called from any thread; [`Self::commit`] blocks on
/// the disk.
#[derive(Debug)]
pub struct LastValues {
    path: PathBuf,
    file: Arc<File>,
    skipped: u64,
    /// Held by the one commit that is under way: another must not return before it.
    committing: Mutex<()>,
    state: Mutex<State>,
}

/// Where a point's value is.
#[derive(Debug, Clone, Copy)]
struct Slot {
    place: Place,
    /// The copy with the newest value: 0 or 1.
    newest: u8,
    /// The span between two commits in which the newest value was written.
    span: u32,
}

#[derive(Debug)]
struct State {
    slots: HashMap<Box<str>, Slot>,
    /// Free slots by class.
    free: [Vec<Place>; CLASSES],
    /// Chunks that no class has yet, by offset in the file.
    free_chunks: Vec<u64>,
    /// Slots whose value has moved to a larger one: free as soon as the larger one is on the disk.
    outgrown: Vec<Place>,
    /// Length of the file that is in use, a multiple of the chunk.
    end: u64,
    /// Stamp of the next write; of two copies the higher stamp is the newer.
    stamp: u64,
    /// Highest sequence number of a reading that was ever put here.
    highest_seq: u64,
    /// The span between two commits that is now.
    span: u32,
    /// The newest span that is on the disk.
    durable: u32,
    /// A sync has failed: nobody knows what is on the disk.
    failed: bool,
    /// Whether anything was written since the last commit began.
    dirty: bool,
}

impl LastValues {
    /// Opens the file, or begins a new one, and returns what it holds. A value that can't be read is skipped
    /// and counted; a file that is not one of ours is set aside as `<name>.broken-<n>`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if the file is open elsewhere; [`StoreError::Io`] if the directory can't be
    /// written. Nothing that stands in the file is an error.
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, Vec<(String, Reading)>), StoreError> {
        let path = path.as_ref();
        let (file, found) = scan::open(path)?;
        // What is only in the page cache must be on the disk before it may count as the copy that a power cut
        // leaves.
        file.sync_data().map_err(StoreError::io("syncing", path))?;
        let mut state = State {
            slots: HashMap::with_capacity(found.values.len()),
            free: found.free,
            free_chunks: found.free_chunks,
            outgrown: Vec::new(),
            end: found.end,
            stamp: found.highest_stamp.saturating_add(1),
            highest_seq: found.highest_seq,
            span: 1,
            durable: 0,
            failed: false,
            dirty: false,
        };
        let mut values = Vec::with_capacity(found.values.len());
        for (key, value) in found.values {
            let slot = Slot {
                place: value.place,
                newest: value.copy,
                span: 0,
            };
            state.slots.insert(key.as_str().into(), slot);
            values.push((key, value.reading));
        }
        for place in found.outdated {
            // Its point has a newer value elsewhere; if this fails it will be found outdated again.
            if state.mark_free(&file, place).is_ok() {
                state.free_of(place).push(place);
            }
        }
        let opened = Self {
            path: path.to_owned(),
            file: Arc::new(file),
            skipped: found.skipped,
            committing: Mutex::new(()),
            state: Mutex::new(state),
        };
        Ok((opened, values))
    }

    /// How many values the file held that could not be read when it was opened.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Highest sequence number of all readings that were put here, those of removed devices included. After a
    /// power cut, numbers given since the last commit may be missing: leave a gap.
    #[must_use]
    pub fn highest_seq(&self) -> u64 {
        self.state().highest_seq
    }

    /// Keeps `reading` as the newest of the point `key` (`device/point`). Outlives the process at once and a
    /// power cut after the next commit.
    ///
    /// # Errors
    /// [`StoreError::ReadingTooLarge`], or [`StoreError::Io`] if the disk is full; the point keeps the value
    /// it has here.
    pub fn put(&self, key: &str, reading: &Reading) -> Result<(), StoreError> {
        check_size(key, "key", key.len(), MAX_KEY_BYTES)?;
        let json = serde_json::to_vec(reading).map_err(|source| StoreError::Unwritable {
            table: "last values".to_owned(),
            key: key.to_owned(),
            source,
        })?;
        check_size(key, "reading", json.len(), MAX_READING_BYTES)?;
        let class = layout::class_for(key.len() + json.len());
        let mut state = self.state();
        if state.failed {
            return Err(StoreError::Failed);
        }
        let highest_seq = state.highest_seq.max(reading.seq);
        let content = Content {
            stamp: state.stamp,
            highest_seq,
            key,
            json: &json,
        };
        state
            .write_value(&self.file, content, class)
            .map_err(StoreError::io("writing", &self.path))?;
        state.highest_seq = highest_seq;
        Ok(())
    }

    /// Forgets all points of a device, durably when this returns. To be called when nothing puts its values
    /// any more.
    ///
    /// # Errors
    /// [`StoreError::Io`]; then some of the points may be back after a restart, until this is called again.
    pub fn remove_device(&self, device: &str) -> Result<(), StoreError> {
        // Slots that its values have outgrown hold older values of it, which must not come back.
        self.commit()?;
        let prefix = format!("{device}/");
        let failed = StoreError::io("writing", &self.path);
        {
            let mut state = self.state();
            let keys: Vec<Box<str>> = state
                .slots
                .keys()
                .filter(|key| key.starts_with(&prefix))
                .cloned()
                .collect();
            for key in keys {
                let Some(place) = state.slots.get(&key).map(|slot| slot.place) else {
                    continue;
                };
                if let Err(error) = state.mark_free(&self.file, place) {
                    return Err(failed(error));
                }
                state.slots.remove(&key);
                state.free_of(place).push(place);
            }
        }
        self.commit()
    }

    /// Brings everything that was put so far to the disk. Costs nothing if nothing was put since the last
    /// time. Puts go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Io`]. After that every commit and put fails: what the system could not write it may have thrown
    /// away, and a later sync that succeeds would prove nothing. Opening again shows what is there.
    pub fn commit(&self) -> Result<(), StoreError> {
        let _committing = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let (span, outgrown) = {
            let mut state = self.state();
            if state.failed {
                return Err(StoreError::Failed);
            }
            if !state.dirty {
                return Ok(());
            }
            state.dirty = false;
            let span = state.span;
            state.span += 1;
            (span, std::mem::take(&mut state.outgrown))
        };
        let synced = self.file.sync_data();
        let mut state = self.state();
        if let Err(error) = synced {
            state.failed = true;
            return Err(StoreError::io("syncing", &self.path)(error));
        }
        state.durable = state.durable.max(span);
        for place in outgrown {
            if let Err(error) = state.mark_free(&self.file, place) {
                state.outgrown.push(place);
                tracing::warn!(%error, "a slot of the last values can't be freed yet");
            } else {
                state.free_of(place).push(place);
            }
        }
        Ok(())
    }

    /// No method leaves the state half changed where it could panic, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn free_of(&mut self, place: Place) -> &mut Vec<Place> {
        &mut self.free[usize::from(place.class)]
    }

    /// Writes a point's value where it may go and takes note of it only after that has worked.
    fn write_value(&mut self, file: &File, content: Content<'_>, class: u8) -> io::Result<()> {
        let current = self.slots.get(content.key).copied();
        self.dirty = true;
        self.stamp += 1;
        if let Some(slot) = current.filter(|slot| slot.place.class >= class) {
            // The copy that a power cut would leave is not touched.
            let copy = if slot.span <= self.durable {
                1 - slot.newest
            } else {
                slot.newest
            };
            layout::write(file, slot.place, copy, &content)?;
            let written = Slot {
                place: slot.place,
                newest: copy,
                span: self.span,
            };
            if let Some(slot) = self.slots.get_mut(content.key) {
                *slot = written;
            }
            return Ok(());
        }
        let place = self.allocate(file, class)?;
        if let Err(error) = layout::write(file, place, 0, &content) {
            self.free_of(place).push(place);
            return Err(error);
        }
        let slot = Slot {
            place,
            newest: 0,
            span: self.span,
        };
        self.slots.insert(content.key.into(), slot);
        self.outgrown.extend(current.map(|slot| slot.place));
        Ok(())
    }

    /// A free slot of a class. Slots come from chunks that hold one class only, so what stands where stays
    /// known.
    fn allocate(&mut self, file: &File, class: u8) -> io::Result<Place> {
        if let Some(place) = self.free[usize::from(class)].pop() {
            return Ok(place);
        }
        let chunk = match self.free_chunks.pop() {
            Some(chunk) => chunk,
            None => {
                // Written, not left as a hole: later puts into it must not find the disk full.
                file.write_all_at(&[0; CHUNK_BYTES], self.end)?;
                let chunk = self.end;
                self.end += CHUNK_BYTES as u64;
                chunk
            }
        };
        let mut places: Vec<Place> = Place::all_of(chunk, class).collect();
        places.reverse();
        let first = places.pop();
        self.free[usize::from(class)].extend(places);
        first.ok_or_else(|| io::Error::other("a chunk without slots"))
    }

    /// Says in both copies of a slot that it is free.
    fn mark_free(&mut self, file: &File, place: Place) -> io::Result<()> {
        self.dirty = true;
        let content = Content {
            stamp: self.stamp,
            highest_seq: self.highest_seq,
            key: "",
            json: &[],
        };
        self.stamp += 1;
        layout::write(file, place, 0, &content)?;
        layout::write(file, place, 1, &content)
    }
}

fn check_size(key: &str, what: &'static str, bytes: usize, max: usize) -> Result<(), StoreError> {
    if bytes <= max {
        return Ok(());
    }
    Err(StoreError::ReadingTooLarge {
        key: key.chars().take(MAX_KEY_BYTES).collect(),
        what,
        bytes,
        max,
    })
}
