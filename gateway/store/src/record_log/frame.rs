//! How the files of a record log look: a header, then frames.
//!
//! ```text
//! header    magic 8 | version 4 | kind 4 | first 8 | records 8 | bytes 8 | zeros 4 | crc32 4
//! frame     length 4 | crc32 4 | record
//! ```
//!
//! Numbers are little-endian. A header's checksum is over everything before it. A frame's is over the record's
//! number, its length and the record, so a frame is valid in its place only: neither zeros nor what an older
//! file left on the same blocks can look like one.

use crate::LogError;

/// Largest record, in bytes: one MQTT packet with its largest payload that any site here would allow, and
/// small enough that reading a damaged length never takes memory for more.
pub const MAX_LOG_RECORD_BYTES: usize = 16 * 1024 * 1024;
/// Bytes before the first frame.
pub(super) const HEADER_BYTES: usize = 48;
/// Bytes before a record.
pub(super) const FRAME_HEAD_BYTES: usize = 8;

const MAGIC: &[u8; 8] = b"roostlog";
/// Version of this layout.
const VERSION: u32 = 1;

/// What a file of the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records as they were appended.
    Log,
    /// Records that stand for all before a moment.
    Snapshot,
}

impl Kind {
    fn code(self) -> u32 {
        match self {
            Self::Log => 1,
            Self::Snapshot => 2,
        }
    }
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// What the file holds.
    pub(super) kind: Kind,
    /// Of a log: number of its first record. Of a snapshot: number of the first record that it does not
    /// stand for.
    pub(super) first: u64,
    /// Number of records in a snapshot; 0 for a log.
    pub(super) records: u64,
    /// Bytes of a snapshot's frames; 0 for a log.
    pub(super) bytes: u64,
}

impl Header {
    /// The header of a log whose first record has the number `first`.
    pub(super) fn of_log(first: u64) -> Self {
        Self {
            kind: Kind::Log,
            first,
            records: 0,
            bytes: 0,
        }
    }

    /// Its bytes.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.kind.code().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.records.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` if these bytes are not a whole one of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let crc = u32::from_le_bytes(array(bytes, 44)?);
        let version = u32::from_le_bytes(array(bytes, 8)?);
        if !bytes.starts_with(MAGIC) || version != VERSION || crc32fast::hash(&bytes[..44]) != crc {
            return None;
        }
        let code = u32::from_le_bytes(array(bytes, 12)?);
        Some(Self {
            kind: [Kind::Log, Kind::Snapshot]
                .into_iter()
                .find(|kind| kind.code() == code)?,
            first: u64::from_le_bytes(array(bytes, 16)?),
            records: u64::from_le_bytes(array(bytes, 24)?),
            bytes: u64::from_le_bytes(array(bytes, 32)?),
        })
    }
}

/// Puts a frame with a record made of `parts` at the end of `buffer`, with room for its checksum, which
/// [`seal`] fills in.
///
/// # Errors
/// [`LogError::TooLarge`]; then the buffer is as it was.
pub(super) fn push(buffer: &mut Vec<u8>, parts: &[&[u8]]) -> Result<(), LogError> {
    let bytes = record_bytes(parts)?;
    buffer.reserve(FRAME_HEAD_BYTES + bytes);
    // The limit is far below what the field can say.
    buffer.extend_from_slice(&(bytes as u32).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    for part in parts {
        buffer.extend_from_slice(part);
    }
    Ok(())
}

/// Length of a record made of `parts`.
///
/// # Errors
/// [`LogError::TooLarge`].
pub(super) fn record_bytes(parts: &[&[u8]]) -> Result<usize, LogError> {
    let bytes = parts.iter().map(|part| part.len()).sum();
    if bytes > MAX_LOG_RECORD_BYTES {
        return Err(LogError::TooLarge {
            bytes,
            max: MAX_LOG_RECORD_BYTES,
        });
    }
    Ok(bytes)
}

/// Fills in the checksums of frames that were [`push`]ed, the first of them with the number `first`. Returns how
/// many there are.
pub(super) fn seal(frames: &mut [u8], first: u64) -> u64 {
    let mut rest = frames;
    let mut number = first;
    while let Some((head, body)) = rest.split_at_mut_checked(FRAME_HEAD_BYTES) {
        let length = length(head);
        let (record, after) = body.split_at_mut(length.min(body.len()));
        head[4..].copy_from_slice(&checksum(number, record).to_le_bytes());
        number += 1;
        rest = after;
    }
    number - first
}

/// The length that a frame's head says.
pub(super) fn length(head: &[u8]) -> usize {
    array(head, 0).map_or(usize::MAX, |bytes| u32::from_le_bytes(bytes) as usize)
}

/// Whether a head and a record belong together, as the record with this number.
pub(super) fn is_whole(head: &[u8], number: u64, record: &[u8]) -> bool {
    array(head, 4).is_some_and(|bytes| u32::from_le_bytes(bytes) == checksum(number, record))
}

fn checksum(number: u64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(&(record.len() as u32).to_le_bytes());
    hasher.update(record);
    hasher.finalize()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_any_byte_changed_or_missing_is_none() {
        let header = Header {
            kind: Kind::Snapshot,
            first: 7,
            records: 3,
            bytes: 99,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        for at in 0..HEADER_BYTES {
            let mut damaged = bytes;
            damaged[at] ^= 4;
            assert_eq!(Header::decode(&damaged), None, "byte {at}");
            assert_eq!(Header::decode(&bytes[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_frame_is_valid_with_its_own_number_only() {
        let mut buffer = Vec::new();
        push(&mut buffer, &[b"ab", b"", b"c"]).unwrap();
        push(&mut buffer, &[]).unwrap();
        assert_eq!(seal(&mut buffer, 41), 2);
        assert_eq!(length(&buffer), 3);
        assert!(is_whole(&buffer[..8], 41, b"abc"));
        assert!(!is_whole(&buffer[..8], 42, b"abc"));
        assert!(!is_whole(&buffer[..8], 41, b"ab"));
        assert!(is_whole(&buffer[11..], 42, b""));
        assert!(!is_whole(&[0; 8], 0, b""), "zeros are not a frame");
    }

    #[test]
    fn a_record_over_the_limit_is_refused_and_leaves_nothing_behind() {
        let mut buffer = vec![1];
        let large = vec![0; MAX_LOG_RECORD_BYTES];
        assert!(matches!(
            push(&mut buffer, &[&large, b"x"]),
            Err(LogError::TooLarge { .. })
        ));
        assert_eq!(buffer, [1]);
    }
}
