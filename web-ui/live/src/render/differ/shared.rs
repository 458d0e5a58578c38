//! Texts of templates in a message: in place, or once in a table where several templates have the same.
//!
//! The table `p` belongs to a whole page. A live component sees no table of the page's, and its own texts must stand in
//! place; a list inside it may bring a table for what its entries hold.

use crate::render::{Template, json};

/// Bytes around a table: `,"p":{}`.
const AROUND_TABLE: usize = 7;

/// Where texts are left out for now: every place with the template whose texts belong there.
#[derive(Debug)]
pub(super) struct Shared {
    places: Vec<(usize, &'static Template)>,
    /// Whether places are noted: always in a page, inside lists in a live component.
    open: bool,
}

/// A list that has opened a table of its own, and where its places begin.
pub(super) struct Scope(Option<usize>);

/// A template of the message with its texts as JSON.
struct Entry {
    template: &'static Template,
    texts: String,
    uses: usize,
    /// Its number in the table, if it is worth a place there.
    number: Option<usize>,
}

impl Shared {
    pub(super) fn of_page() -> Self {
        Self {
            places: Vec::new(),
            open: true,
        }
    }

    pub(super) fn of_component() -> Self {
        Self {
            places: Vec::new(),
            open: false,
        }
    }

    /// Writes `"s":` and the texts, or notes the place.
    pub(super) fn put(&mut self, template: &'static Template, json: &mut String) {
        json.push_str("\"s\":");
        if self.open {
            self.places.push((json.len(), template));
        } else {
            json::strings(template.statics(), json);
        }
    }

    pub(super) fn open_list(&mut self) -> Scope {
        if self.open {
            return Scope(None);
        }
        self.open = true;
        Scope(Some(self.places.len()))
    }

    /// The texts of a list's entries: what opens a table can't use it.
    pub(super) fn put_of_list(&mut self, scope: &Scope, template: &'static Template, json: &mut String) {
        let open = self.open;
        self.open = scope.0.is_none() && open;
        self.put(template, json);
        self.open = open;
    }

    pub(super) fn close_list(&mut self, scope: &Scope, json: &mut String) {
        if let Some(first) = scope.0 {
            self.open = false;
            self.resolve(first, json);
        }
    }

    /// Fills in all places, and appends the table if there is one.
    pub(super) fn finish(&mut self, json: &mut String) {
        self.resolve(0, json);
    }

    /// Fills in the places from number `first` on, and appends `,"p":{…}` if a table makes the message shorter.
    fn resolve(&mut self, first: usize, json: &mut String) {
        let places = self.places.split_off(first);
        let Some((start, _)) = places.first() else { return };
        let mut entries = count(&places);
        let table = table(&mut entries);
        let rest = json.split_off(*start);
        let mut from = 0;
        for (at, template) in &places {
            json.push_str(&rest[from..at - start]);
            from = at - start;
            let Some(entry) = entries.iter().find(|entry| is_same(entry.template, template)) else {
                continue;
            };
            match entry.number {
                Some(number) => json::number(number, json),
                None => json.push_str(&entry.texts),
            }
        }
        json.push_str(&rest[from..]);
        json.push_str(&table);
    }
}

fn is_same(one: &Template, other: &Template) -> bool {
    std::ptr::eq(one, other) || one.statics() == other.statics()
}

fn count(places: &[(usize, &'static Template)]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (_, template) in places {
        if let Some(entry) = entries.iter_mut().find(|entry| is_same(entry.template, template)) {
            entry.uses += 1;
            continue;
        }
        let mut texts = String::new();
        json::strings(template.statics(), &mut texts);
        entries.push(Entry {
            template,
            texts,
            uses: 1,
            number: None,
        });
    }
    entries
}

/// Numbers what is worth a place in the table and returns the table, or nothing if the message is shorter without.
fn table(entries: &mut [Entry]) -> String {
    let mut table = String::from(",\"p\":{");
    let (mut saved, mut number) = (0, 0_usize);
    for entry in entries.iter_mut() {
        let before = table.len();
        if number > 0 {
            table.push(',');
        }
        json::index(number, &mut table);
        table.push_str(&entry.texts);
        let digits = number.checked_ilog10().map_or(1, |digits| digits as usize + 1);
        let shared = table.len() - before + entry.uses * digits;
        let in_place = entry.uses * entry.texts.len();
        if in_place > shared {
            saved += in_place - shared;
            entry.number = Some(number);
            number += 1;
        } else {
            table.truncate(before);
        }
    }
    table.push('}');
    if saved > AROUND_TABLE {
        return table;
    }
    for entry in entries {
        entry.number = None;
    }
    String::new()
}
