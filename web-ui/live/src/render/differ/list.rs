//! Lists: entries that stay, change, move, come and go.

use std::collections::HashMap;

use super::memory;
use super::shared::Scope;
use super::writer::Writer;
use crate::render::{Template, json};

/// The entries that the client has and that no new entry has claimed, by key: their place and where their values are.
type Unclaimed = HashMap<u64, (usize, usize)>;

/// The client's entry of the same place, while places are gone through from the first.
struct Beside {
    at: Option<usize>,
    end: usize,
}

impl Writer<'_> {
    /// Writes a list, or nothing and `false` if the client has it.
    pub(super) fn list(&mut self, template: &'static Template, count: usize, old: Option<usize>) -> bool {
        let word = memory::list(template);
        let same = self.same(word, old);
        if count == 0 && same.is_none() {
            return self.empty_list(old);
        }
        self.new.push(word);
        self.new.push(0);
        let words = self.new.len();
        let scope = self.shared.open_list();
        self.json.push_str("{\"k\":{");
        let empty = self.json.len();
        let moved = match same {
            Some(at) => self.changed_entries(template, count, at),
            None => {
                self.new_entries(template, count);
                false
            }
        };
        self.new[words - 1] = memory::extent(count, self.new.len() - words);
        let unchanged =
            same.is_some_and(|at| memory::entries(self.old, at) == count) && self.json.len() == empty;
        if unchanged {
            self.shared.close_list(&scope, &mut self.json);
            return false;
        }
        self.comma(empty);
        if moved {
            self.json.push_str("\"km\":true,");
        }
        self.end_list(&scope, count, same.is_none().then_some(template));
        true
    }

    /// Ends a list: how many entries it has, and their texts if the client does not know them.
    pub(super) fn end_list(&mut self, scope: &Scope, count: usize, unknown: Option<&'static Template>) {
        self.json.push_str("\"kc\":");
        json::number(count, &mut self.json);
        self.json.push('}');
        if let Some(template) = unknown {
            self.json.push(',');
            self.shared.put_of_list(scope, template, &mut self.json);
        }
        self.shared.close_list(scope, &mut self.json);
        self.json.push('}');
    }

    /// A list that the client does not know and that has nothing to show. Its texts would be sent for nothing, so it
    /// is an empty text until it has an entry.
    pub(super) fn empty_list(&mut self, old: Option<usize>) -> bool {
        let changed = self.leaf(memory::value(""), old);
        if changed {
            self.json.push_str("\"\"");
        }
        changed
    }

    /// Entries that the client does not have, all of them.
    pub(super) fn new_entries(&mut self, template: &Template, count: usize) {
        let empty = self.json.len();
        for at in 0..count {
            let key = self.tape.key();
            self.comma(empty);
            json::index(at, &mut self.json);
            self.entry(template, key, None);
        }
    }

    /// Writes the entries that are not the client's own of the same place; says whether any of them moved.
    fn changed_entries(&mut self, template: &Template, count: usize, list: usize) -> bool {
        let mut beside = Beside {
            at: Some(list + 2),
            end: list + memory::size(self.old, list),
        };
        let mut unclaimed: Option<Unclaimed> = None;
        let mut moved = false;
        let empty = self.json.len();
        for at in 0..count {
            let key = self.tape.key();
            let here = beside.entry(self.old);
            let before = self.json.len();
            self.comma(empty);
            json::index(at, &mut self.json);
            if unclaimed.is_none() && here.is_some_and(|here| self.old[here] == key) {
                // The usual case: nothing has moved so far.
                self.unless_empty(before, |writer| {
                    writer.entry(template, key, here.map(|here| here + 2));
                });
                continue;
            }
            let rest = unclaimed.get_or_insert_with(|| rest_of(self.old, at, here, beside.end));
            match rest.remove(&key) {
                Some((from, values)) if from == at => self.unless_empty(before, |writer| {
                    writer.entry(template, key, Some(values));
                }),
                Some((from, values)) => {
                    moved = true;
                    self.moved_entry(template, key, from, values);
                }
                None => self.entry(template, key, None),
            }
        }
        moved
    }

    /// An entry as an object of its values; `old` is where the client's values of the entry are.
    fn entry(&mut self, template: &Template, key: u64, old: Option<usize>) {
        self.new.push(key);
        self.new.push(0);
        let words = self.new.len();
        self.json.push('{');
        self.values(template, old);
        self.json.push('}');
        self.new[words - 1] = (self.new.len() - words) as u64;
    }

    /// The client's entry number `from`, with what has changed in it.
    fn moved_entry(&mut self, template: &Template, key: u64, from: usize, values: usize) {
        let before = self.json.len();
        self.json.push('[');
        json::number(from, &mut self.json);
        self.json.push(',');
        let object = self.json.len();
        self.entry(template, key, Some(values));
        if self.json.len() == object + "{}".len() {
            self.json.truncate(before);
            json::number(from, &mut self.json);
        } else {
            self.json.push(']');
        }
    }

    /// Takes back everything since `before` if `write` wrote an empty object.
    fn unless_empty(&mut self, before: usize, write: impl FnOnce(&mut Self)) {
        let object = self.json.len();
        write(self);
        if self.json.len() == object + "{}".len() {
            self.json.truncate(before);
        }
    }
}

impl Beside {
    /// Where the client's entry of this place begins; the next call is for the next place.
    fn entry(&mut self, old: &[u64]) -> Option<usize> {
        let here = self.at.filter(|at| *at < self.end)?;
        self.at = Some(here + 2 + memory::as_size(old[here + 1]));
        Some(here)
    }
}

/// The entries from the place `index` on, which begins at `from`. Of entries with one key, the first counts: the others
/// cannot be told apart, and are sent anew.
fn rest_of(old: &[u64], mut index: usize, from: Option<usize>, end: usize) -> Unclaimed {
    let mut entries = Unclaimed::new();
    let mut at = from.unwrap_or(end);
    while at < end {
        entries.entry(old[at]).or_insert((index, at + 2));
        at += 2 + memory::as_size(old[at + 1]);
        index += 1;
    }
    entries
}
