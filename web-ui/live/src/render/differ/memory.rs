//! What a client shows, as words of 64 bits: hashes of values, fingerprints of templates.
//!
//! | what | words |
//! | --- | --- |
//! | value | its hash |
//! | live component | its number |
//! | template | its fingerprint, the number of words that follow; those of its values |
//! | list | its entries' fingerprint, the numbers of entries and of words that follow; its entries |
//! | entry | the hash of its key, the number of words that follow; those of its values |
//!
//! The two lowest bits of a first word say which of the four it is.

use std::hash::BuildHasher;

use crate::render::sheet::HASHER;
use crate::render::{Cid, Template};

const VALUE: u64 = 0;
const TEMPLATE: u64 = 1;
const LIST: u64 = 2;
const COMPONENT: u64 = 3;
const KIND: u64 = 3;

/// The words of one tree. Empty before the first message.
#[derive(Debug, Default)]
pub(super) struct Memory(Box<[u64]>);

pub(super) fn value(text: &str) -> u64 {
    HASHER.hash_one(text) & !KIND | VALUE
}

pub(super) fn component(cid: Cid) -> u64 {
    u64::from(cid.0) << 2 | COMPONENT
}

pub(super) fn template(template: &Template) -> u64 {
    template.fingerprint() & !KIND | TEMPLATE
}

pub(super) fn list(entries: &Template) -> u64 {
    entries.fingerprint() & !KIND | LIST
}

/// The second word of a list.
pub(super) fn extent(entries: usize, words: usize) -> u64 {
    (entries as u64) << 32 | words as u64
}

impl Memory {
    /// Replaces the words; those of the same number stay where they are.
    pub(super) fn replace(&mut self, words: &[u64]) {
        if self.0.len() == words.len() {
            self.0.copy_from_slice(words);
        } else {
            self.0 = words.into();
        }
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val::<[u64]>(&self.0)
    }

    /// Names each live component that stands anywhere in the tree.
    pub(super) fn components(&self, found: &mut dyn FnMut(Cid)) {
        if !self.is_empty() {
            components(&self.0, 0, found);
        }
    }
}

/// How many words the thing at `at` takes.
pub(super) fn size(words: &[u64], at: usize) -> usize {
    match words[at] & KIND {
        TEMPLATE => 2 + as_size(words[at + 1]),
        LIST => 2 + as_size(words[at + 1] & u64::from(u32::MAX)),
        _ => 1,
    }
}

/// How many entries the list at `at` has.
pub(super) fn entries(words: &[u64], at: usize) -> usize {
    as_size(words[at + 1] >> 32)
}

/// A word that was a size when it was written.
pub(super) fn as_size(word: u64) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

fn components(words: &[u64], at: usize, found: &mut dyn FnMut(Cid)) {
    let end = at + size(words, at);
    match words[at] & KIND {
        TEMPLATE => all(words, at + 2, end, found),
        LIST => {
            let mut entry = at + 2;
            while entry < end {
                let next = entry + 2 + as_size(words[entry + 1]);
                all(words, entry + 2, next, found);
                entry = next;
            }
        }
        COMPONENT => found(Cid((words[at] >> 2) as u32)),
        _ => {}
    }
}

fn all(words: &[u64], mut at: usize, end: usize, found: &mut dyn FnMut(Cid)) {
    while at < end {
        components(words, at, found);
        at += size(words, at);
    }
}
