//! Uploads: files that a page sends, chunk by chunk, straight to the disk.
//!
//! The client says first what it has (`uploads` of a form's change), then asks to send it (`allow_upload`) and gets a
//! token for each file that is taken. With that it joins `lvu:<entry>` and sends chunks, each after the one before was
//! taken. What is too big is refused before its first byte; what lies about its size at the byte that is too many.

mod channel;
mod entry;
mod receiving;
mod table;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::html;
use crate::render::Rendered;

pub use entry::{Entry, NAME_BYTES, UploadError};

pub(crate) use channel::UploadChannel;
pub(crate) use entry::ClientEntry;
pub(crate) use receiving::Receiving;
pub(crate) use table::Table;
pub use table::{EXPECTED, FILES, SHARE, UPLOAD_BYTES};

/// Most files that a client may name under one upload, taken or not, unless the upload takes as many: then one more, so
/// that the page can say that it is too many.
pub const ENTRIES: usize = 100;

/// What may be sent under one name, and how.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Endings with a dot (`.bin`) or media types (`image/png`, `image/*`) that are taken; empty takes all.
    pub accept: Vec<String>,
    /// Most files at once. One connection has a [`SHARE`] of [`FILES`] that lie here and are not consumed.
    pub max_entries: usize,
    /// Most bytes of one file. A bigger one is refused before its first byte.
    pub max_file_size: u64,
    /// Bytes of one chunk, at least 1. The next is sent when the last was taken, so that big chunks make a fast upload.
    /// A chunk with some 100 bytes before it is one message: beyond `Limits::message_bytes` (1 MiB unless said
    /// otherwise) it would end the connection with 1009.
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

/// The files under one name.
#[derive(Debug)]
pub struct Upload {
    name: String,
    options: UploadOptions,
    reference: String,
    /// The connection whose room the files take.
    owner: u64,
    entries: Vec<Entry>,
    too_many: bool,
}

