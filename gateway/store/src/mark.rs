//! The two marks that say which schema version a store has.
//!
//! One mark is a record in the store, written with the data it speaks of: it is the truth. The other is a
//! small plain file beside the store, read before the engine is opened, because opening alone may write: a
//! program that is too old must leave everything as it is. The file is raised before a migration begins and
//! lowered after it has ended, so wherever the power is cut it is never lower than what the data holds, and
//! an older program is refused rather than let in by mistake.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::engine::{Engine, Write};
use crate::lock::{DirLock, replace_file};

/// Name of the plain file.
const FILE: &str = "schema-version";
/// Key of the mark in the store.
const KEY: &[u8] = b"meta/schema";

/// How far the data of a store has been migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Every record has at least this version.
    pub(crate) version: u32,
    /// Some records may have the next version already, or still: a step in either direction was cut.
    pub(crate) unfinished: bool,
}

impl Mark {
    /// The highest version that any record may have.
    pub(crate) fn highest(self) -> u32 {
        self.version.saturating_add(u32::from(self.unfinished))
    }
}

/// The version that the plain file says. `None` if there is none, or if it is damaged: then the mark in the
/// store decides.
pub(crate) fn read_file(lock: &DirLock) -> Option<u32> {
    let text = fs::read_to_string(lock.dir().join(FILE)).ok()?;
    let version = text.trim().parse().ok();
    if version.is_none() {
        tracing::warn!(dir = %lock.dir().display(), "the file {FILE} is damaged: the store's mark decides");
    }
    version
}

/// Sets the plain file, durably, if it says anything else.
pub(crate) fn write_file(lock: &DirLock, version: u32) -> Result<(), StoreError> {
    if read_file(lock) == Some(version) {
        return Ok(());
    }
    replace_file(lock, FILE, format!("{version}\n").as_bytes())
}

/// The mark in the store; version 0 if nothing was ever written.
pub(crate) fn read(engine: &Engine) -> Result<Mark, StoreError> {
    let Some(json) = engine.get(KEY)? else {
        return Ok(Mark::default());
    };
    serde_json::from_slice(&json).map_err(|source| StoreError::Unreadable {
        table: "meta".to_owned(),
        key: "schema".to_owned(),
        source,
    })
}

/// Sets the mark in the store, durably, together with all data that was written before.
pub(crate) fn write(engine: &Engine, mark: Mark) -> Result<(), StoreError> {
    let json = serde_json::to_vec(&mark).map_err(|source| StoreError::Unwritable {
        table: "meta".to_owned(),
        key: "schema".to_owned(),
        source,
    })?;
    // First the data, then the mark: the mark must never be on disk without what it speaks of.
    engine.commit()?;
    engine.apply(vec![Write::Put(KEY.to_vec(), json)])?;
    engine.commit()
}
