//! Compares a rendered tree with what the client shows, and writes the difference.

use super::memory;
use super::shared::Shared;
use super::stream::Streams;
use crate::render::rendered::{Tape, Value};
use crate::render::{Rendered, Template, json};

/// Reads a page once from its beginning to its end and, beside it, the words of the one before; writes JSON and the new
/// words. `old` places are indices into the old words; `None` is "the client has nothing there".
pub(super) struct Writer<'a> {
    pub(super) tape: Tape<'a>,
    pub(super) old: &'a [u64],
    pub(super) new: Vec<u64>,
    pub(super) json: String,
    pub(super) shared: Shared,
    /// The streams of the view.
    pub(super) streams: &'a mut Streams,
}

impl<'a> Writer<'a> {
    pub(super) fn new(page: &'a Rendered, old: &'a [u64], shared: Shared, streams: &'a mut Streams) -> Self {
        Self {
            tape: Tape::new(page),
            old,
            new: Vec::with_capacity(old.len()),
            json: String::with_capacity(256),
            shared,
            streams,
        }
    }

    /// Writes a value of a page, or nothing and `false` if the client has it.
    pub(super) fn value(&mut self, old: Option<usize>) -> bool {
        match self.tape.value() {
            Value::Text(text) => {
                let changed = self.leaf(memory::value(text), old);
                if changed {
                    json::string(text, &mut self.json);
                }
                changed
            }
            Value::Component(cid) => {
                let changed = self.leaf(memory::component(cid), old);
                if changed {
                    json::number(cid.0 as usize, &mut self.json);
                }
                changed
            }
            Value::Template(template) => self.template(template, old, true),
            Value::List(template, count) => self.list(template, count, old),
            Value::Stream(template, count, change) => self.stream(template, count, change, old),
        }
    }

    /// The outermost template. Its `r` would be taken for a reply, so it has none.
    pub(super) fn root(&mut self, flagged: bool) -> bool {
        let old = (!self.old.is_empty()).then_some(0);
        match self.tape.value() {
            Value::Template(template) => self.template(template, old, flagged),
            // What html! makes begins with a template.
            _ => false,
        }
    }

    /// Notes a value of one word, and says whether it has changed.
    pub(super) fn leaf(&mut self, word: u64, old: Option<usize>) -> bool {
        self.new.push(word);
        old.is_none_or(|at| self.old[at] != word)
    }

    /// Whether the client has this first word there; then, where.
    pub(super) fn same(&self, word: u64, old: Option<usize>) -> Option<usize> {
        old.filter(|at| self.old[*at] == word)
    }

    fn template(&mut self, template: &'static Template, old: Option<usize>, flagged: bool) -> bool {
        let word = memory::template(template);
        let same = self.same(word, old);
        self.new.push(word);
        self.new.push(0);
        let words = self.new.len();
        self.json.push('{');
        let empty = self.json.len();
        self.values(template, same.map(|at| at + 2));
        self.new[words - 1] = (self.new.len() - words) as u64;
        if same.is_none() {
            self.comma(empty);
            self.shared.put(template, &mut self.json);
            if template.is_root() && flagged {
                self.json.push_str(",\"r\":1");
            }
        }
        let changed = self.json.len() > empty;
        self.json.push('}');
        changed
    }

    /// The values of a template or an entry, those that have changed, by number.
    pub(super) fn values(&mut self, template: &Template, mut old: Option<usize>) {
        let empty = self.json.len();
        for at in 0..template.values() {
            let before = self.json.len();
            self.comma(empty);
            json::index(at, &mut self.json);
            let next = old.map(|old| old + memory::size(self.old, old));
            if !self.value(old) {
                self.json.truncate(before);
            }
            old = next;
        }
    }

    /// A comma, unless nothing was written since `empty`.
    pub(super) fn comma(&mut self, empty: usize) {
        if self.json.len() > empty {
            self.json.push(',');
        }
    }
}
