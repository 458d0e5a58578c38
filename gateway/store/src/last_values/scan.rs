//! Opening the file of last values: whatever stands in it, the gateway starts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use roost_model::Reading;

use super::layout::{self, CHUNK_BYTES, CLASSES, HEADER, Place, UNIT_BYTES};
use crate::StoreError;

/// Most files that are set aside before the oldest name is used again: a broken card must not fill itself up.
const MAX_BROKEN: u32 = 8;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) values: HashMap<String, FoundValue>,
    pub(super) free: [Vec<Place>; CLASSES],
    pub(super) free_chunks: Vec<u64>,
    /// Slots whose point has a newer value in another slot.
    pub(super) outdated: Vec<Place>,
    pub(super) highest_stamp: u64,
    pub(super) highest_seq: u64,
    pub(super) end: u64,
    /// Slots in which neither copy could be read, though something had been written there.
    pub(super) skipped: u64,
}

/// The newest value of a point and where it stands.
#[derive(Debug)]
pub(super) struct FoundValue {
    pub(super) place: Place,
    pub(super) copy: u8,
    pub(super) stamp: u64,
    pub(super) reading: Reading,
}

/// Opens, locks and reads the file; one that is not ours is set aside and a new one begun.
pub(super) fn open(path: &Path) -> Result<(File, Found), StoreError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(StoreError::io("making", parent))?;
    }
    if path.exists() {
        if !path.is_dir() {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .map_err(StoreError::io("opening", path))?;
            lock(&file, path)?;
            match read(&file) {
                Ok(Some(found)) => return Ok((file, found)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, path = %path.display(), "the last values can't be read"),
            }
        }
        set_aside(path)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(StoreError::io("making", path))?;
    lock(&file, path)?;
    let mut header = vec![0; CHUNK_BYTES];
    header[..HEADER.len()].copy_from_slice(HEADER);
    file.write_all_at(&header, 0)
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_parent(path))
        .map_err(StoreError::io("writing", path))?;
    let found = Found {
        end: CHUNK_BYTES as u64,
        ..Found::default()
    };
    Ok((file, found))
}

fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StoreError::io("locking", path)(source)),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Renames what stands in the way. An empty file is what a power cut leaves of a new one, and is not worth
/// keeping.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
        return fs::remove_file(path).map_err(StoreError::io("removing", path));
    }
    let name = |number: u32| -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".broken-{number}"));
        name.into()
    };
    let aside = (1..MAX_BROKEN)
        .map(name)
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| name(MAX_BROKEN));
    tracing::warn!(path = %path.display(), aside = %aside.display(), "not a file of last values; set aside");
    if aside.is_dir() {
        fs::remove_dir_all(&aside).map_err(StoreError::io("removing", &aside))?;
    }
    fs::rename(path, &aside).map_err(StoreError::io("setting aside", path))
}

/// Reads the file. `None` if it is not one of ours.
fn read(file: &File) -> io::Result<Option<Found>> {
    let length = file.metadata()?.len();
    let mut chunk = vec![0; CHUNK_BYTES];
    read_padded(file, &mut chunk, 0)?;
    if !chunk.starts_with(HEADER) {
        return Ok(None);
    }
    let mut found = Found {
        end: CHUNK_BYTES as u64,
        ..Found::default()
    };
    while found.end < length {
        read_padded(file, &mut chunk, found.end)?;
        read_chunk(&chunk, &mut found);
        found.end += CHUNK_BYTES as u64;
    }
    Ok(Some(found))
}

/// Fills `buffer` from `offset` on; what is beyond the end of the file reads as zeros.
fn read_padded(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer[filled..].fill(0);
    Ok(())
}

/// Reads the chunk at `found.end`. Its class is what its newest valid copy says.
fn read_chunk(chunk: &[u8], found: &mut Found) {
    let offset = found.end;
    let class = (0..CHUNK_BYTES)
        .step_by(UNIT_BYTES)
        .filter_map(|at| layout::decode(&chunk[at..], offset + at as u64))
        .max_by_key(|(_, content)| content.stamp)
        .map(|(class, _)| class);
    let Some(class) = class else {
        found.free_chunks.push(offset);
        found.skipped += u64::from(chunk.iter().any(|byte| *byte != 0));
        return;
    };
    for place in Place::all_of(offset, class) {
        read_slot(chunk, place, found);
    }
}

/// Reads both copies of a slot and takes note of the newer one.
fn read_slot(chunk: &[u8], place: Place, found: &mut Found) {
    let bytes_of = |copy: u8| {
        let begin = usize::try_from(place.offset(copy) - found.end).unwrap_or(CHUNK_BYTES);
        chunk.get(begin..begin + place.copy_bytes()).unwrap_or_default()
    };
    let newest = [0_u8, 1]
        .into_iter()
        .filter_map(|copy| {
            let (class, content) = layout::decode(bytes_of(copy), place.offset(copy))?;
            (class == place.class).then_some((copy, content))
        })
        .max_by_key(|(_, content)| content.stamp);
    let Some((copy, content)) = newest else {
        let touched = [0, 1]
            .into_iter()
            .any(|copy| bytes_of(copy).iter().any(|byte| *byte != 0));
        found.skipped += u64::from(touched);
        found.free[usize::from(place.class)].push(place);
        return;
    };
    found.highest_stamp = found.highest_stamp.max(content.stamp);
    found.highest_seq = found.highest_seq.max(content.highest_seq);
    if content.key.is_empty() {
        found.free[usize::from(place.class)].push(place);
        return;
    }
    let Ok(reading) = serde_json::from_slice(content.json) else {
        found.skipped += 1;
        found.outdated.push(place);
        return;
    };
    let value = FoundValue {
        place,
        copy,
        stamp: content.stamp,
        reading,
    };
    match found.values.entry(content.key.to_owned()) {
        Entry::Vacant(entry) => {
            entry.insert(value);
        }
        Entry::Occupied(mut entry) if entry.get().stamp < value.stamp => {
            found.outdated.push(entry.insert(value).place);
        }
        Entry::Occupied(_) => found.outdated.push(place),
    }
}
