//! Tests of the last values: each promise by itself; `random` tests them all at once.

use std::collections::BTreeMap;
use std::fs;

use roost_model::{ClockQuality, Timestamp, Unit, Value};
use tempfile::TempDir;

use super::*;

mod random;

fn reading(seq: u64, text_bytes: usize) -> Reading {
    Reading {
        seq,
        at: Timestamp::from_unix_ms(1_790_000_000_000, ClockQuality::Synced),
        value: Ok(Value::Text("x".repeat(text_bytes))),
        unit: Unit::NONE,
        cadence: None,
    }
}

fn dir() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last-values");
    (dir, path)
}

fn open(path: &Path) -> (LastValues, BTreeMap<String, Reading>) {
    let (values, found) = LastValues::open(path).unwrap();
    (values, found.into_iter().collect())
}

#[test]
fn a_value_survives_the_process_without_a_commit() {
    let (_dir, path) = dir();
    let (values, found) = open(&path);
    assert!(found.is_empty());
    values.put("boiler/flow", &reading(7, 3)).unwrap();
    values.put("boiler/flow", &reading(8, 4)).unwrap();
    assert_eq!(values.highest_seq(), 8);
    drop(values);
    let (values, found) = open(&path);
    assert_eq!(found, BTreeMap::from([("boiler/flow".to_owned(), reading(8, 4))]));
    assert_eq!((values.highest_seq(), values.skipped()), (8, 0));
}

#[test]
fn the_highest_number_outlives_the_device_that_had_it() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    values.put("a/p", &reading(1, 1)).unwrap();
    values.put("b/p", &reading(9, 1)).unwrap();
    values.remove_device("b").unwrap();
    drop(values);
    let (values, found) = open(&path);
    assert_eq!(
        (found.into_keys().collect::<Vec<_>>(), values.highest_seq()),
        (vec!["a/p".to_owned()], 9)
    );
}

#[test]
fn a_device_whose_name_begins_like_another_keeps_its_values() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    for key in ["pump/a", "pump/b", "pump2/a", "pump.x/a"] {
        values.put(key, &reading(1, 1)).unwrap();
    }
    values.remove_device("pump").unwrap();
    drop(values);
    assert_eq!(open(&path).1.keys().collect::<Vec<_>>(), ["pump.x/a", "pump2/a"]);
}

#[test]
fn what_is_too_large_is_refused_and_the_value_before_stays() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    let overhead = serde_json::to_vec(&reading(1, 0)).unwrap().len();
    let largest = reading(1, MAX_READING_BYTES - overhead);
    values.put(&"k".repeat(MAX_KEY_BYTES), &largest).unwrap();
    values.put("a/p", &reading(1, 10)).unwrap();
    for result in [
        values.put("a/p", &reading(1, MAX_READING_BYTES - overhead + 1)),
        values.put(&"k".repeat(MAX_KEY_BYTES + 1), &reading(1, 1)),
    ] {
        assert!(
            matches!(result, Err(StoreError::ReadingTooLarge { .. })),
            "{result:?}"
        );
    }
    drop(values);
    let (_, found) = open(&path);
    assert_eq!(found["a/p"], reading(1, 10));
    assert_eq!(found[&"k".repeat(MAX_KEY_BYTES)], largest);
}

#[test]
fn slots_that_were_outgrown_or_removed_are_used_again() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    let mut length = 0;
    for round in 0..20_u64 {
        for point in 0..200 {
            for bytes in [1, 100, 500] {
                values
                    .put(&format!("d/p{point}"), &reading(round, bytes))
                    .unwrap();
            }
        }
        values.remove_device("d").unwrap();
        let now = fs::metadata(&path).unwrap().len();
        assert!(round == 0 || now == length, "round {round}: {length} to {now}");
        length = now;
    }
}

#[test]
fn a_second_handle_is_told_that_the_file_is_in_use() {
    let (_dir, path) = dir();
    let first = open(&path);
    assert!(matches!(LastValues::open(&path), Err(StoreError::Locked { .. })));
    drop(first);
    open(&path);
}

#[test]
fn a_write_that_was_torn_at_any_byte_leaves_the_old_or_the_new_value() {
    for bytes in [5, 700, 3900] {
        let (dir, path) = dir();
        let (values, _) = open(&path);
        values.put("other/p", &reading(1, bytes)).unwrap();
        values.put("d/p", &reading(1, bytes)).unwrap();
        values.commit().unwrap();
        values.put("d/p", &reading(2, bytes)).unwrap();
        values.commit().unwrap();
        let before = fs::read(&path).unwrap();
        values.put("d/p", &reading(3, bytes)).unwrap();
        drop(values);
        let after = fs::read(&path).unwrap();
        let changed: Vec<usize> = (0..after.len()).filter(|at| before[*at] != after[*at]).collect();
        let (first, last) = (changed[0], changed[changed.len() - 1]);
        let torn = dir.path().join("torn");
        for cut in first..=last + 1 {
            let mut content = before.clone();
            content[first..cut].copy_from_slice(&after[first..cut]);
            fs::write(&torn, &content).unwrap();
            let (values, found) = open(&torn);
            let seq = found["d/p"].seq;
            assert!(
                seq == 2 && cut <= last || seq == 3 && cut > last,
                "cut at {cut} of {first}..{last}: {seq}"
            );
            assert_eq!((found["other/p"].seq, values.skipped()), (1, 0));
        }
    }
}

