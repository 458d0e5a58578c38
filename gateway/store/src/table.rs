//! A table: records of one type by key, durable when a call returns.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Write;
use crate::{Record, Store, StoreError, Valid};

/// Largest JSON form of a record, in bytes. Beyond it the engine would keep the record in a file of its own,
/// outside of the one file that is synced.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// The records of type `R`. Cloning copies a pointer. All calls block on the disk: from async code use
/// [`Store::run`].
pub struct Table<R> {
    store: Store,
    records: PhantomData<fn() -> R>,
}

impl<R> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            records: PhantomData,
        }
    }
}

impl<R: Record> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&R::TABLE).finish()
    }
}

impl<R: Record> Table<R> {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            records: PhantomData,
        }
    }

    /// Writes a record that is new.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the key is taken, [`StoreError::TooLarge`], and what the engine says.
    pub fn insert(&self, record: Valid<R>) -> Result<(), StoreError> {
        self.insert_all(vec![record])
    }

    /// Writes a record, whether one with its key is there or not.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], and what the engine says.
    pub fn put(&self, record: Valid<R>) -> Result<(), StoreError> {
        self.put_all(&[record])
    }

    /// Writes many records with one sync, whether ones with their keys are there or not. Up to 500 records are one
    /// atomic batch; of more, a power cut during the call may leave the first.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], then nothing was written; and what the engine says.
    pub fn put_all(&self, records: &[Valid<R>]) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(records.len());
        for record in records {
            Self::write_of(record, &mut writes)?;
        }
        {
            let _writing = self.store.writing();
            self.store.apply_all(writes)?;
        }
        self.store.engine().commit()
    }

    /// Writes many new records with one sync. Every key is checked before anything is written, so a conflict
    /// leaves nothing behind. Up to 1,000 records are one atomic batch; of more, a power cut during the call
    /// may leave the first thousands.
    ///
    /// # Errors
    /// [`StoreError::Exists`] or [`StoreError::Duplicate`] name the first key that is in the way,
    /// [`StoreError::TooLarge`] a record; then nothing was written. And what the engine says.
    pub fn insert_all(&self, records: Vec<Valid<R>>) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(records.len());
        let mut keys = BTreeSet::new();
        for record in &records {
            if !keys.insert(record.key()) {
                return Err(StoreError::Duplicate {
                    table: R::TABLE,
                    key: record.key().to_owned(),
                });
            }
            Self::write_of(record, &mut writes)?;
        }
        {
            let _writing = self.store.writing();
            for key in keys {
                if self.store.engine().contains(&engine_key(R::TABLE, key))? {
                    return Err(StoreError::Exists {
                        table: R::TABLE,
                        key: key.to_owned(),
                    });
                }
            }
            self.store.apply_all(writes)?;
        }
        self.store.engine().commit()
    }

    /// The record with this key, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if what is stored is not such a record, and what the engine says.
    pub fn get(&self, key: &str) -> Result<Option<R>, StoreError> {
        match self.store.engine().get(&engine_key(R::TABLE, key))? {
            None => Ok(None),
            Some(json) => decode(R::TABLE, key, &json).map(Some),
        }
    }

    /// All records, by key.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for the first that can't be read, and what the engine says.
    pub fn all(&self) -> Result<Vec<R>, StoreError> {
        self.store
            .engine()
            .scan(&engine_key(R::TABLE, ""))
            .map(|entry| {
                let (engine_key, json) = entry?;
                decode(R::TABLE, &key_of(&engine_key), &json)
            })
            .collect()
    }

    /// Number of records. Reads all keys.
    ///
    /// # Errors
    /// What the engine says.
    pub fn count(&self) -> Result<usize, StoreError> {
        self.store.engine().count(&engine_key(R::TABLE, ""))
    }

    /// Deletes the record with this key. Says whether there was one.
    ///
    /// # Errors
    /// What the engine says.
    pub fn delete(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.delete_all(&[key])? > 0)
    }

    /// Deletes the records with these keys with one sync. Returns how many there were.
    ///
    /// # Errors
    /// What the engine says.
    pub fn delete_all(&self, keys: &[impl AsRef<str>]) -> Result<usize, StoreError> {
        let (mut writes, mut deleted) = (Vec::new(), 0);
        {
            let _writing = self.store.writing();
            for key in keys.iter().map(AsRef::as_ref) {
                let engine_key = engine_key(R::TABLE, key);
                let Some(json) = self.store.engine().get(&engine_key)? else {
                    continue;
                };
                deleted += 1;
                writes.push(Write::Delete(engine_key));
                // A record that can't be read has nothing that leads to it.
                if let Ok(record) = decode::<R>(R::TABLE, key, &json)
                    && let Some(index) = record.index()
                {
                    writes.push(Write::Delete(pages::index_key(R::TABLE, index, key)));
                }
            }
            if deleted == 0 {
                return Ok(0);
            }
            self.store.apply_all(writes)?;
        }
        self.store.engine().commit()?;
        Ok(deleted)
    }

    fn write_of(record: &R, writes: &mut Vec<Write>) -> Result<(), StoreError> {
        let json = encode(R::TABLE, record.key(), record)?;
        writes.push(Write::Put(engine_key(R::TABLE, record.key()), json));
        if let Some(index) = record.index() {
            let key = pages::index_key(R::TABLE, index, record.key());
            writes.push(Write::Put(key, pages::ENTRY.to_vec()));
        }
        Ok(())
    }
}

/// Where the engine keeps a record: `table/key`. A table's name has no slash, so tables can't run into each
/// other.
pub(crate) fn engine_key(table: &str, key: &str) -> Vec<u8> {
    format!("{table}/{key}").into_bytes()
}

/// The record's key out of the engine's.
pub(crate) fn key_of(engine_key: &[u8]) -> String {
    let text = String::from_utf8_lossy(engine_key);
    text.split_once('/')
        .map_or_else(String::new, |(_, key)| key.to_owned())
}

/// The stored form of a record.
pub(crate) fn encode(table: &str, key: &str, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(record).map_err(|source| StoreError::Unwritable {
        table: table.to_owned(),
        key: key.to_owned(),
        source,
    })?;
    if json.len() > MAX_RECORD_BYTES {
        return Err(StoreError::TooLarge {
            table: table.to_owned(),
            key: key.to_owned(),
            bytes: json.len(),
            max: MAX_RECORD_BYTES,
        });
    }
    Ok(json)
}

/// A record out of its stored form.
pub(crate) fn decode<T: DeserializeOwned>(table: &str, key: &str, json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|source| StoreError::Unreadable {
        table: table.to_owned(),
        key: key.to_owned(),
        source,
    })
}

mod pages;

#[cfg(test)]
mod tests;
