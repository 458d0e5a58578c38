//! Streams: long lists whose rows the browser keeps and the server does not.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many changes a stream keeps until they are rendered. Beyond, the oldest are dropped and counted.
pub const PENDING: usize = 10_000;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A list whose rows live in the browser. It holds the changes that no render has taken yet, and no rows.
///
/// ```
/// use roost_live::{Stream, html, render::Insert};
///
/// let mut rows = Stream::new();
/// rows.insert("row-1", "first");
/// rows.insert_with("row-0", "before it", Insert::new().at(0).limit(100));
/// let page = html! {
///     <table><tbody id="rows" phx-update="stream">
///         {stream (id, row) in &rows { <tr id={id}><td>{row}</td></tr> }}
///     </tbody></table>
/// };
/// assert!(page.to_html().contains("<tr id=\"row-1\"><td>first</td></tr>"));
/// ```
///
/// The element around the rows has an `id` and `phx-update="stream"`, each row an `id` of its own. A row is told
/// from the others by that `id`: inserting one again changes the row where it is.
///
/// To show other rows in the place of all these, [`reset`](Self::reset) the stream: another stream in its place knows
/// nothing of them, and the browser keeps them.
#[derive(Debug)]
pub struct Stream<T> {
    id: u64,
    // Rendering takes the changes, and rendering has the state by shared reference.
    pending: Mutex<Pending<T>>,
}

#[derive(Debug)]
struct Pending<T> {
    changes: VecDeque<Change<T>>,
    reset: bool,
    dropped: u64,
}

#[derive(Debug)]
enum Change<T> {
    Insert(String, T, Insert),
    Delete(String),
}

impl<T> Change<T> {
    fn dom_id(&self) -> &str {
        match self {
            Self::Insert(dom_id, ..) | Self::Delete(dom_id) => dom_id,
        }
    }
}

/// Where a row goes, and what becomes of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insert {
    pub(super) at: i64,
    pub(super) limit: Option<i64>,
    pub(super) update_only: bool,
}

impl Default for Insert {
    fn default() -> Self {
        Self::new()
    }
}

impl Insert {
    /// After the last row.
    pub fn new() -> Self {
        Self {
            at: -1,
            limit: None,
            update_only: false,
        }
    }

    /// At this place: 0 is before the first row, -1 and any other negative number after the last.
    #[must_use]
    pub fn at(mut self, at: i64) -> Self {
        self.at = at;
        self
    }

    /// Keeps the first `limit` rows, or with a negative number the last; the browser removes the others. 0
    /// is no limit.
    #[must_use]
    pub fn limit(mut self, limit: i64) -> Self {
        self.limit = (limit != 0).then_some(limit);
        self
    }

    /// Changes a row that is there, and does nothing if it is not.
    #[must_use]
    pub fn update_only(mut self) -> Self {
        self.update_only = true;
        self
    }
}

impl<T> Default for Stream<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Stream<T> {
    /// A stream without rows.
    pub fn new() -> Self {
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            pending: Mutex::new(Pending {
                changes: VecDeque::new(),
                reset: false,
                dropped: 0,
            }),
        }
    }

    /// Puts a row after the last, or changes the one with that `id`.
    pub fn insert(&mut self, dom_id: impl Into<String>, row: T) {
        self.insert_with(dom_id, row, Insert::new());
    }

    /// Puts a row where `insert` says, or changes the one with that `id` where it is.
    pub fn insert_with(&mut self, dom_id: impl Into<String>, row: T, insert: Insert) {
        self.pending().push(Change::Insert(dom_id.into(), row, insert));
    }

    /// Removes the row with that `id`.
    pub fn delete(&mut self, dom_id: impl Into<String>) {
        self.pending().push(Change::Delete(dom_id.into()));
    }

    /// Removes all rows; what is inserted afterwards stays.
    pub fn reset(&mut self) {
        let mut pending = self.pending();
        pending.changes.clear();
        pending.reset = true;
    }

    /// How many changes were dropped because [`PENDING`] of them waited for a render.
    pub fn dropped(&self) -> u64 {
        self.pending().dropped
    }

    /// The changes since the last render, for `html!`.
    pub fn take(&self) -> Batch<T> {
        let mut pending = self.pending();
        let changes = std::mem::take(&mut pending.changes);
        let reset = std::mem::take(&mut pending.reset);
        drop(pending);
        Batch::new(self.id, changes, reset)
    }

    fn pending(&self) -> MutexGuard<'_, Pending<T>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Pending<T> {
    fn push(&mut self, change: Change<T>) {
        if self.changes.len() >= PENDING {
            self.changes.pop_front();
            self.dropped += 1;
        }
        self.changes.push_back(change);
    }
}

/// The changes of a stream that one render takes.
#[derive(Debug)]
pub struct Batch<T> {
    rows: Vec<(String, T)>,
    change: StreamChange,
}

/// What the client is told of a stream besides its rows.
#[derive(Debug, Clone)]
pub(super) struct StreamChange {
    /// Unique among the streams of this process.
    pub(super) id: u64,
    pub(super) inserts: Vec<(String, Insert)>,
    pub(super) deletes: Vec<String>,
    pub(super) reset: bool,
}

impl StreamChange {
    pub(super) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.deletes.is_empty() && !self.reset
    }
}

impl<T> Batch<T> {
    /// Of changes to one row, the last counts.
    fn new(id: u64, changes: VecDeque<Change<T>>, reset: bool) -> Self {
        let mut last = HashSet::new();
        let mut deleted = HashSet::new();
        let keep: Vec<bool> = changes
            .iter()
            .rev()
            .map(|change| {
                let is_last = last.insert(change.dom_id());
                match change {
                    Change::Insert(..) => is_last,
                    // A row that is deleted and inserted again goes to its new place.
                    Change::Delete(dom_id) => deleted.insert(dom_id.as_str()),
                }
            })
            .collect();
        let mut change = StreamChange {
            id,
            inserts: Vec::new(),
            deletes: Vec::new(),
            reset,
        };
        let mut rows = Vec::new();
        for (kept, one) in keep.into_iter().rev().zip(changes) {
            match one {
                _ if !kept => {}
                Change::Insert(dom_id, row, insert) => {
                    change.inserts.push((dom_id.clone(), insert));
                    rows.push((dom_id, row));
                }
                Change::Delete(dom_id) => change.deletes.push(dom_id),
            }
        }
        Self { rows, change }
    }

    /// The rows to render, each with its `id`.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &T)> {
        self.rows.iter().map(|(dom_id, row)| (dom_id.as_str(), row))
    }

    pub(super) fn change(&self) -> &StreamChange {
        &self.change
    }
}
