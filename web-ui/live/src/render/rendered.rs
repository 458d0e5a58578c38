//! A rendered template: its values as one tape, in the order in which a page is read.

use super::Cid;
use super::sheet::Op;
use super::stream::StreamChange;
use super::template::Template;

/// What `html!` evaluates to: a template with its values. It is plain data, may be kept, put into another template, or
/// handed to a [`Differ`](super::Differ).
///
/// The values lie one after the other in one text; a tape says how many bytes belong to which. So a page costs a few
/// allocations, however many values it has.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub(super) text: String,
    pub(super) ops: Vec<Op>,
}

impl Rendered {
    /// The HTML of the page. Live components leave no trace; see [`to_html_with`](Self::to_html_with).
    pub fn to_html(&self) -> String {
        self.to_html_with(&mut |_, _| ())
    }

    /// The HTML of the page; `component` appends that of a live component.
    pub fn to_html_with(&self, component: &mut dyn FnMut(Cid, &mut String)) -> String {
        let mut html = String::with_capacity(self.text.len() * 2);
        value(&mut Tape::new(self), &mut html, component);
        html
    }

    /// Whether the outermost template is a single element, as a live component has to be.
    pub fn is_root(&self) -> bool {
        matches!(self.ops.first(), Some(Op::Open(template)) if template.is_root())
    }

    /// The live components that the page places, in the order of their places.
    pub fn components(&self) -> impl Iterator<Item = Cid> + '_ {
        self.ops.iter().filter_map(|op| match op {
            Op::Component(cid) => Some(*cid),
            _ => None,
        })
    }
}

/// Reads a rendered template from its beginning to its end.
pub(super) struct Tape<'a> {
    ops: std::slice::Iter<'a, Op>,
    text: &'a str,
}

/// What stands at one place of a page.
pub(super) enum Value<'a> {
    Text(&'a str),
    Template(&'static Template),
    List(&'static Template, usize),
    Stream(&'static Template, usize, &'a StreamChange),
    Component(Cid),
}

impl<'a> Tape<'a> {
    pub(super) fn new(rendered: &'a Rendered) -> Self {
        Self {
            ops: rendered.ops.iter(),
            text: &rendered.text,
        }
    }

    /// The next value. After `Template`, the template's values follow; after `List` and `Stream`, the entries, each
    /// with a key
    /// first.
    pub(super) fn value(&mut self) -> Value<'a> {
        match self.ops.next() {
            Some(Op::Text(length)) => {
                let (text, rest) = self.text.split_at(*length);
                self.text = rest;
                Value::Text(text)
            }
            Some(Op::Open(template)) => Value::Template(template),
            Some(Op::List(template)) => Value::List(template, self.count()),
            Some(Op::Stream(change)) => match self.ops.next() {
                Some(Op::List(template)) => Value::Stream(template, self.count(), change),
                _ => Value::Text(""),
            },
            Some(Op::Component(cid)) => Value::Component(*cid),
            Some(Op::Count(_) | Op::Entry(_)) | None => Value::Text(""),
        }
    }

    fn count(&mut self) -> usize {
        match self.ops.next() {
            Some(Op::Count(count)) => *count,
            _ => 0,
        }
    }

    /// The hash of the key of the entry that follows.
    pub(super) fn key(&mut self) -> u64 {
        match self.ops.next() {
            Some(Op::Entry(key)) => *key,
            _ => 0,
        }
    }
}

fn value(tape: &mut Tape<'_>, html: &mut String, component: &mut dyn FnMut(Cid, &mut String)) {
    match tape.value() {
        Value::Text(text) => html.push_str(text),
        Value::Template(template) => filled(template, tape, html, component),
        Value::List(template, count) | Value::Stream(template, count, _) => {
            for _ in 0..count {
                tape.key();
                filled(template, tape, html, component);
            }
        }
        Value::Component(cid) => component(cid, html),
    }
}

fn filled(
    template: &Template,
    tape: &mut Tape<'_>,
    html: &mut String,
    component: &mut dyn FnMut(Cid, &mut String),
) {
    for (at, text) in template.statics().iter().enumerate() {
        html.push_str(text);
        if at < template.values() {
            value(tape, html, component);
        }
    }
}
