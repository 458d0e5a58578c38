//! How the file of last values looks.
//!
//! ```text
//! header    one chunk of 16 KiB: HEADER, the rest zeros
//! chunk     16 KiB: slots of one class, as many as fit
//! slot      two copies, each of the size of its class: 128, 256, … 8192 bytes
//! copy      magic 4 | crc32 4 | stamp 8 | highest seq 8 | key length 2 | JSON length 2 |
//!           class 1 | copy 1 | zeros 2 | key | JSON
//! ```
//!
//! Numbers are little-endian. The checksum is over everything after it and over the copy's offset in the
//! file, so a copy is valid in its place only and nothing that a device sends can look like one. An empty key
//! means a free slot. Since each size divides the chunk, a copy up to 4 KiB never crosses a page: a process
//! that is killed can't tear it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The unit in which the file grows and is given to a class; the largest slot fills one.
pub(super) const CHUNK_BYTES: usize = 16 * 1024;
/// Number of classes.
pub(super) const CLASSES: usize = 7;
/// Smallest copy.
pub(super) const UNIT_BYTES: usize = 128;
/// Begins the file. The last byte is the version of the layout.
pub(super) const HEADER: &[u8; 20] = b"roost last values\xff\r\x01";

const MAGIC: [u8; 4] = [0xff, b'l', b'v', 0xfe];
/// Bytes before the key.
const HEAD_BYTES: usize = 32;

const _: () = assert!(copy_bytes(CLASSES as u8 - 1) * 2 == CHUNK_BYTES);
const _: () =
    assert!(copy_bytes(CLASSES as u8 - 1) >= HEAD_BYTES + super::MAX_KEY_BYTES + super::MAX_READING_BYTES);

/// Bytes of one copy.
const fn copy_bytes(class: u8) -> usize {
    UNIT_BYTES << class
}

/// The smallest class that has room for a key and a JSON text of together `bytes`, which the limits make sure
/// exists.
pub(super) fn class_for(bytes: usize) -> u8 {
    let last = CLASSES as u8 - 1;
    (0..last)
        .find(|class| copy_bytes(*class) >= HEAD_BYTES + bytes)
        .unwrap_or(last)
}

/// A slot in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Offset in the file, in units of [`UNIT_BYTES`].
    unit: u32,
    /// Size of its copies, as the power of two of units.
    pub(super) class: u8,
}

impl Place {
    /// The slots of a chunk at `offset` that was given to `class`.
    pub(super) fn all_of(offset: u64, class: u8) -> impl Iterator<Item = Place> {
        let first = u32::try_from(offset / UNIT_BYTES as u64).unwrap_or(u32::MAX);
        let units = 2_u32 << class;
        let count = (CHUNK_BYTES / (2 * copy_bytes(class))) as u32;
        (0..count).map(move |index| Place {
            unit: first.saturating_add(index * units),
            class,
        })
    }

    /// Offset of a copy in the file.
    pub(super) fn offset(self, copy: u8) -> u64 {
        u64::from(self.unit) * UNIT_BYTES as u64 + u64::from(copy) * copy_bytes(self.class) as u64
    }

    /// Bytes of one copy.
    pub(super) fn copy_bytes(self) -> usize {
        copy_bytes(self.class)
    }
}

/// What a copy holds. An empty key and no JSON for a free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content<'a> {
    /// Number of this write among all of the file.
    pub(super) stamp: u64,
    /// Highest sequence number of a reading at the time.
    pub(super) highest_seq: u64,
    /// The point.
    pub(super) key: &'a str,
    /// Its reading.
    pub(super) json: &'a [u8],
}

/// Writes one copy of a slot.
pub(super) fn write(file: &File, place: Place, copy: u8, content: &Content<'_>) -> io::Result<()> {
    let offset = place.offset(copy);
    let bytes = encode(place.class, copy, offset, content)?;
    file.write_all_at(&bytes, offset)
}

fn encode(class: u8, copy: u8, offset: u64, content: &Content<'_>) -> io::Result<Vec<u8>> {
    let total = HEAD_BYTES + content.key.len() + content.json.len();
    let (Ok(key_bytes), Ok(json_bytes)) = (
        u16::try_from(content.key.len()),
        u16::try_from(content.json.len()),
    ) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    if total > copy_bytes(class) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::with_capacity(total);
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    bytes.extend(content.stamp.to_le_bytes());
    bytes.extend(content.highest_seq.to_le_bytes());
    bytes.extend(key_bytes.to_le_bytes());
    bytes.extend(json_bytes.to_le_bytes());
    bytes.extend([class, copy, 0, 0]);
    bytes.extend(content.key.as_bytes());
    bytes.extend(content.json);
    let crc = checksum(&bytes[8..], offset);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

/// Reads the copy that begins at `bytes`, which stand at `offset` in the file. `None` if there is no valid
/// copy. Returns its class, too.
pub(super) fn decode(bytes: &[u8], offset: u64) -> Option<(u8, Content<'_>)> {
    if !bytes.starts_with(&MAGIC) {
        return None;
    }
    let crc = u32::from_le_bytes(array(bytes, 4)?);
    let stamp = u64::from_le_bytes(array(bytes, 8)?);
    let highest_seq = u64::from_le_bytes(array(bytes, 16)?);
    let key_end = HEAD_BYTES + usize::from(u16::from_le_bytes(array(bytes, 24)?));
    let json_end = key_end + usize::from(u16::from_le_bytes(array(bytes, 26)?));
    let [class, _copy]: [u8; 2] = array(bytes, 28)?;
    if usize::from(class) >= CLASSES || json_end > copy_bytes(class) {
        return None;
    }
    let covered = bytes.get(8..json_end)?;
    if checksum(covered, offset) != crc {
        return None;
    }
    let content = Content {
        stamp,
        highest_seq,
        key: std::str::from_utf8(bytes.get(HEAD_BYTES..key_end)?).ok()?,
        json: bytes.get(key_end..json_end)?,
    };
    Some((class, content))
}

fn checksum(covered: &[u8], offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(covered);
    hasher.finalize()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_valid_in_its_place_only() {
        let content = Content {
            stamp: 7,
            highest_seq: 9,
            key: "boiler/flow",
            json: b"{}",
        };
        let bytes = encode(1, 0, 16384, &content).unwrap();
        assert_eq!(decode(&bytes, 16384), Some((1, content)));
        assert_eq!(decode(&bytes, 16384 + 256), None);
        for byte in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 1;
            assert_eq!(decode(&damaged, 16384), None, "byte {byte}");
            assert_eq!(decode(&bytes[..byte], 16384), None, "{byte} bytes");
        }
    }

    #[test]
    fn slots_fill_their_chunk_and_small_copies_stay_within_a_page() {
        for class in 0..CLASSES as u8 {
            let places: Vec<Place> = Place::all_of(CHUNK_BYTES as u64, class).collect();
            let bytes = places.len() * 2 * copy_bytes(class);
            assert_eq!(bytes, CHUNK_BYTES, "class {class}");
            for (place, copy) in places.iter().flat_map(|place| [(place, 0), (place, 1)]) {
                let first = place.offset(copy);
                let last = first + place.copy_bytes() as u64 - 1;
                assert!(first / 4096 == last / 4096 || place.copy_bytes() > 4096);
            }
        }
        assert_eq!(class_for(96), 0);
        assert_eq!(class_for(97), 1);
        assert_eq!(class_for(256 + 4096), 6);
    }
}
