//! What a view has sent, put together as the browser's client does it: the whole page once, then diffs.
//!
//! Strict where the client is lenient: what a view may not send is an error and fails the test.

mod read;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use serde_json::{Map, Value};

use read::{dynamics, merge, merge_parts, object, scope, statics, whole};

type Statics = Rc<[String]>;

/// The view's page so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    root: Part,
    components: BTreeMap<u64, Part>,
}

/// What stands between two fixed strings.
#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Component(u64),
    Template { statics: Statics, parts: Vec<Part> },
    List(List),
}

impl Default for Part {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A comprehension.
#[derive(Debug, Clone)]
struct List {
    statics: Statics,
    entries: Vec<Vec<Part>>,
    stream: Option<Stream>,
}

/// What a stream asks of the children of its container.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) inserts: Vec<Insert>,
    pub(super) deletes: Vec<String>,
    pub(super) reset: bool,
}

/// One row that comes or changes.
#[derive(Debug, Clone)]
pub(super) struct Insert {
    pub(super) id: String,
    /// -1 is the end, 0 the start.
    pub(super) at: i64,
    pub(super) limit: Option<i64>,
    pub(super) update_only: bool,
}

/// The page as HTML, and what its streams ask for.
#[derive(Debug)]
pub(super) struct Print {
    pub(super) html: String,
    pub(super) streams: Vec<Stream>,
    /// The components that stand in it.
    pub(super) components: Vec<u64>,
}

impl Tree {
    /// A join's `rendered`.
    ///
    /// # Errors
    /// What may not be sent.
    pub(super) fn new(rendered: &Value) -> Result<Self, String> {
        let mut tree = Self::default();
        let node = object(rendered)?;
        let templates = scope(node, None)?;
        let statics = statics(node, templates)?;
        let count = statics.len();
        let parts = dynamics(node, count, templates)?;
        tree.root = Part::Template { statics, parts };
        tree.read_components(node)?;
        Ok(tree)
    }

    /// A diff of an answer or a push. Keys that are no part of the page (`t`, `e`, a reply) are left alone.
    ///
    /// # Errors
    /// What may not be sent.
    pub(super) fn apply(&mut self, diff: &Value) -> Result<(), String> {
        let node = object(diff)?;
        let templates = scope(node, None)?;
        if node.contains_key("s") {
            let statics = statics(node, templates)?;
            let count = statics.len();
            let parts = dynamics(node, count, templates)?;
            self.root = Part::Template { statics, parts };
        } else {
            let Part::Template { parts, .. } = &mut self.root else {
                return Err("a diff before the page".to_owned());
            };
            let dynamics = node
                .iter()
                .filter(|(key, _)| !["c", "e", "t", "r", "p"].contains(&key.as_str()));
            let dynamics = dynamics
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            merge_parts(parts, &dynamics, templates)?;
        }
        self.read_components(node)
    }

    /// Components don't see the message's table of templates.
    fn read_components(&mut self, message: &Map<String, Value>) -> Result<(), String> {
        let Some(components) = message.get("c") else {
            return Ok(());
        };
        for (cid, value) in object(components)? {
            let cid: u64 = cid.parse().map_err(|_| format!("{cid} is no component"))?;
            let is_whole = value.get("s").is_some();
            match self.components.get_mut(&cid) {
                Some(known) if !is_whole => merge(known, value, None)?,
                _ => {
                    if value.get("r") != Some(&Value::from(1)) {
                        return Err(format!("component {cid} must have one root element"));
                    }
                    self.components.insert(cid, whole(value, None)?);
                }
            }
        }
        Ok(())
    }

    /// Forgets components that both sides have given up.
    pub(super) fn forget(&mut self, cids: &[u64]) {
        self.components.retain(|cid, _| !cids.contains(cid));
    }

    /// Every component that was sent and not given up.
    pub(super) fn known(&self) -> Vec<u64> {
        self.components.keys().copied().collect()
    }

    /// The page as it stands. What streams ask for is handed out once.
    ///
    /// # Errors
    /// A component that was never sent.
    pub(super) fn print(&mut self) -> Result<Print, String> {
        let mut print = Print {
            html: String::new(),
            streams: Vec::new(),
            components: Vec::new(),
        };
        let mut root = std::mem::take(&mut self.root);
        let result = self.print_part(&mut root, &mut print);
        self.root = root;
        result.map(|()| print)
    }

    fn print_part(&mut self, part: &mut Part, print: &mut Print) -> Result<(), String> {
        match part {
            Part::Text(text) => print.html.push_str(text),
            Part::Component(cid) => self.print_component(*cid, print)?,
            Part::Template { statics, parts } => self.print_parts(&statics.clone(), parts, print)?,
            Part::List(list) => {
                for entry in &mut list.entries {
                    self.print_parts(&list.statics.clone(), entry, print)?;
                }
                if let Some(stream) = list.stream.take() {
                    list.entries.clear();
                    print.streams.push(stream);
                }
            }
        }
        Ok(())
    }

    fn print_parts(
        &mut self,
        statics: &[String],
        parts: &mut [Part],
        print: &mut Print,
    ) -> Result<(), String> {
        let mut parts = parts.iter_mut();
        for fixed in statics {
            print.html.push_str(fixed);
            if let Some(part) = parts.next() {
                self.print_part(part, print)?;
            }
        }
        Ok(())
    }

    /// A component's element carries its number, as in the browser.
    fn print_component(&mut self, cid: u64, print: &mut Print) -> Result<(), String> {
        let mut part = self
            .components
            .get(&cid)
            .cloned()
            .ok_or_else(|| format!("component {cid} was never sent"))?;
        print.components.push(cid);
        let start = print.html.len();
        self.print_part(&mut part, print)?;
        self.components.insert(cid, part);
        let own = &print.html[start..];
        let name_ends = own.find('<').and_then(|at| {
            let after = own[at..].find(|c: char| c.is_ascii_whitespace() || c == '>')?;
            Some(start + at + after)
        });
        let at = name_ends.ok_or_else(|| format!("component {cid} is no element"))?;
        let mut mark = String::new();
        write!(mark, " data-phx-component=\"{cid}\"").map_err(|error| error.to_string())?;
        print.html.insert_str(at, &mark);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
