//! Families: takers whose filters differ in one name only. Ten thousand devices of one profile listen to the same few
//! filters with their own names in them; these are in the trie once, and a table leads from the name to the taker.

use std::sync::Arc;

use hashbrown::HashMap;
use roost_model::{Filter, Topic};

use super::super::queue::Queue;
use super::{Entry, FILTER_BYTES, Filters, Found, ROOT, cost, split};

/// Number of a family.
pub(in crate::bus) type FamilyId = u32;

/// A filter with `+` where a family's members have their names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::bus) struct Template {
    filter: Filter,
    /// Which level is the name.
    level: u8,
}

impl Template {
    /// The template of a filter in which `name` is one level, though not the first: there a wildcard has rules of its
    /// own. `None` for a filter that has to stand for itself.
    pub(in crate::bus) fn of(filter: &Filter, name: &str) -> Option<Self> {
        let mut places = filter.levels().enumerate().filter(|(_, level)| *level == name);
        let (at, _) = places.next()?;
        if at == 0 || places.next().is_some() || matches!(name, "+" | "#") {
            return None;
        }
        let levels: Vec<&str> = filter
            .levels()
            .enumerate()
            .map(|(index, level)| if index == at { "+" } else { level })
            .collect();
        Some(Self {
            filter: Filter::new(levels.join("/")).ok()?,
            level: u8::try_from(at).ok()?,
        })
    }
}

/// A place in the trie where one of a family's filters ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    family: FamilyId,
    level: u8,
    /// The filter goes on with `#`.
    pub(super) below: bool,
}

#[derive(Debug)]
struct Family {
    templates: Arc<[Template]>,
    members: HashMap<Arc<str>, Entry>,
}

/// All families.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_templates: HashMap<Arc<[Template]>, FamilyId>,
    list: Vec<Option<Family>>,
    free: Vec<FamilyId>,
}

impl Families {
    /// Adds the members of this topic's name at each mark.
    pub(super) fn collect<'a>(&'a self, topic: &Topic, found: &mut Found<'a>) {
        for mark in &found.marks {
            let family = self.list.get(mark.family as usize).and_then(Option::as_ref);
            let name = topic.levels().nth(mark.level.into());
            let member = family
                .zip(name)
                .and_then(|(family, name)| family.members.get(name));
            found.entries.extend(member);
        }
    }

    fn get(&mut self, id: FamilyId) -> Option<&mut Family> {
        self.list.get_mut(id as usize)?.as_mut()
    }

    /// Makes room for a family.
    fn add(&mut self, templates: &Arc<[Template]>) -> FamilyId {
        let family = Some(Family {
            templates: Arc::clone(templates),
            members: HashMap::new(),
        });
        let id = match self.free.pop() {
            Some(id) => {
                self.list[id as usize] = family;
                id
            }
            None => {
                self.list.push(family);
                FamilyId::try_from(self.list.len() - 1).unwrap_or(FamilyId::MAX)
            }
        };
        self.by_templates.insert(Arc::clone(templates), id);
        id
    }
}

impl Filters {
    /// Adds a taker to the family of these templates. `None` if another taker has its name there.
    pub(in crate::bus) fn join(
        &mut self,
        templates: &[Template],
        name: &Arc<str>,
        entry: Entry,
    ) -> Option<FamilyId> {
        let known = self.families.by_templates.get(templates).copied();
        let id = known.unwrap_or_else(|| self.found_family(&templates.into()));
        let (count, bytes) = (templates.len(), FILTER_BYTES + name.len());
        let members = &mut self.families.get(id)?.members;
        if let Some(other) = members.get_mut(name) {
            let is_same = Arc::ptr_eq(&other.queue, &entry.queue);
            if is_same {
                *other = entry;
            }
            return is_same.then_some(id);
        }
        members.insert(Arc::clone(name), entry);
        self.len += count;
        self.bytes += bytes;
        Some(id)
    }

    /// The same by the filter of a taker that is in the family by this one. Returns whether it was there.
    pub(in crate::bus) fn leave_by(&mut self, id: FamilyId, filter: &Filter, queue: &Arc<Queue>) -> bool {
        let family = self.families.get(id);
        let level = family.and_then(|family| family.templates.first().map(|template| template.level));
        let name = level.and_then(|level| filter.levels().nth(level.into()));
        name.is_some_and(|name| self.leave(id, name, queue))
    }

    /// Takes a taker out of a family; the last one takes the family with it.
    pub(in crate::bus) fn leave(&mut self, id: FamilyId, name: &str, queue: &Arc<Queue>) -> bool {
        let Some(family) = self.families.get(id) else {
            return false;
        };
        if !family
            .members
            .get(name)
            .is_some_and(|entry| Arc::ptr_eq(&entry.queue, queue))
        {
            return false;
        }
        family.members.remove(name);
        let (templates, is_over) = (Arc::clone(&family.templates), family.members.is_empty());
        self.len -= templates.len();
        self.bytes -= FILTER_BYTES + name.len();
        if !is_over {
            return true;
        }
        for template in templates.iter() {
            self.unmark(id, template);
        }
        self.families.list[id as usize] = None;
        self.families.by_templates.remove(&templates);
        self.families.free.push(id);
        true
    }

    fn found_family(&mut self, templates: &Arc<[Template]>) -> FamilyId {
        let family = self.families.add(templates);
        for Template { filter, level } in templates.iter() {
            let (levels, below) = split(filter);
            let at = levels.fold(ROOT, |at, level| self.child_or_new(at, level));
            let takers = self.nodes[at as usize].takers.get_or_insert_default();
            takers.families.get_or_insert_default().push(Mark {
                family,
                level: *level,
                below,
            });
            self.bytes += cost(filter, None);
        }
        family
    }

    fn unmark(&mut self, family: FamilyId, template: &Template) {
        let Some((at, below)) = self.place(&template.filter) else {
            return;
        };
        let mark = Mark {
            family,
            level: template.level,
            below,
        };
        if let Some(takers) = &mut self.nodes[at as usize].takers {
            if let Some(marks) = &mut takers.families {
                marks.retain(|other| *other != mark);
            }
            takers.tidy();
            if takers.is_empty() {
                self.nodes[at as usize].takers = None;
            }
        }
        self.bytes -= cost(&template.filter, None);
        self.prune(at);
    }
}
