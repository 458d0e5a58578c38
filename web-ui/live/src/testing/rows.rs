//! What streams have left in their containers: the server keeps no rows, the page does.

use std::collections::BTreeMap;

use super::document::Document;
use super::tree::{Insert, Stream};

/// The rows of every stream's container, by the container's id.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    containers: BTreeMap<String, Vec<Row>>,
}

#[derive(Debug, Clone)]
struct Row {
    id: String,
    part: Document,
}

impl Rows {
    /// Puts into the containers what was left there and what the streams ask for now.
    ///
    /// # Errors
    /// A container without an id, a row without one.
    pub(super) fn place(&mut self, document: &mut Document, streams: &[Stream]) -> Result<(), String> {
        let containers: Vec<_> = document
            .elements()
            .into_iter()
            .filter(|index| {
                let update = document.tag(*index).and_then(|tag| tag.attribute("phx-update"));
                update == Some("stream")
            })
            .collect();
        for container in containers {
            let id = document.tag(container).and_then(|tag| tag.attribute("id"));
            let id = id.ok_or("a stream's container has no id")?.to_owned();
            let new = taken(document, container)?;
            let rows = self.containers.entry(id).or_default();
            for stream in streams {
                update(rows, &new, stream);
            }
            let stray = new
                .iter()
                .find(|row| !streams.iter().any(|stream| inserts(stream, &row.id).is_some()));
            if let Some(row) = stray {
                return Err(format!(
                    "{} stands in a stream's container, but no stream inserts it",
                    row.id
                ));
            }
            let adopted: Vec<_> = rows
                .iter()
                .flat_map(|row| row.part.roots.iter().map(|root| (&row.part, *root)))
                .map(|(part, root)| document.adopt(part, root, Some(container)))
                .collect();
            if let Some(tag) = document.tag_mut(container) {
                tag.children = adopted;
            }
        }
        Ok(())
    }
}

fn inserts<'a>(stream: &'a Stream, id: &str) -> Option<&'a Insert> {
    stream.inserts.iter().find(|insert| insert.id == id)
}

/// The rows that a message brings for a container.
fn taken(document: &Document, container: usize) -> Result<Vec<Row>, String> {
    let children = document
        .tag(container)
        .map(|tag| tag.children.clone())
        .unwrap_or_default();
    let elements = children
        .into_iter()
        .filter(|child| document.tag(*child).is_some());
    let row = |child: usize| {
        let id = document.tag(child).and_then(|tag| tag.attribute("id"));
        let id = id.ok_or("a stream's row has no id")?.to_owned();
        let mut part = Document::default();
        let root = part.adopt(document, child, None);
        part.roots.push(root);
        Ok(Row { id, part })
    };
    elements.map(row).collect()
}

fn update(rows: &mut Vec<Row>, new: &[Row], stream: &Stream) {
    if stream.reset {
        rows.clear();
    }
    rows.retain(|row| !stream.deletes.contains(&row.id));
    for row in new {
        let Some(insert) = inserts(stream, &row.id) else {
            continue;
        };
        let known = rows.iter().position(|old| old.id == row.id);
        match (known, insert.at) {
            (Some(at), _) => rows[at] = row.clone(),
            (None, _) if insert.update_only => {}
            (None, -1) => rows.push(row.clone()),
            (None, at) => {
                let at = usize::try_from(at).unwrap_or(0).min(rows.len());
                rows.insert(at, row.clone());
            }
        }
        if let Some(limit) = insert.limit {
            let keep = usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX);
            if limit >= 0 {
                rows.truncate(keep);
            } else {
                rows.drain(..rows.len().saturating_sub(keep));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::{Document, Insert, Rows, Stream};

    fn insert(id: &str, at: i64, limit: Option<i64>, update_only: bool) -> Insert {
        let id = id.to_owned();
        Insert {
            id,
            at,
            limit,
            update_only,
        }
    }

    fn shown(rows: &mut Rows, new: &str, stream: Stream) -> String {
        let mut document =
            Document::parse(&format!("<ul id=\"l\" phx-update=\"stream\">{new}</ul>")).unwrap();
        rows.place(&mut document, &[stream]).unwrap();
        document.text(document.roots[0])
    }

    fn ask(inserts: Vec<Insert>, deletes: &[&str], reset: bool) -> Stream {
        let deletes = deletes.iter().map(|id| (*id).to_owned()).collect();
        Stream {
            inserts,
            deletes,
            reset,
        }
    }

    #[test]
    fn rows_stay_until_they_are_deleted_pushed_out_or_replaced() {
        let mut rows = Rows::default();
        let row = |id: &str, text: &str| format!("<li id=\"{id}\">{text} </li>");
        let two = vec![insert("a", -1, None, false), insert("b", -1, None, false)];
        assert_eq!(
            shown(&mut rows, &(row("a", "A") + &row("b", "B")), ask(two, &[], false)),
            "A B"
        );
        let first = ask(vec![insert("c", 0, None, false)], &[], false);
        assert_eq!(shown(&mut rows, &row("c", "C"), first), "C A B");
        let changed = ask(vec![insert("a", -1, None, false)], &[], false);
        assert_eq!(shown(&mut rows, &row("a", "AA"), changed), "C AA B");
        let never_added = ask(vec![insert("x", -1, None, true)], &["b"], false);
        assert_eq!(shown(&mut rows, &row("x", "X"), never_added), "C AA");
        let limited = ask(vec![insert("d", -1, Some(-2), false)], &[], false);
        assert_eq!(shown(&mut rows, &row("d", "D"), limited), "AA D");
        let reset = ask(vec![insert("e", -1, None, false)], &[], true);
        assert_eq!(shown(&mut rows, &row("e", "E"), reset), "E");
    }
}
