//! The filters of all takers in a trie, so that a publish costs its levels and not the number of subscriptions.
//!
//! The trie is flat: one table of edges `(node, level) → node`, with levels as numbers. With ten thousand devices most
//! nodes have one child and no taker, and a table per node would cost several times the memory.

mod families;

use std::sync::Arc;

use hashbrown::HashMap;
use roost_model::{Filter, Topic};
use smallvec::SmallVec;

use super::group::Group;
use super::message::QoS;
use super::queue::Queue;
use families::{Families, Mark};
pub(super) use families::{FamilyId, Template};

/// One filter of one taker.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) queue: Arc<Queue>,
    pub(super) qos: QoS,
    /// Whether the taker answers requests.
    pub(super) serves: bool,
    /// Whether the taker wants nothing of what it publishes itself (MQTT 5 section 3.8.3.1).
    pub(super) no_local: bool,
}

/// The takers of one topic.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// One for each filter that matches.
    pub(super) entries: SmallVec<[&'a Entry; 8]>,
    /// One for each group that shares a filter that matches.
    pub(super) shared: SmallVec<[&'a Entry; 2]>,
    /// Families one of whose filters matches, whoever of them it is for.
    marks: SmallVec<[Mark; 4]>,
}

/// Bytes that a filter takes besides its text: its entry, and what its taker and its session remember of it.
const FILTER_BYTES: usize = 256;
/// Bytes that a level takes besides its text: a node, an edge, and its place among the texts.
const LEVEL_BYTES: usize = 128;

/// Bytes that a filter takes, roughly: its text is here, with its taker and in its session.
fn cost(filter: &Filter, group: Option<&str>) -> usize {
    let text = filter.as_str();
    let levels = 1 + text.bytes().filter(|byte| *byte == b'/').count();
    FILTER_BYTES + levels * LEVEL_BYTES + 3 * text.len() + 3 * group.map_or(0, str::len)
}

type NodeId = u32;
type LevelId = u32;
const ROOT: NodeId = 0;
/// The number of the level `+`.
const ANY: LevelId = 0;

#[derive(Debug, Default)]
struct Node {
    parent: NodeId,
    /// The level that leads here from the parent.
    level: LevelId,
    /// How many children there are.
    children: u32,
    /// Takers whose filters end here; most nodes are only passed through.
    takers: Option<Box<Takers>>,
}

#[derive(Debug, Default)]
struct Takers {
    /// The filter ends here.
    here: Vec<Entry>,
    /// The filter goes on with `#`: this level and all below.
    below: Vec<Entry>,
    /// Groups that share one of these filters; there are few.
    #[expect(
        clippy::box_collection,
        reason = "most takers have none, and there are many takers"
    )]
    groups: Option<Box<Vec<Group>>>,
    /// Families of takers one of whose filters ends here; there are fewer still.
    #[expect(
        clippy::box_collection,
        reason = "most takers have none, and there are many takers"
    )]
    families: Option<Box<Vec<Mark>>>,
}

impl Takers {
    /// The takers of a filter, or of the group that shares it.
    fn of(&mut self, below: bool, group: Option<&str>) -> &mut Vec<Entry> {
        let Some(name) = group else {
            return if below { &mut self.below } else { &mut self.here };
        };
        let groups = self.groups.get_or_insert_default();
        let at = groups.iter().position(|group| group.is(name, below));
        let at = at.unwrap_or_else(|| {
            groups.push(Group::new(name, below));
            groups.len() - 1
        });
        &mut groups[at].members
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty() && self.groups.is_none() && self.families.is_none()
    }

    /// Forgets groups without members, and a list of families without any.
    fn tidy(&mut self) {
        if let Some(groups) = &mut self.groups {
            groups.retain(|group| !group.members.is_empty());
            if groups.is_empty() {
                self.groups = None;
            }
        }
        self.families.take_if(|families| families.is_empty());
    }

