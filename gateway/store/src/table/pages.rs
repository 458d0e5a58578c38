//! Parts of a table: the last records, those that belong to one thing, the first ones; without reading the others.
//!
//! A record that has an index is entered a second time under `table@index/key`, in the batch that writes it.

use super::{Table, decode, engine_key, key_of};
use crate::{Record, StoreError};

/// What stands under the key of an index: nothing, as JSON, so that a backup can carry it.
pub(super) const ENTRY: &[u8] = b"{}";

/// Where a record is entered under what it belongs to. The name of a table has no `@`.
pub(super) fn index_key(table: &str, index: &str, key: &str) -> Vec<u8> {
    engine_key(&format!("{table}@{index}"), key)
}

impl<R: Record> Table<R> {
    /// At most `limit` records with the highest keys, highest first; only those below the key `before`, if it is given.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for the first that can't be read, and what the engine says.
    pub fn last(&self, before: Option<&str>, limit: usize) -> Result<Vec<R>, StoreError> {
        let before = before.map(|before| engine_key(R::TABLE, before));
        let entries = self
            .store
            .engine()
            .scan_back(&engine_key(R::TABLE, ""), before.as_deref());
        entries
            .take(limit)
            .map(|entry| {
                let (engine_key, json) = entry?;
                decode(R::TABLE, &key_of(&engine_key), &json)
            })
            .collect()
    }

    /// The same of the records that belong to `index` ([`Record::index`]).
    ///
    /// # Errors
    /// As [`Self::last`].
    pub fn last_of(&self, index: &str, before: Option<&str>, limit: usize) -> Result<Vec<R>, StoreError> {
        let before = before.map(|before| index_key(R::TABLE, index, before));
        let entries = self
            .store
            .engine()
            .scan_back(&index_key(R::TABLE, index, ""), before.as_deref());
        let mut records = Vec::new();
        for entry in entries.take(limit) {
            let (engine_key, _) = entry?;
            // One that was deleted between the two looks is gone.
            records.extend(self.get(&key_of(&engine_key))?);
        }
        Ok(records)
    }

    /// At most `limit` records with the lowest keys, lowest first.
    ///
    /// # Errors
    /// As [`Self::last`].
    pub fn first(&self, limit: usize) -> Result<Vec<R>, StoreError> {
        self.store
            .engine()
            .scan(&engine_key(R::TABLE, ""))
            .take(limit)
            .map(|entry| {
                let (engine_key, json) = entry?;
                decode(R::TABLE, &key_of(&engine_key), &json)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use roost_model::Command;

    use crate::records::tests_of_commands::command;
    use crate::{Changeset, Store, StoreOptions, Table};

    fn table() -> (Table<Command>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        (store.table(), dir)
    }

    fn put(table: &Table<Command>, ids: &[(&str, &str)]) {
        let records: Vec<_> = ids
            .iter()
            .map(|(id, device)| Changeset::change_of(command(id, device)).finish().unwrap())
            .collect();
        table.put_all(&records).unwrap();
    }

    fn ids(commands: &[Command]) -> Vec<&str> {
        commands.iter().map(|command| command.id.as_str()).collect()
    }

    #[test]
    fn pages_come_newest_first_and_go_on_where_the_last_one_ended() {
        let (table, _dir) = table();
        put(
            &table,
            &[("c1", "a"), ("c2", "b"), ("c3", "a"), ("c4", "a"), ("c5", "b")],
        );
        assert_eq!(ids(&table.last(None, 2).unwrap()), ["c5", "c4"]);
        assert_eq!(ids(&table.last(Some("c4"), 2).unwrap()), ["c3", "c2"]);
        assert_eq!(ids(&table.last(Some("c1"), 2).unwrap()), [""; 0]);
        assert_eq!(ids(&table.last_of("a", None, 2).unwrap()), ["c4", "c3"]);
        assert_eq!(ids(&table.last_of("a", Some("c3"), 2).unwrap()), ["c1"]);
        assert_eq!(ids(&table.last_of("nobody", None, 2).unwrap()), [""; 0]);
        assert_eq!(ids(&table.first(2).unwrap()), ["c1", "c2"]);
    }

    #[test]
    fn a_name_that_begins_like_another_has_its_own_records() {
        let (table, _dir) = table();
        put(&table, &[("c1", "boiler"), ("c2", "boiler2"), ("c3", "boiler-2")]);
        assert_eq!(ids(&table.last_of("boiler", None, 9).unwrap()), ["c1"]);
    }

    #[test]
    fn what_is_deleted_is_found_by_nothing() {
        let (table, _dir) = table();
        put(&table, &[("c1", "a"), ("c2", "a")]);
        assert_eq!(table.delete_all(&["c1", "c9"]).unwrap(), 1);
        assert_eq!(ids(&table.last_of("a", None, 9).unwrap()), ["c2"]);
        assert_eq!(table.count().unwrap(), 1);
    }
}
