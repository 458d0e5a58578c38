//! A disk in memory that is full, refuses, hangs or loses its power when a test says so.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::super::disk::{Disk, DiskFile};

/// Unit in which a power cut takes or leaves what was not synced.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone, Default)]
pub(super) struct MemDisk {
    all: Arc<All>,
}

#[derive(Debug, Default)]
struct All {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Clone, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    /// Names on the disk, and what was done to them since.
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    faults: Faults,
    syncs: usize,
    /// The disk as it was after each change, if asked for.
    history: Option<Vec<MemDisk>>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(String, usize),
    Move(String, String),
    Remove(String),
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// A sync has failed: what was to be synced then never will be, and later syncs say nothing about it.
    lost: bool,
}

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// Bytes that all files together may have.
    pub(super) room: Option<usize>,
    /// Syncs fail.
    pub(super) no_sync: bool,
    /// Writes hang.
    pub(super) writes_hang: bool,
    /// Syncs hang.
    pub(super) syncs_hang: bool,
    /// From this offset on nothing can be read.
    pub(super) unreadable_from: Option<u64>,
}

#[derive(Debug)]
struct MemFile {
    disk: MemDisk,
    index: usize,
}

fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Set(name, index) => {
            names.insert(name.clone(), *index);
        }
        NameChange::Move(from, to) => {
            let index = names.remove(from).unwrap();
            names.insert(to.clone(), index);
        }
        NameChange::Remove(name) => {
            names.remove(name);
        }
    }
}

impl MemDisk {
    /// A disk with these files, all of them durable.
    pub(super) fn with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let disk = Self::default();
        for (name, now) in files {
            let mut state = disk.state();
            let index = state.files.len();
            let synced = now.clone();
            state.files.push(Content {
                now,
                synced,
                lost: false,
            });
            state.names.insert(name.clone(), index);
            state.durable_names.insert(name, index);
        }
        disk
    }

    /// The files as a process sees them: what is left when it is killed.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let names = state.names.iter();
        names
            .map(|(name, index)| (name.clone(), state.files[*index].now.clone()))
            .collect()
    }

    /// The disk after the process was killed: what is not synced still is not, but is there.
    pub(super) fn after_kill(&self) -> Self {
        let mut left = self.state().clone();
        left.faults = Faults::default();
        left.history = None;
        // Known limit: a sync that fails and a kill before the next compaction. Nobody can tell any more.
        left.files.iter_mut().for_each(|file| file.lost = false);
        let disk = Self::default();
        *disk.state() = left;
        disk
    }

    /// The disk after a power cut. Of what was not synced, `keep` says what has reached it all the same.
    pub(super) fn after_power_cut(&self, mut keep: impl FnMut() -> bool) -> Self {
        let state = self.state();
        let mut names = state.durable_names.clone();
        for change in state.name_changes.iter().take_while(|_| keep()) {
            apply(&mut names, change);
        }
        let files: Vec<_> = names
            .into_iter()
            .map(|(name, index)| (name, state.files[index].after_power_cut(&mut keep)))
            .collect();
        drop(state);
        Self::with(files)
    }

    /// Changes what goes wrong, and lets go on what hangs no more.
    pub(super) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
        self.all.released.notify_all();
    }

    /// Number of syncs of files that were asked for.
    pub(super) fn syncs(&self) -> usize {
        self.state().syncs
    }

    /// From now on remembers the disk after each change.
    pub(super) fn remember(&self) {
        self.state().history = Some(Vec::new());
    }

    /// What was remembered.
    pub(super) fn history(&self) -> Vec<MemDisk> {
        self.state().history.take().unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.all.state.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        let result = change(&mut state);
        if let Some(mut history) = state.history.take() {
            let copy = MemDisk::default();
            *copy.state() = state.clone();
            history.push(copy);
            state.history = Some(history);
        }
        result
    }

    fn change_name(&self, change: NameChange) -> io::Result<()> {
        self.change(|state| {
            apply(&mut state.names, &change);
            state.name_changes.push(change);
            Ok(())
        })
    }

    fn wait_while(&self, hangs: impl Fn(&Faults) -> bool) {
        let state = self.state();
        let waited = self.all.released.wait_while(state, |state| hangs(&state.faults));
        drop(waited.unwrap());
    }
}

impl Content {
    fn after_power_cut(&self, keep: &mut impl FnMut() -> bool) -> Vec<u8> {
        let mut left = self.synced.clone();
        if keep() {
            left.resize(self.now.len(), 0);
        }
        let sectors = left.chunks_mut(SECTOR_BYTES).zip(self.now.chunks(SECTOR_BYTES));
        for (sector, now) in sectors {
            if sector != now && keep() {
                let length = sector.len().min(now.len());
                sector[..length].copy_from_slice(&now[..length]);
            }
        }
        left
    }
}

impl Disk for MemDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let index = self.change(|state| {
            if state.faults.room == Some(0) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.files.push(Content::default());
            Ok(state.files.len() - 1)
        })?;
        self.change_name(NameChange::Set(name.to_owned(), index))?;
        let disk = self.clone();
        Ok(Arc::new(MemFile { disk, index }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let index = self.state().names.get(name).copied();
        let index = index.ok_or(io::ErrorKind::NotFound)?;
        let disk = self.clone();
        Ok(Arc::new(MemFile { disk, index }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change_name(NameChange::Move(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if !self.state().names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change_name(NameChange::Remove(name.to_owned()))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.wait_while(|faults| faults.syncs_hang);
        self.change(|state| {
            if state.faults.no_sync {
                return Err(io::Error::other("the disk is gone"));
            }
            state.durable_names = state.names.clone();
            state.name_changes.clear();
            Ok(())
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("memory").join(name)
    }
}

impl DiskFile for MemFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.index].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.state();
        let end = offset as usize + buffer.len();
        if state.faults.unreadable_from.is_some_and(|from| end as u64 > from) {
            return Err(io::Error::other("a bad block"));
        }
        let now = &state.files[self.index].now;
        buffer.copy_from_slice(&now[offset as usize..end]);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.wait_while(|faults| faults.writes_hang);
        self.disk.change(|state| {
            let used: usize = state
                .names
                .values()
                .map(|index| state.files[*index].now.len())
                .sum();
            let offset = offset as usize;
            let now = &mut state.files[self.index].now;
            let most = state
                .faults
                .room
                .map_or(usize::MAX, |room| now.len() + room.saturating_sub(used));
            let end = (offset + bytes.len()).min(most.max(now.len()));
            let fits = &bytes[..end.saturating_sub(offset)];
            if fits.is_empty() {
                return if bytes.is_empty() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::StorageFull.into())
                };
            }
            now.resize(now.len().max(end), 0);
            now[offset..offset + fits.len()].copy_from_slice(fits);
            if fits.len() < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        })
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.disk.change(|state| {
            state.files[self.index].now.truncate(bytes as usize);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let begun = self.disk.state().files[self.index].now.clone();
        self.disk.wait_while(|faults| faults.syncs_hang);
        self.disk.change(|state| {
            state.syncs += 1;
            let file = &mut state.files[self.index];
            if state.faults.no_sync {
                file.lost = true;
                return Err(io::Error::other("the disk is gone"));
            }
            if !file.lost {
                file.synced = begun;
            }
            Ok(())
        })
    }
}