impl Upload {
    pub(crate) fn new(owner: u64, view: &str, name: &str, mut options: UploadOptions) -> Self {
        options.chunk_size = options.chunk_size.max(1);
        Self {
            name: name.to_owned(),
            options,
            // The same in the dead render and after a rejoin.
            reference: format!("{view}-{name}"),
            owner,
            entries: Vec::new(),
            too_many: false,
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

    /// Whether more files were chosen than [`UploadOptions::max_entries`].
    #[must_use]
    pub fn has_too_many(&self) -> bool {
        self.too_many
    }

    /// Its `<input>`. It belongs into a form with `phx-change` and `phx-submit`.
    #[must_use]
    pub fn input(&self) -> Rendered {
        let accept = (!self.options.accept.is_empty()).then(|| self.options.accept.join(","));
        html! {
            <input type="file" id={&self.reference} name={&self.name} accept={accept}
                data-phx-hook="Phoenix.LiveFileUpload"
                data-phx-upload-ref={&self.reference}
                data-phx-active-refs={self.references(|_| true)}
                data-phx-done-refs={self.references(Entry::is_done)}
                data-phx-preflighted-refs={self.references(Entry::is_allowed)}
                data-phx-error-refs={self.wrong()}
                data-phx-auto-upload={self.options.auto_upload}
                multiple={self.options.max_entries > 1}/>
        }
    }

    /// The picture in a file that is chosen, shown by the browser before any of it is sent.
    #[must_use]
    pub fn preview(&self, entry: &Entry) -> Rendered {
        html! {
            <img id="{self.reference}-{entry.reference()}" alt={entry.name()} phx-update="ignore"
                data-phx-hook="Phoenix.LiveImgPreview"
                data-phx-upload-ref={&self.reference} data-phx-entry-ref={entry.reference()}>
        }
    }

    /// What keeps the form from being sent: the client leaves a submit undone while this names anything.
    fn wrong(&self) -> Option<String> {
        let mut wrong = self.references(|entry| entry.error().is_some());
        if self.too_many {
            let comma = if wrong.is_empty() { "" } else { "," };
            wrong = format!("{}{comma}{wrong}", self.reference);
        }
        (!wrong.is_empty()).then_some(wrong)
    }

    fn references(&self, of: impl Fn(&Entry) -> bool) -> String {
        let chosen = self.entries.iter().filter(|entry| of(entry));
        chosen.map(Entry::reference).collect::<Vec<_>>().join(",")
    }

    fn entry(&mut self, reference: &str) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .find(|entry| entry.reference() == reference)
    }

    /// The client says which files are chosen. Those known already stay as they are.
    pub(crate) fn choose(&mut self, chosen: Vec<ClientEntry>) {
        let most = self.options.max_entries;
        let named = ENTRIES.max(most.saturating_add(1));
        let new: Vec<ClientEntry> = chosen
            .into_iter()
            .filter(|entry| self.entry(&entry.reference).is_none())
            .take(named)
            .collect();
        if most == 1 && !new.is_empty() {
            // Another file is chosen instead of the one before.
            self.entries.clear();
        }
        for entry in new {
            if self.entries.len() < named {
                self.entries.push(Entry::new(entry, &self.options));
            }
        }
        self.too_many = self.entries.len() > most;
    }

    /// The client asks to send files: which it may, and what each needs; or why not.
    ///
    /// A form that is sent with its files is sent whole or not at all: one file that is refused refuses this ask. Files
    /// that are sent as they are chosen each go by themselves, as many as may be; the client asks again for the rest.
    pub(crate) fn allow(&mut self, asked: Vec<ClientEntry>, table: &Table) -> Map<String, Value> {
        let asked_for: HashSet<String> = asked.iter().map(|entry| entry.reference.clone()).collect();
        self.choose(asked);
        let each = self.options.auto_upload;
        let (mut tokens, mut refused) = (Map::new(), Vec::new());
        if self.too_many {
            refused.push((self.reference.clone(), "too_many_files"));
        }
        let allowed = self.entries.iter().filter(|entry| entry.is_allowed()).count();
        let mut places = match self.too_many && !each {
            true => 0,
            false => self.options.max_entries.saturating_sub(allowed),
        };
        for entry in &mut self.entries {
            let is_wanted = !entry.is_allowed() && asked_for.contains(entry.reference());
            if !is_wanted || (places == 0 && entry.error().is_none()) {
                continue;
            }
            match entry.allow(table, self.owner, &self.options) {
                Ok(token) => {
                    places -= 1;
                    tokens.insert(entry.reference().to_owned(), token.into());
                }
                Err(error) => refused.push((entry.reference().to_owned(), error.word())),
            }
        }
        if !each && !refused.is_empty() {
            // The client gives up all that it asked for; what it was not told of would count as on its way for ever.
            let given = |entry: &&mut Entry| tokens.contains_key(entry.reference());
            self.entries.iter_mut().filter(given).for_each(Entry::disallow);
            return self.answer([("error", json!(refused))]);
        }
        let config = json!({
            "chunk_size": self.options.chunk_size,
            "chunk_timeout": u64::try_from(self.options.chunk_timeout.as_millis()).unwrap_or(u64::MAX),
            "max_file_size": self.options.max_file_size,
            "max_entries": self.options.max_entries,
        });
        let reasons = refused.into_iter().map(|(of, word)| (of, json!([word])));
        self.answer([
            ("config", config),
            ("entries", tokens.into()),
            ("errors", Value::Object(reasons.collect())),
        ])
    }

    fn answer<const N: usize>(&self, said: [(&str, Value); N]) -> Map<String, Value> {
        let of = ("ref", self.reference.as_str().into());
        let all = std::iter::once(of).chain(said);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The client says how far a file is, or that it gave up. Returns whether there is such a file.
    pub(crate) fn progress(&mut self, reference: &str, progress: &Value) -> bool {
        let entry = self.entry(reference);
        entry.map(|entry| entry.set_progress(progress)).is_some()
    }

    /// Takes out the files that are here.
    pub(crate) fn take_done(&mut self) -> Vec<Entry> {
        let (done, rest) = self.entries.drain(..).partition(Entry::is_done);
        self.entries = rest;
        done
    }

    /// Forgets a file; what came of it is removed. Returns whether there was one.
    pub(crate) fn cancel(&mut self, reference: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.reference() != reference);
        self.too_many = self.entries.len() > self.options.max_entries;
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests;
