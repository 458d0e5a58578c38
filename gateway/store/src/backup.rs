//! A store as text: every record a line of JSON. For backups, and for moving to another storage engine.

use std::io::{BufRead, Read, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Write;
use crate::table::{self, MAX_RECORD_BYTES};
use crate::{Store, StoreError};

/// Longest line that is read: a record, its key, and room for the escapes of JSON.
const MAX_LINE_BYTES: usize = 2 * MAX_RECORD_BYTES;
/// Most records that are read.
const MAX_RECORDS: usize = 1_000_000;
/// What is not data but describes it; it is not part of a backup.
const META: &[u8] = b"meta/";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Heading {
    roost_store: u32,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Line {
    table: String,
    key: String,
    record: Value,
}

impl Store {
    /// Writes every record as a line of JSON after a line with the schema version. Returns the number of
    /// records.
    ///
    /// The backup holds the hashes of passwords and the key of the devices' secrets: it is as secret as the
    /// store.
    ///
    /// # Errors
    /// [`StoreError::Io`] if `out` takes no more, [`StoreError::Unreadable`], and what the engine says.
    pub fn export(&self, out: &mut dyn std::io::Write) -> Result<usize, StoreError> {
        let mut out = std::io::BufWriter::new(out);
        let mut write =
            |line: String| writeln!(out, "{line}").map_err(StoreError::io("writing", "the backup"));
        let heading = Heading {
            roost_store: self.schema_version(),
        };
        write(text_of(&heading, "meta", "heading")?)?;
        let mut records = 0;
        for entry in self.engine().scan(b"") {
            let (engine_key, json) = entry?;
            if engine_key.starts_with(META) {
                continue;
            }
            let table = String::from_utf8_lossy(&engine_key);
            let table = table.split('/').next().unwrap_or_default().to_owned();
            let key = table::key_of(&engine_key);
            let record = table::decode(&table, &key, &json)?;
            let line = Line { table, key, record };
            write(text_of(&line, &line.table, &line.key)?)?;
            records += 1;
        }
        out.flush().map_err(StoreError::io("writing", "the backup"))?;
        Ok(records)
    }

    /// Reads what [`Self::export`] has written into this store, which must have the same schema version and
    /// no records. Returns the number of records. The whole backup is read before anything is written.
    ///
    /// # Errors
    /// [`StoreError::Backup`] says which line does not fit; nothing was written then. And what the engine
    /// says.
    pub fn import(&self, input: &mut dyn BufRead) -> Result<usize, StoreError> {
        let wrong = |line, reason: &dyn std::fmt::Display| StoreError::Backup {
            line,
            reason: reason.to_string(),
        };
        let heading = line_of(input, 1)?.unwrap_or_default();
        let heading: Heading = serde_json::from_str(&heading).map_err(|error| wrong(1, &error))?;
        if heading.roost_store != self.schema_version() {
            let reason = format!(
                "the backup has schema version {}, the store {}",
                heading.roost_store,
                self.schema_version()
            );
            return Err(wrong(1, &reason));
        }
        let mut writes = Vec::new();
        while let Some(text) = line_of(input, writes.len() + 2)? {
            let number = writes.len() + 2;
            let line: Line = serde_json::from_str(&text).map_err(|error| wrong(number, &error))?;
            if writes.len() == MAX_RECORDS {
                return Err(wrong(number, &"too many records"));
            }
            if line.table.is_empty() || line.table.contains('/') || line.table == "meta" {
                return Err(wrong(number, &"not the name of a table"));
            }
            let json = table::encode(&line.table, &line.key, &line.record)?;
            writes.push(Write::Put(table::engine_key(&line.table, &line.key), json));
        }
        let records = writes.len();
        let _writing = self.writing();
        if self.engine().count(b"")? != self.engine().count(META)? {
            return Err(wrong(1, &"the store has records already"));
        }
        self.apply_all(writes)?;
        self.engine().commit()?;
        Ok(records)
    }
}

fn text_of(line: &impl Serialize, table: &str, key: &str) -> Result<String, StoreError> {
    serde_json::to_string(line).map_err(|source| StoreError::Unwritable {
        table: table.to_owned(),
        key: key.to_owned(),
        source,
    })
}

/// The next line, `None` at the end. A line without end is not read into memory.
fn line_of(input: &mut dyn BufRead, number: usize) -> Result<Option<String>, StoreError> {
    let mut text = String::new();
    let read = input
        .take(MAX_LINE_BYTES as u64)
        .read_line(&mut text)
        .map_err(|error| StoreError::Backup {
            line: number,
            reason: error.to_string(),
        })?;
    if read == MAX_LINE_BYTES {
        return Err(StoreError::Backup {
            line: number,
            reason: format!("longer than {MAX_LINE_BYTES} bytes"),
        });
    }
    Ok((read > 0).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Changeset, Secrets, StoreOptions};
    use roost_model::Setting;

    fn setting(id: &str) -> crate::Valid<Setting> {
        let setting = Setting {
            id: id.into(),
            value: "ü\n\"1\"".into(),
        };
        Changeset::change_of(setting).finish().unwrap()
    }

    #[test]
    fn what_was_exported_can_be_imported_into_an_empty_store() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let from = Store::open(from.path(), StoreOptions::default()).unwrap();
        let to = Store::open(to.path(), StoreOptions::default()).unwrap();
        let hash = Secrets::open(&from).unwrap().hash("secret");
        let ids: Vec<String> = (0..2345).map(|number| format!("s{number:05}")).collect();
        let settings = ids.iter().map(|id| setting(id)).collect();
        from.table::<Setting>().insert_all(settings).unwrap();
        let mut backup = Vec::new();
        assert_eq!(from.export(&mut backup).unwrap(), 2346);

        assert_eq!(to.import(&mut backup.as_slice()).unwrap(), 2346);
        assert_eq!(
            to.table::<Setting>().all().unwrap(),
            from.table::<Setting>().all().unwrap()
        );
        assert_eq!(Secrets::open(&to).unwrap().hash("secret"), hash);

        let again = to.import(&mut backup.as_slice()).unwrap_err();
        assert!(again.to_string().contains("has records already"), "{again}");
    }

    #[test]
    fn a_damaged_backup_is_refused_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let heading = format!("{{\"roost_store\":{}}}", store.schema_version());
        let good = r#"{"table":"settings","key":"a","record":{"id":"a","value":"1"}}"#;
        for (text, line) in [
            (String::new(), 1),
            ("{\"roost_store\":99}\n".to_owned(), 1),
            (format!("{heading}\n{good}\nnonsense\n"), 3),
            (format!("{heading}\n{}\n", good.replace("settings", "meta")), 2),
            (format!("{heading}\n{}", "x".repeat(MAX_LINE_BYTES)), 2),
        ] {
            match store.import(&mut text.as_bytes()) {
                Err(StoreError::Backup { line: found, .. }) => assert_eq!(found, line),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(store.table::<Setting>().count().unwrap(), 0);
    }
}
