//! What `html!` writes into while it renders. Its methods are for the macro; call `html!` instead.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

use super::attribute::{Attribute, Name};
use super::content::Content;
use super::escape::{Escape, escape};
use super::stream::{Batch, StreamChange};
use super::{Cid, Rendered, Template};

/// Hashes of values and keys, with a secret of this process: nobody outside can make two values that look the same.
pub(super) static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A step of a rendered template.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// A template; its values follow.
    Open(&'static Template),
    /// The next so many bytes of the text.
    Text(usize),
    /// A list whose entries have this template; a count follows, then the entries.
    List(&'static Template),
    Count(usize),
    /// An entry with the hash of its key; its values follow.
    Entry(u64),
    /// The changes of a stream; the rows that go with them follow as a list.
    Stream(Box<StreamChange>),
    Component(Cid),
}

/// A template being filled: every value is written where the one before it ended.
#[derive(Debug)]
pub struct Sheet {
    text: String,
    ops: Vec<Op>,
}

/// A list being filled.
#[derive(Debug)]
pub struct List {
    /// Where the tape keeps the count.
    at: usize,
    count: usize,
}

impl Sheet {
    /// An empty sheet with `template` opened: exactly its number of values must follow.
    pub fn new(template: &'static Template) -> Self {
        let mut sheet = Self {
            // Values are mostly numbers and short words.
            text: String::with_capacity(template.values() * 8),
            ops: Vec::with_capacity(template.values() + 1),
        };
        sheet.open(template);
        sheet
    }

    /// A nested template as the next value: exactly its number of values must follow.
    pub fn open(&mut self, template: &'static Template) {
        self.ops.push(Op::Open(template));
    }

    /// Nothing as the next value, as from an `if` without `else`.
    pub fn nothing(&mut self) {
        self.ops.push(Op::Text(0));
    }

    /// `content` as the next value.
    pub fn content(&mut self, content: &(impl Content + ?Sized)) {
        content.put(self);
    }

    /// ` name="value"` as the next value, or nothing, as `value` decides.
    pub fn attribute(&mut self, name: &'static str, value: &(impl Attribute + ?Sized)) {
        self.named(name, value, false);
    }

    /// The same for an attribute whose value is an address: one that a browser would run is not written.
    pub fn url(&mut self, name: &'static str, value: &(impl Attribute + ?Sized)) {
        self.named(name, value, true);
    }

    fn named(&mut self, name: &'static str, value: &(impl Attribute + ?Sized), is_url: bool) {
        let from = self.text.len();
        value.put(Name {
            name,
            html: &mut self.text,
            is_url,
        });
        self.ops.push(Op::Text(self.text.len() - from));
    }

    /// What stands inside an attribute's quotes, as the next value.
    pub fn quoted(&mut self, value: &(impl std::fmt::Display + ?Sized)) {
        self.formatted(format_args!("{value}"));
    }

    /// A list as the next value: its entries follow, each begun by [`entry`](Self::entry) and filled, then
    /// [`end`](Self::end).
    pub fn list(&mut self, template: &'static Template) -> List {
        self.ops.push(Op::List(template));
        self.ops.push(Op::Count(0));
        List {
            at: self.ops.len() - 1,
            count: 0,
        }
    }

    /// A stream as the next value: its rows follow as the entries of a list.
    pub fn stream<T>(&mut self, template: &'static Template, batch: &Batch<T>) -> List {
        self.ops.push(Op::Stream(Box::new(batch.change().clone())));
        self.list(template)
    }

    /// An entry known by `key`: the template's number of values must follow.
    pub fn entry(&mut self, list: &mut List, key: &(impl Hash + ?Sized)) {
        list.count += 1;
        self.ops.push(Op::Entry(HASHER.hash_one(key)));
    }

    /// An entry known by its place in the list only.
    pub fn entry_in_order(&mut self, list: &mut List) {
        self.ops.push(Op::Entry(list.count as u64));
        list.count += 1;
    }

    /// The list is complete.
    pub fn end(&mut self, list: &List) {
        self.ops[list.at] = Op::Count(list.count);
    }

    /// The page, with all values filled in.
    pub fn finish(self) -> Rendered {
        Rendered {
            text: self.text,
            ops: self.ops,
        }
    }

    pub(super) fn escaped(&mut self, text: &str) {
        let from = self.text.len();
        escape(text, &mut self.text);
        self.ops.push(Op::Text(self.text.len() - from));
    }

    pub(super) fn raw(&mut self, html: &str) {
        self.text.push_str(html);
        self.ops.push(Op::Text(html.len()));
    }

    pub(super) fn formatted(&mut self, text: std::fmt::Arguments<'_>) {
        let from = self.text.len();
        // Fails only if a Display does, and then what it wrote so far is shown.
        let _ = Escape(&mut self.text).write_fmt(text);
        self.ops.push(Op::Text(self.text.len() - from));
    }

    pub(super) fn component(&mut self, cid: Cid) {
        self.ops.push(Op::Component(cid));
    }

    pub(super) fn append(&mut self, part: &Rendered) {
        self.text.push_str(&part.text);
        self.ops.extend_from_slice(&part.ops);
    }
}