    /// `here`: the topic ends here; otherwise it goes on below.
    fn collect<'a>(&'a self, here: bool, found: &mut Found<'a>) {
        if here {
            found.entries.extend(&self.here);
        }
        found.entries.extend(&self.below);
        for group in self.groups.iter().flat_map(|groups| groups.iter()) {
            if here || group.below {
                found.shared.extend(group.choose());
            }
        }
        let families = self.families.iter().flat_map(|families| families.iter());
        found
            .marks
            .extend(families.copied().filter(|mark| here || mark.below));
    }
}

/// The texts of levels as numbers: `telemetry` is kept once and not once for every device.
#[derive(Debug)]
struct Levels {
    ids: HashMap<Arc<str>, LevelId>,
    /// Text and number of edges, by number; a free number has no text.
    texts: Vec<(Option<Arc<str>>, u32)>,
    free: Vec<LevelId>,
}

impl Default for Levels {
    fn default() -> Self {
        let any: Arc<str> = Arc::from("+");
        // `+` has its number for good, so that matching need not look it up.
        Self {
            ids: HashMap::from([(Arc::clone(&any), ANY)]),
            texts: vec![(Some(any), 1)],
            free: Vec::new(),
        }
    }
}

impl Levels {
    fn get(&self, text: &str) -> Option<LevelId> {
        self.ids.get(text).copied()
    }

    /// The number of a level that gets another edge.
    fn take(&mut self, text: &str) -> LevelId {
        if let Some(id) = self.get(text) {
            self.texts[id as usize].1 += 1;
            return id;
        }
        let text: Arc<str> = Arc::from(text);
        let entry = (Some(Arc::clone(&text)), 1);
        let id = match self.free.pop() {
            Some(id) => {
                self.texts[id as usize] = entry;
                id
            }
            None => {
                self.texts.push(entry);
                LevelId::try_from(self.texts.len() - 1).unwrap_or(LevelId::MAX)
            }
        };
        self.ids.insert(text, id);
        id
    }

    /// An edge with this level is gone.
    fn release(&mut self, id: LevelId) {
        let (text, edges) = &mut self.texts[id as usize];
        *edges -= 1;
        if *edges == 0
            && let Some(text) = text.take()
        {
            self.ids.remove(&text);
            self.free.push(id);
        }
    }
}

#[derive(Debug)]
pub(super) struct Filters {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    levels: Levels,
    edges: HashMap<(NodeId, LevelId), NodeId>,
    families: Families,
    len: usize,
    bytes: usize,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            free: Vec::new(),
            levels: Levels::default(),
            edges: HashMap::new(),
            families: Families::default(),
            len: 0,
            bytes: 0,
        }
    }
}

/// A filter without its `#`, and whether it had one.
fn split(filter: &Filter) -> (impl Iterator<Item = &str>, bool) {
    let below = filter.as_str() == "#" || filter.as_str().ends_with("/#");
    (filter.levels().filter(|level| *level != "#"), below)
}

impl Filters {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that all of them take, if no two had a level in common.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    fn child(&self, parent: NodeId, level: LevelId) -> Option<NodeId> {
        self.edges.get(&(parent, level)).copied()
    }

