//! Uploads: files that a page sends, chunk by chunk, straight to the disk.

use std::path::PathBuf;
use std::time::Duration;

/// What may be sent under one name, and how.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Endings with a dot (`.bin`) or media types (`image/*`) that are taken; empty takes all.
    pub accept: Vec<String>,
    /// Most files at once.
    pub max_entries: usize,
    /// Most bytes of one file. A bigger one is refused before its first byte.
    pub max_file_size: u64,
    /// Bytes of one chunk. The next is sent when the last was taken, so that big chunks make a fast upload.
    pub chunk_size: u32,
    /// How long a chunk may be on its way.
    pub chunk_timeout: Duration,
    /// Whether files are sent as soon as they are chosen, not when the form is submitted.
    pub auto_upload: bool,
}

impl Default for UploadOptions {
    /// One file of at most 8 MB in chunks of 64 kB, as in Phoenix.
    fn default() -> Self {
        Self {
            accept: Vec::new(),
            max_entries: 1,
            max_file_size: 8_000_000,
            chunk_size: 64_000,
            chunk_timeout: Duration::from_secs(10),
            auto_upload: false,
        }
    }
}

/// Why an upload or one of its files is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadError {
    /// More bytes than `max_file_size`.
    TooLarge,
    /// More files than `max_entries`.
    TooManyFiles,
    /// None of the kinds in `accept`.
    NotAccepted,
    /// The file could not be written or was cut off.
    Failed,
}

/// One file.
#[derive(Debug)]
pub struct Entry {
    /// The client's name for it, unique within the upload.
    pub reference: String,
    /// The file's name, as the client says.
    pub name: String,
    /// Its media type, as the client says.
    pub media_type: String,
    /// Its size in bytes, as the client says; no more are taken.
    pub size: u64,
    /// Percent, 0 to 100.
    pub progress: u8,
    /// Whether all of it is here.
    pub done: bool,
    /// Why it is refused.
    pub error: Option<UploadError>,
}

/// The files under one name.
#[derive(Debug)]
pub struct Upload {
    name: String,
    options: UploadOptions,
    reference: String,
    entries: Vec<Entry>,
}

/// A file that is here. Unless it is moved elsewhere, it goes when the view ends.
#[derive(Debug)]
pub struct Consumed {
    /// What the client said of it.
    pub entry: Entry,
    /// Where it lies.
    pub path: PathBuf,
}

impl Upload {
    pub(crate) fn new(name: &str, options: UploadOptions) -> Self {
        Self {
            name: name.to_owned(),
            options,
            reference: String::new(),
            entries: Vec::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What may be sent.
    #[must_use]
    pub fn options(&self) -> &UploadOptions {
        &self.options
    }

    /// The id of its `<input>`.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The files, in the order chosen.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
