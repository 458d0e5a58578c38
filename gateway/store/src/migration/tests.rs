//! Tests of migrations: there and back, cut in the middle, refused by an older program.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use roost_model::Device;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{Changeset, Store, StoreOptions};

thread_local! {
    /// After how many records a step fails; below zero never.
    static FAIL_AFTER: Cell<i64> = const { Cell::new(-1) };
}

fn count_down() -> Result<(), StoreError> {
    FAIL_AFTER.with(|left| {
        let before = left.get();
        left.set(before - 1);
        if before == 0 {
            Err(StoreError::Engine("cut".to_owned()))
        } else {
            Ok(())
        }
    })
}

/// Renames a field, record by record, so that it can be cut after any number of them.
fn rename(migrating: &mut Migrating<'_>, from: &str, to: &str) -> Result<(), StoreError> {
    let mut cut = Ok(());
    migrating.each("devices", |_, record| {
        if cut.is_ok() {
            cut = count_down();
        }
        if cut.is_ok()
            && let Some(value) = record.remove(from)
        {
            record.insert(to.to_owned(), value);
        }
    })?;
    cut
}

static STEPS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tables",
        up: |_| Ok(()),
        down: |_| Ok(()),
    },
    Migration {
        version: 2,
        name: "label becomes title",
        up: |migrating| rename(migrating, "label", "title"),
        down: |migrating| rename(migrating, "title", "label"),
    },
    Migration {
        version: 3,
        name: "devices have a site",
        up: |migrating| migrating.add_field("devices", "site", &json!("main")).map(drop),
        down: |migrating| migrating.remove_field("devices", "site").map(drop),
    },
];

fn open(dir: &TempDir, target: u32) -> Result<Store, StoreError> {
    Store::open_with(dir.path(), StoreOptions::default(), STEPS, target)
}

fn records(store: &Store) -> Vec<Value> {
    let entries = store.engine().scan(b"devices/");
    entries
        .map(|entry| serde_json::from_slice(&entry.unwrap().1).unwrap())
        .collect()
}

/// A store of version 1 with this many devices, and its records.
fn store_of(devices: usize) -> (TempDir, Vec<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, 1).unwrap();
    let all = (0..devices).map(|number| {
        let device = Device {
            id: format!("d{number:05}"),
            label: format!("Device {number}"),
            profile: "native".into(),
            ..Device::default()
        };
        Changeset::change_of(device).finish().unwrap()
    });
    store.table::<Device>().insert_all(all.collect()).unwrap();
    let before = records(&store);
    (dir, before)
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn up_and_down_again_restores_the_same_records() {
    let (dir, before) = store_of(2500);
    let store = open(&dir, 3).unwrap();
    assert_eq!(store.schema_version(), 3);
    for record in records(&store) {
        assert_eq!((&record["site"], record.get("label")), (&json!("main"), None));
        assert!(record["title"].as_str().unwrap().starts_with("Device "));
    }
    drop(store);
    let store = open(&dir, 1).unwrap();
    assert_eq!(records(&store), before);
    assert_eq!(store.table::<Device>().count().unwrap(), 2500);
}

#[test]
fn a_step_that_was_cut_is_finished_in_either_direction() {
    let (dir, before) = store_of(1800);
    let (all_up, _) = {
        let (other, _) = store_of(1800);
        let store = open(&other, 2).unwrap();
        (records(&store), other)
    };
    // (target of the step that is cut, target of the next opening)
    for (cut, next) in [(2, 2), (1, 1), (2, 1), (2, 2), (1, 2)] {
        FAIL_AFTER.set(1200);
        let error = open(&dir, cut).map(drop);
        FAIL_AFTER.set(-1);
        let store = open(&dir, next).unwrap();
        let wanted = if next == 2 { &all_up } else { &before };
        let found = records(&store);
        let differ = found.iter().zip(wanted).find(|(found, wanted)| found != wanted);
        assert_eq!(differ, None, "cut on the way to {cut}, then {next}");
        assert_eq!(found.len(), wanted.len());
        assert_eq!(mark::read_file(store.engine().lock()), Some(next));
        if let Err(error) = error {
            assert!(
                error
                    .to_string()
                    .starts_with("migration 2 (label becomes title): "),
                "{error}"
            );
        }
    }
}

#[test]
fn while_a_step_is_unfinished_the_older_program_is_refused() {
    let (dir, _) = store_of(10);
    FAIL_AFTER.set(5);
    assert!(open(&dir, 2).is_err());
    FAIL_AFTER.set(-1);
    let older = Store::open_with(dir.path(), StoreOptions::default(), &STEPS[..1], 1);
    assert!(matches!(older, Err(StoreError::Newer { found: 2, known: 1 })));
}

#[test]
fn a_newer_store_is_refused_and_no_byte_of_it_is_touched() {
    let (dir, _) = store_of(100);
    drop(open(&dir, 3).unwrap());
    let before = files(dir.path());
    let error = Store::open_with(dir.path(), StoreOptions::default(), &STEPS[..2], 2).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 3, known: 2 }),
        "{error}"
    );
    assert_eq!(files(dir.path()), before);
    // The way back: the newer program migrates down, then the older one opens.
    drop(open(&dir, 2).unwrap());
    Store::open_with(dir.path(), StoreOptions::default(), &STEPS[..2], 2).unwrap();
}

#[test]
fn without_the_plain_file_the_mark_in_the_store_still_refuses() {
    let (dir, _) = store_of(10);
    drop(open(&dir, 3).unwrap());
    for damage in [None, Some("garbage"), Some("1\n")] {
        let file = dir.path().join("schema-version");
        match damage {
            None => fs::remove_file(&file).unwrap(),
            Some(text) => fs::write(&file, text).unwrap(),
        }
        let older = Store::open_with(dir.path(), StoreOptions::default(), &STEPS[..2], 2);
        assert!(
            matches!(older, Err(StoreError::Newer { found: 3, known: 2 })),
            "{damage:?}"
        );
    }
    drop(open(&dir, 3).unwrap());
    assert_eq!(
        fs::read_to_string(dir.path().join("schema-version")).unwrap(),
        "3\n"
    );
}

#[test]
fn a_version_that_nobody_knows_is_an_error() {
    let (dir, _) = store_of(1);
    let error = open(&dir, 9).unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownVersion { asked: 9, known: 3 }),
        "{error}"
    );
    assert!(matches!(
        Store::migrate_to(dir.path(), 9),
        Err(StoreError::UnknownVersion { asked: 9, .. })
    ));
}

#[test]
fn records_can_be_dropped_and_added_by_a_step() {
    let (dir, _) = store_of(10);
    let store = open(&dir, 1).unwrap();
    let mut migrating = Migrating {
        engine: store.engine(),
    };
    let dropped = migrating.retain("devices", |key, _| key > "d00004").unwrap();
    let record = json!({"id": "new"}).as_object().unwrap().clone();
    migrating.put("devices", "new", record).unwrap();
    let renamed = migrating.rename_field("devices", "label", "name").unwrap();
    let again = migrating.rename_field("devices", "label", "name").unwrap();
    assert_eq!((dropped, renamed, again, records(&store).len()), (5, 5, 0, 6));
}
