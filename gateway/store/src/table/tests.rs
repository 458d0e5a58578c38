//! Tests of tables.

use std::time::Instant;

use roost_model::{Device, Setting};
use tempfile::TempDir;

use super::*;
use crate::{Changeset, StoreOptions};

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path(), StoreOptions::default()).unwrap()
}

fn device(id: &str) -> Valid<Device> {
    let device = Device {
        id: id.into(),
        profile: "native".into(),
        ..Device::default()
    };
    Changeset::change_of(device).finish().unwrap()
}

#[test]
fn records_are_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let devices = open(&dir).table::<Device>();
        assert_eq!(devices.count().unwrap(), round);
        devices.insert(device(&format!("d{round:02}"))).unwrap();
    }
    let ids: Vec<String> = open(&dir)
        .table::<Device>()
        .all()
        .unwrap()
        .into_iter()
        .map(|device| device.id)
        .collect();
    assert_eq!((ids.len(), ids.is_sorted()), (20, true));
}

#[test]
fn a_taken_key_is_an_error_and_leaves_the_record_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let devices = open(&dir).table::<Device>();
    devices.insert(device("a")).unwrap();
    let other = Changeset::change_of(device("a").into_inner()).change(|device| device.label = "other".into());
    let other = other.finish().unwrap();
    let error = devices.insert(other.clone()).unwrap_err();
    assert_eq!(error.to_string(), "devices: \"a\" is taken");
    assert_eq!(devices.get("a").unwrap().unwrap().label, "");
    devices.put(other).unwrap();
    assert_eq!(devices.get("a").unwrap().unwrap().label, "other");
    assert_eq!(devices.count().unwrap(), 1);
}

#[test]
fn a_conflict_in_a_batch_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let devices = open(&dir).table::<Device>();
    devices.insert(device("d1500")).unwrap();
    let all = || (0..2000).map(|number| device(&format!("d{number}"))).collect();
    match devices.insert_all(all()) {
        Err(StoreError::Exists { key, .. }) => assert_eq!(key, "d1500"),
        other => panic!("{other:?}"),
    }
    match devices.insert_all(vec![device("x"), device("y"), device("x")]) {
        Err(StoreError::Duplicate { key, .. }) => assert_eq!(key, "x"),
        other => panic!("{other:?}"),
    }
    assert_eq!(devices.count().unwrap(), 1);
    assert!(devices.delete("d1500").unwrap());
    devices.insert_all(all()).unwrap();
    assert_eq!(devices.count().unwrap(), 2000);
}

#[test]
fn a_thousand_devices_are_inserted_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let devices = open(&dir).table::<Device>();
    let batch = (0..1000)
        .map(|number| device(&format!("sim-{number:05}")))
        .collect();
    let begin = Instant::now();
    devices.insert_all(batch).unwrap();
    println!("1,000 devices: {:?}", begin.elapsed());
    let begin = Instant::now();
    devices.insert(device("one-more")).unwrap();
    println!("one device: {:?}", begin.elapsed());
    assert_eq!(devices.count().unwrap(), 1001);
    assert_eq!(devices.all().unwrap().len(), 1001);
    devices.insert_all(Vec::new()).unwrap();
}

#[test]
fn what_was_deleted_is_gone_and_says_so_once() {
    let dir = tempfile::tempdir().unwrap();
    let devices = open(&dir).table::<Device>();
    devices.insert(device("a")).unwrap();
    assert!(devices.delete("a").unwrap());
    assert!(!devices.delete("a").unwrap());
    drop(devices);
    assert_eq!(open(&dir).table::<Device>().get("a").unwrap(), None);
}

#[test]
fn tables_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.table::<Device>().insert(device("same")).unwrap();
    let setting = Setting {
        id: "same".into(),
        value: "1".into(),
    };
    store
        .table::<Setting>()
        .insert(Changeset::change_of(setting).finish().unwrap())
        .unwrap();
    assert!(store.table::<Setting>().delete("same").unwrap());
    assert_eq!(store.table::<Device>().count().unwrap(), 1);
}

#[test]
fn a_record_that_can_not_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store
        .engine()
        .apply(vec![Write::Put(engine_key("devices", "odd"), b"{}".to_vec())])
        .unwrap();
    for error in [
        store.table::<Device>().get("odd").unwrap_err(),
        store.table::<Device>().all().unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            text.starts_with("devices: the record \"odd\" can't be read: missing field"),
            "{text}"
        );
    }
}

#[test]
fn a_record_that_is_too_large_is_refused() {
    let error = encode("devices", "big", &"x".repeat(MAX_RECORD_BYTES)).unwrap_err();
    assert!(
        matches!(error, StoreError::TooLarge { bytes: 65_538, .. }),
        "{error}"
    );
}

#[test]
fn of_two_who_insert_the_same_key_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let devices = open(&dir).table::<Device>();
    for round in 0..20 {
        let results: Vec<bool> = std::thread::scope(|scope| {
            let insert = || devices.insert(device(&format!("d{round}"))).is_ok();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(insert)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|won| **won).count(), 1);
    }
}
