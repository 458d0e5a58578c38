//! Streams in a message: rows that the client keeps, so that nothing of them is remembered here.

use super::memory;
use super::writer::Writer;
use crate::render::stream::StreamChange;
use crate::render::{Cid, Template, json};

/// The numbers by which a client knows the streams of its view. Those that are not shown any more are forgotten.
#[derive(Debug, Default)]
pub(super) struct Streams {
    known: Vec<Known>,
    /// So many numbers have been given: none is given twice.
    given: u32,
    /// What is being written: the page, or a live component.
    place: Option<Cid>,
}

#[derive(Debug)]
struct Known {
    id: u64,
    number: u32,
    /// Where it was shown last.
    place: Option<Cid>,
    seen: bool,
}

impl Streams {
    /// From now on the page is written, or a live component.
    pub(super) fn begin(&mut self, place: Option<Cid>) {
        self.place = place;
    }

    /// It is written: what stood there and does not any more is forgotten.
    pub(super) fn end(&mut self) {
        let place = self.place;
        self.known
            .retain_mut(|known| std::mem::take(&mut known.seen) || known.place != place);
    }

    /// Everything on a live component is forgotten.
    pub(super) fn forget(&mut self, cid: Cid) {
        self.known.retain(|known| known.place != Some(cid));
    }

    pub(super) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<Known>()
    }

    /// A stream is shown.
    fn see(&mut self, id: u64) {
        let place = self.place;
        if let Some(known) = self.known.iter_mut().find(|known| known.id == id) {
            (known.place, known.seen) = (place, true);
        }
    }

    /// The number of a stream, which is unique in its view.
    fn number(&mut self, id: u64) -> u32 {
        if let Some(known) = self.known.iter().find(|known| known.id == id) {
            return known.number;
        }
        let (number, place) = (self.given, self.place);
        self.given += 1;
        self.known.push(Known {
            id,
            number,
            place,
            seen: true,
        });
        number
    }
}

impl Writer<'_> {
    /// Writes the changes of a stream, or nothing and `false` if there are none.
    pub(super) fn stream(
        &mut self,
        template: &'static Template,
        count: usize,
        change: &StreamChange,
        old: Option<usize>,
    ) -> bool {
        self.streams.see(change.id);
        let word = memory::list(template);
        let same = self.same(word, old);
        if change.is_empty() {
            if same.is_none() {
                return self.empty_list(old);
            }
            self.remember_stream(word);
            return false;
        }
        let scope = self.shared.open_list();
        self.json.push_str("{\"stream\":");
        self.changes(change);
        self.json.push_str(",\"k\":{");
        let empty = self.json.len();
        let words = self.new.len();
        self.new_entries(template, count);
        self.new.truncate(words);
        self.remember_stream(word);
        self.comma(empty);
        self.end_list(&scope, count, same.is_none().then_some(template));
        true
    }

    /// That the client knows the texts of the rows is all that is remembered.
    fn remember_stream(&mut self, word: u64) {
        self.new.push(word);
        self.new.push(memory::extent(0, 0));
    }

    /// `[reference, [[id, at, limit, update only], …], [deleted id, …], reset]`
    fn changes(&mut self, change: &StreamChange) {
        let number = self.streams.number(change.id);
        let json = &mut self.json;
        json.push_str("[\"");
        json::number(number as usize, json);
        json.push_str("\",[");
        for (at, (dom_id, insert)) in change.inserts.iter().enumerate() {
            json.push_str(if at == 0 { "[" } else { ",[" });
            json::string(dom_id, json);
            let limit = insert
                .limit
                .map_or_else(|| "null".to_owned(), |limit| limit.to_string());
            let update_only = if insert.update_only { "true" } else { "null" };
            json.push_str(&format!(",{},{limit},{update_only}]", insert.at));
        }
        json.push_str("],");
        let deletes: Vec<&str> = change.deletes.iter().map(String::as_str).collect();
        json::strings(&deletes, json);
        json.push_str(if change.reset { ",true]" } else { "]" });
    }
}
