//! Tests of the record log: each promise by itself here, whole lives of a log in the files beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use disk::MemDisk;

mod compacting;
mod crashes;
mod disk;
mod faults;
mod killed;
mod random;

/// Syncs only when asked to.
const RARELY: Duration = Duration::from_secs(3600);

/// A log whose files are as long as what is in them.
fn options() -> RecordLogOptions {
    RecordLogOptions {
        sync_every: RARELY,
        room_bytes: 0,
        retry_write_after: Duration::from_millis(1),
        ..RecordLogOptions::default()
    }
}

fn open(disk: &MemDisk) -> (RecordLog, Recovery, Vec<Vec<u8>>) {
    open_with(disk, options())
}

fn open_with(disk: &MemDisk, options: RecordLogOptions) -> (RecordLog, Recovery, Vec<Vec<u8>>) {
    let mut found = Vec::new();
    let each = |record: &[u8]| found.push(record.to_vec());
    let (log, report) = RecordLog::open_on(Arc::new(disk.clone()), options, each).unwrap();
    (log, report, found)
}

/// What is on a disk, which is repaired by looking.
fn recover(disk: &MemDisk) -> (Recovery, Vec<Vec<u8>>) {
    let mut found = Vec::new();
    let recovered = super::recover::recover(disk, &mut |record| found.push(record.to_vec())).unwrap();
    (recovered.report, found)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A record that says which one it is, longer than that now and then.
fn record(number: usize) -> Vec<u8> {
    let mut record = format!("record {number} ").into_bytes();
    record.resize(record.len() + number * 37 % 90, b'.');
    record
}

fn records(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(record).collect()
}

fn append_all(log: &RecordLog, numbers: std::ops::Range<usize>) -> Lsn {
    let mut last = Lsn::default();
    for number in numbers {
        last = log.append(&record(number)).unwrap();
    }
    last
}

#[test]
fn what_was_appended_is_handed_over_in_order_when_the_log_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("sessions");
    let (log, report) = RecordLog::open(&dir, options(), |_| panic!("a new log is empty")).unwrap();
    assert_eq!(report, Recovery::default());
    let first = log.append(b"one").unwrap();
    let second = log.append_parts(&[b"t", b"", b"wo"]).unwrap();
    let third = log.append(b"").unwrap();
    assert!(first < second && second < third);
    assert_eq!(third.records(), 3);
    block_on(log.until_synced(third)).unwrap();
    assert_eq!((log.written(), log.synced()), (third, third));
    drop(log);
    let mut found = Vec::new();
    let (log, report) = RecordLog::open(&dir, options(), |record| found.push(record.to_vec())).unwrap();
    assert_eq!(found, [&b"one"[..], b"two", b""]);
    let expected = Recovery {
        records: 3,
        bytes: 6,
        ..Recovery::default()
    };
    assert_eq!(report, expected);
    assert_eq!((log.written(), log.synced()), (third, third));
    assert_eq!(log.append(b"four").unwrap().records(), 4);
}

#[test]
fn the_files_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("sessions");
    let (log, _) = RecordLog::open(&dir, options(), |_| ()).unwrap();
    append_all(&log, 0..3);
    log.compact(|snapshot| snapshot.put(b"all")).unwrap();
    append_all(&log, 3..5);
    log.close();
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["log-0000000000000003", "snapshot-0000000000000003"]);
}

#[test]
fn a_log_that_is_open_is_not_opened_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = RecordLog::open(dir.path(), options(), |_| ()).unwrap();
    let clone = log.clone();
    drop(log);
    let error = RecordLog::open(dir.path(), options(), |_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(clone);
    RecordLog::open(dir.path(), options(), |_| ()).unwrap();
}

#[test]
fn a_closed_log_takes_nothing_and_lets_nobody_wait() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..3);
    log.close();
    assert_eq!(log.synced(), last);
    assert_eq!(log.append(b"late"), Err(LogError::Closed));
    assert_eq!(log.compact(|_| panic!("nobody asks for it")), Ok(false));
    assert_eq!(block_on(log.until_written(Lsn(4))), Err(LogError::Closed));
    assert_eq!(block_on(log.until_synced(Lsn(4))), Err(LogError::Closed));
    log.close();
}

