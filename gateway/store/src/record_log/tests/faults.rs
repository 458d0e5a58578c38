//! A disk that is full, and one that does not keep what it was given.

use super::*;

/// Waits until the disk has taken what it refused.
fn until_written_after_all(log: &RecordLog, lsn: Lsn) {
    while block_on(log.until_written(lsn)).is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_full_disk_is_said_with_file_and_remedy_and_tears_nothing() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let first = append_all(&log, 0..5);
    block_on(log.until_synced(first)).unwrap();
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set(|faults| faults.room = Some(used + 20));
    let second = append_all(&log, 5..10);
    for error in [
        block_on(log.until_written(second)).unwrap_err(),
        block_on(log.until_synced(second)).unwrap_err(),
    ] {
        let said = error.to_string();
        assert!(
            said.starts_with("writing memory/log-0000000000000000: "),
            "{said}"
        );
        assert!(said.ends_with("free space on this file system"), "{said}");
    }
    assert!(log.stats().errors > 0);
    let (_, found) = recover(&disk.after_kill());
    assert_eq!(found, records(0..found.len()));
    assert!(found.len() >= 5);
    block_on(log.until_written(first)).unwrap();
    disk.set(|faults| faults.room = None);
    until_written_after_all(&log, second);
    block_on(log.until_synced(second)).unwrap();
    assert_eq!(recover(&disk.after_power_cut(|| false)).1, records(0..10));
}

#[test]
fn no_space_for_room_in_advance_is_no_reason_not_to_write() {
    let disk = MemDisk::default();
    let stepwise = RecordLogOptions {
        room_bytes: 4096,
        ..options()
    };
    disk.set(|faults| faults.room = Some(1000));
    let (log, ..) = open_with(&disk, stepwise);
    block_on(log.until_written(append_all(&log, 0..5))).unwrap();
    drop(log);
    assert_eq!(recover(&disk).1, records(0..5));
}

#[test]
fn a_disk_that_was_full_from_the_beginning_is_used_as_soon_as_there_is_space() {
    let disk = MemDisk::default();
    disk.set(|faults| faults.room = Some(0));
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..5);
    assert!(block_on(log.until_written(last)).is_err());
    disk.set(|faults| faults.room = Some(30));
    assert!(block_on(log.until_written(last)).is_err());
    disk.set(|faults| faults.room = None);
    until_written_after_all(&log, last);
    drop(log);
    assert_eq!(recover(&disk).1, records(0..5));
}

#[test]
fn closing_tries_once_more_and_then_lets_go() {
    let disk = MemDisk::default();
    let slow = RecordLogOptions {
        retry_write_after: RARELY,
        ..options()
    };
    let (log, ..) = open_with(&disk, slow);
    block_on(log.until_written(append_all(&log, 0..2))).unwrap();
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set(|faults| faults.room = Some(used + 20));
    assert!(block_on(log.until_written(append_all(&log, 2..5))).is_err());
    drop(log);
    let (log, report, found) = open_with(&disk, slow);
    assert_eq!((found, report.torn_bytes), (records(0..2), 0));
    assert!(block_on(log.until_written(append_all(&log, 2..5))).is_err());
    disk.set(|faults| faults.room = None);
    drop(log);
    assert_eq!(recover(&disk).1, records(0..5));
}

#[test]
fn no_room_for_a_snapshot_leaves_the_log_as_it_was() {
    let disk = MemDisk::default();
    let options = RecordLogOptions {
        compact_over_bytes: 1000,
        ..options()
    };
    let (log, ..) = open_with(&disk, options);
    let last = append_all(&log, 0..40);
    block_on(log.until_written(last)).unwrap();
    assert!(log.wants_compaction());
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set(|faults| faults.room = Some(used + 500));
    let mut snapshot = log.begin_snapshot().unwrap();
    snapshot.put(&vec![0; 1000]).unwrap();
    snapshot.finish();
    let thread = wait_for_compaction(&log);
    thread.join().unwrap();
    assert!(!log.wants_compaction(), "not again at once");
    assert_eq!((log.stats().compactions, log.stats().errors), (0, 1));
    let last = append_all(&log, 40..43);
    block_on(log.until_synced(last)).unwrap();
    assert!(!disk.files().contains_key("snapshot.new"));
    assert_eq!(recover(&disk.after_power_cut(|| false)).1, records(0..43));
}

/// The thread of the compaction that was asked for, as soon as the writer has started it.
fn wait_for_compaction(log: &RecordLog) -> JoinHandle<()> {
    loop {
        if let Some(thread) = log.inner.shared.compaction.lock().unwrap().take() {
            return thread;
        }
        std::thread::yield_now();
    }
}

#[test]
fn after_a_failed_sync_nothing_counts_as_synced_until_it_was_written_anew() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let first = append_all(&log, 0..5);
    block_on(log.until_synced(first)).unwrap();
    assert!(!log.wants_compaction());
    disk.set(|faults| faults.no_sync = true);
    let second = append_all(&log, 5..10);
    let error = block_on(log.until_synced(second)).unwrap_err();
    assert!(matches!(error, LogError::Unsynced { .. }), "{error}");
    disk.set(|faults| faults.no_sync = false);
    let third = append_all(&log, 10..12);
    assert!(block_on(log.until_synced(third)).is_err());
    block_on(log.until_written(third)).unwrap();
    block_on(log.until_synced(first)).unwrap();
    assert!(log.wants_compaction());
    log.compact(|snapshot| records(0..12).iter().try_for_each(|record| snapshot.put(record)))
        .unwrap();
    wait_for_compaction(&log).join().unwrap();
    block_on(log.until_synced(third)).unwrap();
    assert!(!log.wants_compaction());
    let last = append_all(&log, 12..20);
    block_on(log.until_synced(last)).unwrap();
    assert_eq!(recover(&disk.after_power_cut(|| false)).1, records(0..20));
}
