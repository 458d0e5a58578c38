//! A message to the client in parts.

use serde_json::Value;

use super::shared::Shared;
use super::writer::Writer;
use super::{Diff, Differ};
use crate::render::{Cid, Rendered, json};

/// A message being put together: the page first, then live components, then what goes along with them.
#[derive(Debug)]
pub struct Message<'a> {
    differ: &'a mut Differ,
    /// The members of the message's object, without the braces.
    members: String,
    components: String,
    events: String,
    /// The live components placed by what was rendered for this message.
    placed: Vec<Cid>,
    /// So many of them, from the first on, the client knows.
    known: usize,
}

impl<'a> Message<'a> {
    pub(super) fn new(differ: &'a mut Differ) -> Self {
        Self {
            differ,
            members: String::new(),
            components: String::new(),
            events: String::new(),
            placed: Vec::new(),
            known: 0,
        }
    }

    /// The page. If its outermost template is another than before, the client forgets all live components, and
    /// [`missing`](Self::missing) asks for them again.
    pub fn root(&mut self, page: &Rendered) -> &mut Self {
        let Differ { root, streams, .. } = &mut *self.differ;
        let old = root.words();
        streams.begin(None);
        let mut writer = Writer::new(page, old, Shared::of_page(), streams);
        let changed = writer.root(false);
        let replaced = old.first() != writer.new.first();
        let Writer {
            new,
            json,
            mut shared,
            ..
        } = writer;
        self.differ.root.replace(&new);
        self.differ.streams.end();
        if replaced {
            self.differ.components.clear();
            self.known = 0;
        }
        if changed {
            let mut members = json;
            members.pop();
            shared.finish(&mut members);
            self.members.push_str(&members[1..]);
        }
        self.placed.extend(page.components());
        self
    }

    /// A live component. It has to be a single element ([`Rendered::is_root`]).
    pub fn component(&mut self, cid: Cid, page: &Rendered) -> &mut Self {
        let memory = self.differ.components.entry(cid).or_default();
        let streams = &mut self.differ.streams;
        streams.begin(Some(cid));
        let mut writer = Writer::new(page, memory.words(), Shared::of_component(), streams);
        let changed = writer.root(true);
        let Writer { new, json, .. } = writer;
        memory.replace(&new);
        self.differ.streams.end();
        if changed {
            member(cid.0 as usize, &mut self.components);
            self.components.push_str(&json);
        }
        self.placed.extend(page.components());
        self
    }

    /// A live component that was placed in this message and that the client does not know yet. After the page and the
    /// components that have changed: render it and give it to [`component`](Self::component), until there is none left.
    /// The client can't show a page with one missing.
    pub fn missing(&mut self) -> Option<Cid> {
        let known = &self.differ.components;
        let mut left = self.placed[self.known..].iter();
        let missing = left.by_ref().copied().find(|cid| !known.contains_key(cid));
        // It is looked at again, in case it is not given.
        self.known = self.placed.len() - left.len() - usize::from(missing.is_some());
        missing
    }

    /// The title of the browser's window.
    pub fn title(&mut self, title: &str) -> &mut Self {
        name("t", &mut self.members);
        json::string(title, &mut self.members);
        self
    }

    /// An event for the client's hooks and `window`, dispatched after the page has changed.
    pub fn event(&mut self, name: &str, payload: &Value) -> &mut Self {
        self.push_event(name, payload, "")
    }

    /// An event that is dispatched before the page changes.
    pub fn event_before(&mut self, name: &str, payload: &Value) -> &mut Self {
        self.push_event(name, payload, ",true")
    }

    fn push_event(&mut self, name: &str, payload: &Value, when: &str) -> &mut Self {
        if !self.events.is_empty() {
            self.events.push(',');
        }
        self.events.push('[');
        json::string(name, &mut self.events);
        self.events.push_str(&format!(",{payload}{when}]"));
        self
    }

    /// The answer to a hook's event; only in the reply to that event.
    pub fn reply(&mut self, reply: &Value) -> &mut Self {
        name("r", &mut self.members);
        self.members.push_str(&reply.to_string());
        self
    }

    /// The message, or nothing if there is nothing to say.
    pub fn finish(self) -> Option<Diff> {
        let mut members = self.members;
        if !self.components.is_empty() {
            name("c", &mut members);
            members.push_str(&format!("{{{}}}", self.components));
        }
        if !self.events.is_empty() {
            name("e", &mut members);
            members.push_str(&format!("[{}]", self.events));
        }
        if members.is_empty() {
            return None;
        }
        members.insert(0, '{');
        members.push('}');
        Some(Diff(members))
    }
}

/// Appends `"name":` after what is there.
fn name(name: &str, members: &mut String) {
    if !members.is_empty() {
        members.push(',');
    }
    json::string(name, members);
    members.push(':');
}

/// Appends `"number":` after what is there.
fn member(number: usize, members: &mut String) {
    if !members.is_empty() {
        members.push(',');
    }
    json::index(number, members);
}