#[test]
fn what_is_not_one_of_our_files_is_set_aside() {
    let (dir, path) = dir();
    fs::write(&path, b"something else").unwrap();
    drop(open(&path));
    assert_eq!(
        fs::read(dir.path().join("last-values.broken-1")).unwrap(),
        b"something else"
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    drop(open(&path));
    assert!(dir.path().join("last-values.broken-2").is_dir());
    fs::write(&path, b"").unwrap();
    drop(open(&path));
    assert!(!dir.path().join("last-values.broken-3").exists());
    for _ in 0..20 {
        fs::write(&path, b"again").unwrap();
        drop(open(&path));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 9);
}

#[test]
fn a_damaged_value_is_skipped_and_counted_and_its_slot_used_again() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    for point in 0..3 {
        values.put(&format!("d/p{point}"), &reading(1, 1)).unwrap();
    }
    drop(values);
    let mut content = fs::read(&path).unwrap();
    let at = content.windows(4).position(|bytes| bytes == b"d/p1").unwrap();
    content[at] ^= 1;
    fs::write(&path, &content).unwrap();
    let (values, found) = open(&path);
    assert_eq!(
        (found.into_keys().collect::<Vec<_>>(), values.skipped()),
        (vec!["d/p0".to_owned(), "d/p2".to_owned()], 1)
    );
    values.put("d/p1", &reading(2, 1)).unwrap();
    drop(values);
    assert_eq!(fs::metadata(&path).unwrap().len(), content.len() as u64);
    assert_eq!(open(&path).1.len(), 3);
}

#[test]
fn an_error_of_the_file_leaves_the_index_as_it_was() {
    let (_dir, path) = dir();
    let (mut values, _) = open(&path);
    values.put("d/p", &reading(1, 1)).unwrap();
    values.commit().unwrap();
    // A handle that can't be written stands for a full disk.
    let whole = std::mem::replace(&mut values.file, Arc::new(File::open(&path).unwrap()));
    assert!(values.put("d/p", &reading(2, 1)).is_err());
    assert!(values.put("d/p", &reading(2, 1000)).is_err());
    assert!(values.put("d/new", &reading(2, 1)).is_err());
    assert!(values.remove_device("d").is_err());
    assert_eq!(values.highest_seq(), 1);
    values.file = whole;
    values.put("d/p", &reading(3, 1000)).unwrap();
    values.put("d/new", &reading(4, 1)).unwrap();
    values.commit().unwrap();
    drop(values);
    let (values, found) = open(&path);
    assert_eq!(
        (found["d/p"].seq, found["d/new"].seq, values.skipped()),
        (3, 4, 0)
    );
}

#[test]
fn many_threads_put_and_commit_at_once() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let values = &values;
            scope.spawn(move || {
                for seq in 1..=200 {
                    values
                        .put(&format!("d{thread}/p"), &reading(seq, seq as usize * 10))
                        .unwrap();
                    if seq % 50 == 0 {
                        values.commit().unwrap();
                    }
                }
            });
        }
    });
    drop(values);
    let (_, found) = open(&path);
    assert_eq!(found.len(), 4);
    assert!(found.values().all(|reading| reading.seq == 200));
}

/// Not a test: prints what a put costs. `cargo test --release -p roost-store -- --ignored --nocapture
/// figures`
#[test]
#[ignore = "a measurement"]
fn figures_of_last_values() {
    let (_dir, path) = dir();
    let (values, _) = open(&path);
    let keys: Vec<String> = (0..50_000)
        .map(|number| format!("sim-{:05}/p{}", number / 5, number % 5))
        .collect();
    let measure = |what: &str| {
        let begin = std::time::Instant::now();
        for key in &keys {
            values.put(key, &reading(1, 8)).unwrap();
        }
        println!(
            "{what}: {:.2} us a put",
            begin.elapsed().as_secs_f64() * 1e6 / keys.len() as f64
        );
        let begin = std::time::Instant::now();
        values.commit().unwrap();
        println!("commit: {:?}", begin.elapsed());
    };
    measure("first");
    measure("again");
    drop(values);
    println!("{} bytes", fs::metadata(&path).unwrap().len());
    let begin = std::time::Instant::now();
    open(&path);
    println!("open: {:?}", begin.elapsed());
}
