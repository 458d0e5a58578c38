//! Migrations: steps that turn the records of one schema version into those of the next, and back.
//!
//! A step is not one transaction: that would hold all its records in memory. Instead the store says "between
//! versions" while a step runs, and a step that was cut (power, a full disk) is run again from its beginning,
//! in either direction, before anything else happens. So `up` and `down` must be idempotent for each record:
//! given one that they have changed already, they leave it as it is. The methods of [`Migrating`] make that
//! the natural way to write them.

use serde_json::{Map, Value};

use crate::engine::{Engine, MAX_BATCH, Write};
use crate::mark::{self, Mark};
use crate::{StoreError, table};

/// One step of the schema, in both directions.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The version that the store has after `up`; versions count from 1 without gaps.
    pub version: u32,
    /// What the step does, in a few words.
    pub name: &'static str,
    /// Turns records of the version before into this one.
    pub up: fn(&mut Migrating<'_>) -> Result<(), StoreError>,
    /// Turns records of this version into the one before.
    pub down: fn(&mut Migrating<'_>) -> Result<(), StoreError>,
}

/// The tables as a migration sees them: raw JSON, because the types of the program have moved on.
#[derive(Debug)]
pub struct Migrating<'a> {
    engine: &'a Engine,
}

impl Migrating<'_> {
    /// Shows every record of `table` to `change` and writes those that it changes. Returns how many that
    /// were.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for a record that is not a JSON object, [`StoreError::TooLarge`] for one
    /// that has become too large, and what the engine says. Records that were written before stay written.
    pub fn each(
        &mut self,
        table: &str,
        mut change: impl FnMut(&str, &mut Map<String, Value>),
    ) -> Result<usize, StoreError> {
        self.rewrite(table, |key, record| {
            change(key, record);
            true
        })
    }

    /// Gives the field `from` of every record the name `to`. A record that has `to` already keeps it.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn rename_field(&mut self, table: &str, from: &str, to: &str) -> Result<usize, StoreError> {
        self.each(table, |_, record| {
            if let Some(value) = record.remove(from) {
                record.entry(to).or_insert(value);
            }
        })
    }

    /// Gives every record that lacks `field` this value for it.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn add_field(&mut self, table: &str, field: &str, value: &Value) -> Result<usize, StoreError> {
        self.each(table, |_, record| {
            if !record.contains_key(field) {
                record.insert(field.to_owned(), value.clone());
            }
        })
    }

    /// Takes `field` from every record. A `down` can't bring its values back.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn remove_field(&mut self, table: &str, field: &str) -> Result<usize, StoreError> {
        self.each(table, |_, record| {
            record.remove(field);
        })
    }

    /// Keeps the records of which `keep` says so and deletes the others. Returns how many were deleted.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn retain(
        &mut self,
        table: &str,
        mut keep: impl FnMut(&str, &Map<String, Value>) -> bool,
    ) -> Result<usize, StoreError> {
        self.rewrite(table, |key, record| keep(key, record))
    }

    /// Writes one record, whether it was there or not.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], and what the engine says.
    pub fn put(&mut self, table: &str, key: &str, record: Map<String, Value>) -> Result<(), StoreError> {
        let json = table::encode(table, key, &record)?;
        self.engine
            .apply(vec![Write::Put(table::engine_key(table, key), json)])
    }

    /// Goes through a table; `change` says whether the record stays.
    fn rewrite(
        &mut self,
        table: &str,
        mut change: impl FnMut(&str, &mut Map<String, Value>) -> bool,
    ) -> Result<usize, StoreError> {
        let mut writes = Vec::new();
        let mut written = 0;
        for entry in self.engine.scan(&table::engine_key(table, "")) {
            let (engine_key, json) = entry?;
            let key = table::key_of(&engine_key);
            let mut record: Map<String, Value> = table::decode(table, &key, &json)?;
            let before = record.clone();
            if !change(&key, &mut record) {
                writes.push(Write::Delete(engine_key));
            } else if record != before {
                writes.push(Write::Put(engine_key, table::encode(table, &key, &record)?));
            }
            if writes.len() == MAX_BATCH {
                written += writes.len();
                self.engine.apply(std::mem::take(&mut writes))?;
            }
        }
        written += writes.len();
        self.engine.apply(writes)?;
        Ok(written)
    }
}

/// The newest version of a list of migrations.
pub(crate) fn newest(migrations: &[Migration]) -> u32 {
    migrations
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// Brings the data and both marks to `target`. A step that was cut earlier is finished first.
pub(crate) fn migrate(engine: &Engine, migrations: &[Migration], target: u32) -> Result<(), StoreError> {
    let known = newest(migrations);
    if target > known {
        return Err(StoreError::UnknownVersion { asked: target, known });
    }
    loop {
        let mark = mark::read(engine)?;
        if mark.highest() > known {
            // Only if the plain file was lost: it would have refused before.
            return Err(StoreError::Newer {
                found: mark.highest(),
                known,
            });
        }
        if mark.version == target && !mark.unfinished {
            return mark::write_file(engine.lock(), target);
        }
        let upwards = mark.version < target;
        let version = if upwards || mark.unfinished {
            mark.version + 1
        } else {
            mark.version
        };
        step(engine, migrations, version, upwards)?;
    }
}

/// Runs the step between `version - 1` and `version`.
fn step(engine: &Engine, migrations: &[Migration], version: u32, upwards: bool) -> Result<(), StoreError> {
    let Some(migration) = migrations.iter().find(|migration| migration.version == version) else {
        return Err(StoreError::UnknownVersion {
            asked: version,
            known: newest(migrations),
        });
    };
    let name = migration.name;
    tracing::info!(
        version,
        name,
        direction = if upwards { "up" } else { "down" },
        "migrating the store"
    );
    mark::write_file(
        engine.lock(),
        version.max(mark::read_file(engine.lock()).unwrap_or(0)),
    )?;
    let below = version - 1;
    mark::write(
        engine,
        Mark {
            version: below,
            unfinished: true,
        },
    )?;
    let run = if upwards { migration.up } else { migration.down };
    run(&mut Migrating { engine }).map_err(|source| StoreError::Migration {
        version,
        name,
        source: Box::new(source),
    })?;
    mark::write(
        engine,
        Mark {
            version: if upwards { version } else { below },
            unfinished: false,
        },
    )
}

#[cfg(test)]
mod tests;
