//! What a client has been told, and the message that brings it up to date.
//!
//! The format is that of the stock client's `rendered.js`: an object per template with its values by number, `s` for
//! the
//! texts around them when the client does not know them yet, `k` for the entries of a list, `c` for live components.

mod list;
mod memory;
mod message;
mod shared;
mod stream;
mod writer;

use std::collections::{BTreeMap, BTreeSet};

use memory::Memory;
use stream::Streams;

use super::{Cid, Rendered};

pub use message::Message;

/// A message to the client, as the JSON object that the protocol calls a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff(pub(super) String);

impl Diff {
    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// The JSON text, to keep.
    pub fn into_json(self) -> String {
        self.0
    }
}

/// Remembers what one client shows of one view, and says what has changed.
///
/// It keeps a hash of every value and the fingerprint of every template, never their text: 8 bytes for a value, 16 for
/// a list's entry.
#[derive(Debug, Default)]
pub struct Differ {
    root: Memory,
    components: BTreeMap<Cid, Memory>,
    /// The streams that the client knows.
    streams: Streams,
}

impl Differ {
    /// For a client that shows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything, for a client that (re)joins: what was known is forgotten.
    ///
    /// A page with live components takes a [`message`](Self::message) instead.
    pub fn full(&mut self, page: &Rendered) -> Diff {
        *self = Self::new();
        self.diff(page).unwrap_or_else(|| Diff("{}".to_owned()))
    }

    /// What has changed since the last page, or nothing.
    ///
    /// A page with live components takes a [`message`](Self::message) instead.
    pub fn diff(&mut self, page: &Rendered) -> Option<Diff> {
        let mut message = self.message();
        message.root(page);
        message.finish()
    }

    /// A message in parts: the page, live components, title, events, a reply.
    pub fn message(&mut self) -> Message<'_> {
        Message::new(self)
    }

    /// The live components that the client knows.
    pub fn components(&self) -> impl Iterator<Item = Cid> + '_ {
        self.components.keys().copied()
    }

    /// The client may remove a live component. Where it is placed again, it has to be sent in full.
    pub fn forget(&mut self, cid: Cid) {
        self.components.remove(&cid);
    }

    /// The client has removed a live component, which is not placed again.
    pub fn remove(&mut self, cid: Cid) {
        self.forget(cid);
        self.streams.forget(cid);
    }

    /// Of these live components, those that the client's page does not place, nor a live component of its that stays.
    /// What stands in a row of a stream is not remembered: it is among them even if the row is there.
    pub fn unplaced(&self, mut cids: BTreeSet<Cid>) -> BTreeSet<Cid> {
        let staying = self.components.iter().filter(|(cid, _)| !cids.contains(cid));
        let mut memories: Vec<&Memory> = staying.map(|(_, memory)| memory).collect();
        memories.push(&self.root);
        while let Some(memory) = memories.pop()
            && !cids.is_empty()
        {
            memory.components(&mut |cid| {
                if cids.remove(&cid) {
                    memories.extend(self.components.get(&cid));
                }
            });
        }
        cids
    }

    /// The bytes that the memory of this view takes, without its own size.
    pub fn memory_bytes(&self) -> usize {
        let components = self.components.values();
        let components: usize = components.map(|memory| memory.bytes() + 32).sum();
        self.root.bytes() + components + self.streams.bytes()
    }
}
