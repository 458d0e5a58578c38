//! All sessions that are remembered, found by number and by name, and counted by whose they are.

use std::sync::Arc;

use hashbrown::HashMap;

use super::book::{Book, Name};

#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) sessions: HashMap<u64, Book>,
    by_name: HashMap<Name, u64>,
    /// How many each identity has.
    counts: HashMap<Arc<str>, usize>,
    pub(super) last_key: u64,
    pub(super) last_seq: u64,
    pub(super) bytes: usize,
}

impl Books {
    /// The number of the session of this name.
    pub(super) fn key_of(&self, name: &Name) -> Option<u64> {
        self.by_name.get(name).copied()
    }

    /// How many sessions an identity has.
    pub(super) fn count_of(&self, identity: &str) -> usize {
        self.counts.get(identity).copied().unwrap_or(0)
    }

    /// Puts a session in. One of the same name makes way.
    pub(super) fn insert(&mut self, key: u64, book: Book) {
        self.last_key = self.last_key.max(key);
        if let Some(before) = self.key_of(&book.name) {
            self.remove(before);
        }
        *self.counts.entry(Arc::clone(&book.name.identity)).or_insert(0) += 1;
        self.by_name.insert(book.name.clone(), key);
        self.sessions.insert(key, book);
    }

    /// Takes a session out, and what waits in it.
    pub(super) fn remove(&mut self, key: u64) -> Option<Book> {
        let book = self.sessions.remove(&key)?;
        self.by_name.remove(&book.name);
        self.bytes = self.bytes.saturating_sub(book.bytes);
        if let Some(count) = self.counts.get_mut(&book.name.identity) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&book.name.identity);
            }
        }
        Some(book)
    }
}