    fn child_or_new(&mut self, parent: NodeId, text: &str) -> NodeId {
        if let Some(child) = self.levels.get(text).and_then(|level| self.child(parent, level)) {
            return child;
        }
        let level = self.levels.take(text);
        let node = Node {
            parent,
            level,
            ..Node::default()
        };
        let child = match self.free.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                self.nodes.push(node);
                NodeId::try_from(self.nodes.len() - 1).unwrap_or(NodeId::MAX)
            }
        };
        self.nodes[parent as usize].children += 1;
        self.edges.insert((parent, level), child);
        child
    }

    /// Adds a taker's filter, alone or in a group; the same filter of the same taker is replaced (MQTT 3.1.1 section
    /// 3.8.4).
    pub(super) fn insert(&mut self, filter: &Filter, group: Option<&str>, entry: Entry) {
        let (levels, below) = split(filter);
        let at = levels.fold(ROOT, |at, level| self.child_or_new(at, level));
        let entries = self.nodes[at as usize]
            .takers
            .get_or_insert_default()
            .of(below, group);
        match entries
            .iter_mut()
            .find(|other| Arc::ptr_eq(&other.queue, &entry.queue))
        {
            Some(other) => *other = entry,
            None => {
                // Most filters have one taker for ever.
                if entries.is_empty() {
                    entries.reserve_exact(1);
                }
                entries.push(entry);
                self.len += 1;
                self.bytes += cost(filter, group);
            }
        }
    }

    /// Removes a taker's filter and every node that then serves nobody. Returns whether there was one.
    pub(super) fn remove(&mut self, filter: &Filter, group: Option<&str>, queue: &Arc<Queue>) -> bool {
        let Some((at, below)) = self.place(filter) else {
            return false;
        };
        let Some(takers) = &mut self.nodes[at as usize].takers else {
            return false;
        };
        let entries = takers.of(below, group);
        let Some(index) = entries.iter().position(|entry| Arc::ptr_eq(&entry.queue, queue)) else {
            takers.tidy();
            return false;
        };
        entries.swap_remove(index);
        takers.tidy();
        if takers.is_empty() {
            self.nodes[at as usize].takers = None;
        }
        self.len -= 1;
        self.bytes -= cost(filter, group);
        self.prune(at);
        true
    }

    /// Where a filter ends in the trie, if it does, and whether it goes on with `#`.
    fn place(&self, filter: &Filter) -> Option<(NodeId, bool)> {
        let (mut levels, below) = split(filter);
        let at = levels.try_fold(ROOT, |at, level| {
            self.levels.get(level).and_then(|level| self.child(at, level))
        })?;
        Some((at, below))
    }

    fn prune(&mut self, mut at: NodeId) {
        while at != ROOT {
            let Node {
                parent,
                level,
                children,
                takers,
            } = self.node(at);
            if *children > 0 || takers.is_some() {
                return;
            }
            let (parent, level) = (*parent, *level);
            self.edges.remove(&(parent, level));
            self.levels.release(level);
            self.free.push(at);
            self.nodes[parent as usize].children -= 1;
            at = parent;
        }
    }

    /// Collects the takers of a topic; one taker appears once for each of its filters that match.
    pub(super) fn collect<'a>(&'a self, topic: &Topic, found: &mut Found<'a>) {
        let reserved = topic.as_str().starts_with('$');
        self.walk(ROOT, topic.as_str(), reserved, found);
        self.families.collect(topic, found);
    }

    /// `rest` is what is left of the topic; the depth is bounded by the number of levels that a topic may have.
    fn walk<'a>(&'a self, at: NodeId, rest: &str, reserved: bool, found: &mut Found<'a>) {
        // Wildcards at the first level leave topics that begin with $ alone (MQTT 3.1.1 section 4.7.2).
        let wildcards = !(at == ROOT && reserved);
        if let Some(takers) = self.node(at).takers.as_ref().filter(|_| wildcards) {
            takers.collect(false, found);
        }
        let (level, further) = match rest.split_once('/') {
            Some((level, further)) => (level, Some(further)),
            None => (rest, None),
        };
        let exact = self.levels.get(level).and_then(|level| self.child(at, level));
        let any = if wildcards { self.child(at, ANY) } else { None };
        for child in [exact, any].into_iter().flatten() {
            match further {
                Some(further) => self.walk(child, further, reserved, found),
                None => {
                    if let Some(takers) = &self.node(child).takers {
                        takers.collect(true, found);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
impl Filters {
    /// Nothing is left of the filters that were there.
    pub(super) fn is_bare(&self) -> bool {
        self.node(ROOT).children == 0 && self.edges.is_empty() && self.levels.ids.len() == 1
    }
}
