//! One file of an upload, from its choice to its end.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Receiving, Table, UploadOptions};

/// Most bytes of what a client says of a file: its name, its type.
pub const NAME_BYTES: usize = 255;

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadError {
    /// More bytes than `max_file_size`.
    TooLarge,
    /// None of the kinds in `accept`.
    NotAccepted,
    /// All files on their way take as much room as the site has for them.
    NoRoom,
    /// It was broken off, or could not be written.
    Failed,
}

impl UploadError {
    /// As clients know it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotAccepted => "not_accepted",
            Self::NoRoom => "no_room",
            Self::Failed => "external_client_failure",
        }
    }
}

/// A file as the client describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ClientEntry {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default, rename = "type")]
    pub(crate) media_type: String,
    #[serde(default)]
    pub(crate) size: u64,
}

/// One file of an upload.
#[derive(Debug)]
pub struct Entry {
    reference: String,
    name: String,
    media_type: String,
    size: u64,
    progress: u8,
    done: bool,
    error: Option<UploadError>,
    receiving: Option<Arc<Receiving>>,
}

impl Entry {
    pub(super) fn new(said: ClientEntry, options: &UploadOptions) -> Self {
        let error = if said.size > options.max_file_size {
            Some(UploadError::TooLarge)
        } else if !is_accepted(&said, &options.accept) {
            Some(UploadError::NotAccepted)
        } else {
            None
        };
        Self {
            reference: cut(said.reference),
            name: cut(said.name),
            media_type: cut(said.media_type),
            size: said.size,
            progress: 0,
            done: false,
            error,
            receiving: None,
        }
    }

    /// The client's name for it, unique within the upload.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The file's name, as the client says. No path: do not make one of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its media type, as the client says.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its size in bytes, as the client says. No more are taken, and it is not done with fewer.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Percent, 0 to 100.
    #[must_use]
    pub fn progress(&self) -> u8 {
        self.progress
    }

    /// Whether all of it is here.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Why it is refused.
    #[must_use]
    pub fn error(&self) -> Option<UploadError> {
        self.error
    }

    /// Where it lies, once it is done.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.receiving.as_deref().filter(|_| self.done)?.path()
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.receiving.is_some()
    }

    /// Makes room for it. Returns the token by which the client may send it.
    pub(super) fn allow(
        &mut self,
        table: &Table,
        owner: u64,
        options: &UploadOptions,
    ) -> Result<String, UploadError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let opened = table.open(owner, self.size, options);
        let (receiving, token) = opened.inspect_err(|error| self.error = Some(*error))?;
        self.receiving = Some(receiving);
        Ok(token)
    }

    /// Takes the room back: its token leads nowhere any more.
    pub(super) fn disallow(&mut self) {
        self.receiving = None;
    }

    pub(super) fn set_progress(&mut self, progress: &Value) {
        let complete = self
            .receiving
            .as_ref()
            .is_some_and(|receiving| receiving.is_complete());
        match progress.as_u64() {
            Some(100) if complete => {
                self.progress = 100;
                self.done = true;
            }
            Some(percent) if percent < 100 => self.progress = u8::try_from(percent).unwrap_or(0),
            // It says that it failed, or that all is sent what never came.
            _ => {
                let no_room = progress["error"] == UploadError::NoRoom.word();
                let error = if no_room {
                    UploadError::NoRoom
                } else {
                    UploadError::Failed
                };
                self.error = Some(error);
                self.receiving = None;
            }
        }
    }
}

fn cut(mut text: String) -> String {
    let end = (0..=NAME_BYTES.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

/// Whether a file is of a kind that is taken: by the ending of its name or by its media type.
fn is_accepted(said: &ClientEntry, accept: &[String]) -> bool {
    let name = said.name.to_ascii_lowercase();
    let media_type = said.media_type.to_ascii_lowercase();
    let accepts = |kind: &String| {
        let kind = kind.to_ascii_lowercase();
        match kind.strip_suffix("/*") {
            Some(family) => media_type.split('/').next() == Some(family),
            None if kind.starts_with('.') => name.ends_with(&kind),
            None => media_type == kind,
        }
    };
    accept.is_empty() || accept.iter().any(accepts)
}
