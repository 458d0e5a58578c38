//! Snapshots while others go on appending.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::*;

fn put_all(snapshot: &mut SnapshotWriter, state: &[Vec<u8>]) -> Result<(), LogError> {
    state.iter().try_for_each(|record| snapshot.put(record))
}

#[test]
fn a_snapshot_takes_the_place_of_what_led_to_it() {
    let disk = MemDisk::default();
    let options = RecordLogOptions {
        compact_over_bytes: 10_000,
        ..options()
    };
    let (log, ..) = open_with(&disk, options);
    assert!(!log.wants_compaction());
    let mut last = append_all(&log, 0..200);
    block_on(log.until_written(last)).unwrap();
    assert!(log.wants_compaction());
    assert_eq!(log.compact(|snapshot| snapshot.put(b"the sum")), Ok(true));
    last = last.max(log.append(b"after").unwrap());
    block_on(log.until_written(last)).unwrap();
    log.close();
    assert!(!log.wants_compaction());
    assert_eq!((log.stats().compactions, log.stats().live_bytes), (1, 63));
    let bytes: usize = disk.files().values().map(Vec::len).sum();
    assert_eq!(log.stats().bytes, bytes as u64);
    drop(log);
    let (log, report, found) = open_with(&disk, options);
    assert_eq!(found, [&b"the sum"[..], b"after"]);
    assert_eq!((report.records, report.torn_bytes), (2, 0));
    assert_eq!(log.written(), last, "positions go on");
}

#[test]
fn appending_goes_on_while_a_snapshot_waits_for_the_disk() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    append_all(&log, 0..50);
    let mut snapshot = log.begin_snapshot().unwrap();
    assert!(log.begin_snapshot().is_none(), "one at a time");
    assert_eq!(log.compact(|_| panic!("one at a time")), Ok(false));
    disk.set(|faults| faults.syncs_hang = true);
    put_all(&mut snapshot, &records(0..50)).unwrap();
    snapshot.finish();
    for number in 50..80 {
        let lsn = log.append(&record(number)).unwrap();
        block_on(log.until_written(lsn)).unwrap();
        assert_eq!(recover(&disk.after_kill()).1, records(0..number + 1));
    }
    disk.set(|faults| faults.syncs_hang = false);
    drop(log);
    assert_eq!(disk.files().len(), 2);
    assert_eq!(recover(&disk).1, records(0..80));
}

#[test]
fn a_snapshot_that_is_not_finished_changes_nothing() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    append_all(&log, 0..20);
    drop(log.begin_snapshot().unwrap());
    let refused = log.compact(|snapshot| snapshot.put(&vec![0; MAX_LOG_RECORD_BYTES + 1]));
    assert!(matches!(refused, Ok(false) | Err(LogError::TooLarge { .. })));
    append_all(&log, 20..30);
    let unfinished = loop {
        // The one that was dropped is gone as soon as its thread has seen it.
        if let Some(snapshot) = log.begin_snapshot() {
            break snapshot;
        }
        std::thread::yield_now();
    };
    append_all(&log, 30..40);
    log.close();
    drop(unfinished);
    assert_eq!(log.stats().compactions, 0);
    assert_eq!(recover(&disk).1, records(0..40));
}

#[test]
fn whoever_gives_a_large_state_in_pieces_can_wait_for_the_disk() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    log.append(b"x").unwrap();
    let piece = vec![5; 100_000];
    let mut snapshot = log.begin_snapshot().unwrap();
    for _ in 0..100 {
        block_on(async {
            snapshot.put(&piece).unwrap();
            snapshot.room().await;
        });
    }
    snapshot.finish();
    drop(log);
    let (_, found) = recover(&disk);
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|record| *record == piece));
}

#[test]
fn compactions_at_any_moment_neither_lose_nor_reorder_what_several_threads_append() {
    const COMPACTIONS: u64 = 12;
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let state = Mutex::new(Vec::new());
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (log, state, running) = (&log, &state, &running);
            scope.spawn(move || {
                let numbers = (0..).take_while(|_| running.load(Ordering::Acquire));
                for number in numbers {
                    let record = format!("{thread} {number}").into_bytes();
                    let mut state = state.lock().unwrap();
                    log.append(&record).unwrap();
                    state.push(record);
                    drop(state);
                    std::thread::yield_now();
                }
            });
        }
        let mut begun = 0;
        while begun < COMPACTIONS {
            let state = state.lock().unwrap();
            begun += u64::from(log.compact(|snapshot| put_all(snapshot, &state)).unwrap());
            drop(state);
            std::thread::yield_now();
        }
        running.store(false, Ordering::Release);
    });
    log.close();
    assert_eq!(log.stats().compactions, COMPACTIONS);
    let (report, found) = recover(&disk);
    assert!(found == state.into_inner().unwrap(), "{report:?}");
    assert_eq!(report.torn_bytes, 0);
}

#[test]
fn a_snapshot_in_pieces_of_a_state_that_changes_meanwhile_gives_the_state_at_the_end() {
    const KEYS: usize = 64;
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let state: Vec<Mutex<u64>> = (0..KEYS).map(|_| Mutex::new(0)).collect();
    let entry = |key: usize, value: u64| format!("{key} {value}").into_bytes();
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let (log, state) = (&log, &state);
            scope.spawn(move || {
                for step in 1..4000_u64 {
                    let key = (step * (7 + thread)) as usize % KEYS;
                    let mut value = state[key].lock().unwrap();
                    *value += 1;
                    log.append(&entry(key, *value)).unwrap();
                }
            });
        }
        for _ in 0..20 {
            if let Some(mut snapshot) = log.begin_snapshot() {
                for (key, value) in state.iter().enumerate() {
                    snapshot.put(&entry(key, *value.lock().unwrap())).unwrap();
                }
                snapshot.finish();
            }
            std::thread::yield_now();
        }
    });
    log.close();
    assert!(log.stats().compactions > 0);
    let mut found = BTreeMap::new();
    for record in recover(&disk).1 {
        let text = String::from_utf8(record).unwrap();
        let (key, value) = text.split_once(' ').unwrap();
        found.insert(key.parse::<usize>().unwrap(), value.parse::<u64>().unwrap());
    }
    let expected: BTreeMap<_, _> = state
        .into_iter()
        .map(|value| value.into_inner().unwrap())
        .enumerate()
        .collect();
    assert_eq!(found, expected);
}