#[test]
fn a_record_over_the_limit_is_refused_and_the_next_one_is_not() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let error = log.append(&vec![0; MAX_LOG_RECORD_BYTES + 1]).unwrap_err();
    assert!(error.to_string().contains("16777217 bytes"), "{error}");
    let largest = vec![7; MAX_LOG_RECORD_BYTES];
    log.append(&largest).unwrap();
    drop(log);
    assert_eq!(recover(&disk).1, [largest]);
}

#[test]
fn until_synced_means_that_the_disk_has_it() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..5);
    block_on(log.until_written(last)).unwrap();
    assert_eq!(disk.syncs(), 0);
    assert_eq!(log.synced(), Lsn::default());
    assert_eq!(recover(&disk.after_kill()).1, records(0..5));
    assert!(recover(&disk.after_power_cut(|| false)).1.is_empty());
    block_on(log.until_synced(last)).unwrap();
    assert_eq!(disk.syncs(), 1);
    assert_eq!(recover(&disk.after_power_cut(|| false)).1, records(0..5));
}

#[test]
fn what_nobody_waits_for_is_synced_after_a_while() {
    let disk = MemDisk::default();
    let soon = RecordLogOptions {
        sync_every: Duration::from_millis(5),
        ..options()
    };
    let (log, ..) = open_with(&disk, soon);
    let last = append_all(&log, 0..5);
    block_on(log.inner.shared.synced.until(last.0)).unwrap();
    assert_eq!(recover(&disk.after_power_cut(|| false)).1, records(0..5));
}

#[test]
fn a_sync_that_takes_long_does_not_hold_up_the_writing() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    disk.set(|faults| faults.syncs_hang = true);
    let first = log.append(&record(0)).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(log.until_synced(first)));
        for number in 1..100 {
            let lsn = log.append(&record(number)).unwrap();
            block_on(log.until_written(lsn)).unwrap();
        }
        assert_eq!(log.synced(), Lsn::default());
        disk.set(|faults| faults.syncs_hang = false);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(recover(&disk.after_kill()).1, records(0..100));
}

#[test]
fn a_disk_that_does_not_keep_up_is_felt_by_who_appends() {
    let disk = MemDisk::default();
    let small = RecordLogOptions {
        pending_bytes: 1000,
        ..options()
    };
    let (log, ..) = open_with(&disk, small);
    disk.set(|faults| faults.writes_hang = true);
    let mut taken = 0;
    let error = loop {
        match log.append(&record(taken)) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(taken > 5 && taken < 60, "{taken}");
    assert!(matches!(error, LogError::Full { limit: 1000, .. }), "{error}");
    let pending = log.stats().pending_bytes;
    assert!(pending > 800 && pending <= 1000, "{pending}");
    disk.set(|faults| faults.writes_hang = false);
    block_on(log.until_written(Lsn(taken as u64))).unwrap();
    log.append(&vec![0; 5000]).unwrap();
    drop(log);
    assert_eq!(recover(&disk).1.len(), taken + 1);
}

#[test]
fn files_grow_in_steps_and_what_is_written_between_them_costs_no_new_length() {
    let disk = MemDisk::default();
    let stepwise = RecordLogOptions {
        room_bytes: 4096,
        ..options()
    };
    let lengths = || disk.files().values().map(Vec::len).sum::<usize>();
    let (log, ..) = open_with(&disk, stepwise);
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..100 {
        let lsn = log.append(&record(number)).unwrap();
        block_on(log.until_written(lsn)).unwrap();
        seen.insert(lengths());
    }
    assert_eq!(seen, [4096, 8192].into());
    drop(log);
    let (log, report, found) = open_with(&disk, stepwise);
    assert_eq!((found, report.torn_bytes), (records(0..100), 0));
    block_on(log.until_written(append_all(&log, 100..110))).unwrap();
    assert_eq!(lengths(), 8192);
    append_all(&log, 110..300);
    drop(log);
    assert_eq!(recover(&disk).1, records(0..300));
}

#[test]
fn figures_say_what_is_there() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..10);
    block_on(log.until_synced(last)).unwrap();
    let bytes: usize = disk.files().values().map(Vec::len).sum();
    let expected = RecordLogStats {
        bytes: bytes as u64,
        appended: 10,
        written: 10,
        synced: 10,
        ..RecordLogStats::default()
    };
    assert_eq!(log.stats(), expected);
}
