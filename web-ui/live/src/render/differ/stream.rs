//! Streams in a message: rows that the client keeps, so that nothing of them is remembered here.

use super::memory;
use super::writer::Writer;
use crate::render::stream::StreamChange;
use crate::render::{Template, json};

impl Writer<'_> {
    /// Writes the changes of a stream, or nothing and `false` if there are none.
    pub(super) fn stream(
        &mut self,
        template: &'static Template,
        count: usize,
        change: &StreamChange,
        old: Option<usize>,
    ) -> bool {
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
        let number = self.stream_number(change.id);
        let json = &mut self.json;
        json.push_str("[\"");
        json::number(number, json);
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

    /// The client knows a stream by a number that is unique in its view.
    fn stream_number(&mut self, id: u64) -> usize {
        let known = self.streams.iter().position(|known| *known == id);
        known.unwrap_or_else(|| {
            self.streams.push(id);
            self.streams.len() - 1
        })
    }
}
