//! What is left after a crash, byte by byte.

use super::*;

/// A log of `count` records in one file, and where each of them ends.
fn one_file(count: usize) -> (String, Vec<u8>, Vec<usize>) {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    append_all(&log, 0..count);
    drop(log);
    let (name, content) = disk.files().into_iter().next().unwrap();
    let mut end = frame::HEADER_BYTES;
    let ends = records(0..count).into_iter().map(|record| {
        end += frame::FRAME_HEAD_BYTES + record.len();
        end
    });
    let ends: Vec<usize> = ends.collect();
    assert_eq!(ends.last(), Some(&content.len()));
    (name, content, ends)
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_records_and_goes_on_behind_them() {
    let (name, content, ends) = one_file(12);
    for cut in 0..=content.len() {
        let disk = MemDisk::with([(name.clone(), content[..cut].to_vec())]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (log, report, found) = open(&disk);
        assert_eq!(found, records(0..whole), "cut at {cut}");
        let end = whole
            .checked_sub(1)
            .map_or(frame::HEADER_BYTES, |last| ends[last]);
        // Zeros at the end are room.
        let is_room = |byte: &&u8| **byte == 0;
        let torn = if cut < frame::HEADER_BYTES {
            cut
        } else {
            cut - end - content[end..cut].iter().rev().take_while(is_room).count()
        };
        assert_eq!(
            (report.torn_bytes, report.damaged),
            (torn as u64, false),
            "cut at {cut}"
        );
        assert_eq!(log.append(&record(whole)).unwrap().records(), whole as u64 + 1);
        drop(log);
        let (report, found) = recover(&disk);
        assert_eq!(found, records(0..whole + 1), "cut at {cut}");
        assert_eq!(report.torn_bytes, 0, "cut at {cut}");
    }
}

#[test]
fn a_file_with_one_bit_changed_gives_the_records_before_it_and_goes_on_behind_them() {
    let (name, content, ends) = one_file(12);
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 1 << (at % 8);
        let disk = MemDisk::with([(name.clone(), damaged)]);
        let whole = ends.iter().filter(|end| **end <= at).count();
        // A header can be made anew, its numbers are in the frames.
        let expected = if at < frame::HEADER_BYTES { 12 } else { whole };
        let (log, report, found) = open(&disk);
        assert_eq!(found, records(0..expected), "byte {at}");
        assert!(report.damaged || report.torn_bytes > 0, "byte {at}");
        append_all(&log, expected..14);
        drop(log);
        assert_eq!(recover(&disk).1, records(0..14), "byte {at}");
    }
}

#[test]
fn what_was_dropped_does_not_come_back_behind_what_took_its_place() {
    let (name, mut content, ends) = one_file(12);
    content[ends[5] - 1] ^= 1;
    let disk = MemDisk::with([(name, content)]);
    let (log, _, found) = open(&disk);
    assert_eq!(found.len(), 5);
    let as_long = vec![b'!'; record(5).len()];
    log.append(&as_long).unwrap();
    drop(log);
    let (_, found) = recover(&disk);
    assert_eq!((found.len(), found.last()), (6, Some(&as_long)));
}

#[test]
fn what_a_killed_process_left_is_on_the_disk_when_the_log_is_open_again() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..5);
    block_on(log.until_written(last)).unwrap();
    let left = disk.after_kill();
    let (log, ..) = open(&left);
    assert_eq!(log.synced(), last);
    assert_eq!(recover(&left.after_power_cut(|| false)).1, records(0..5));
}

#[test]
fn damage_in_the_middle_is_told_from_a_write_that_was_cut() {
    let (name, content, ends) = one_file(12);
    let mut damaged = content.clone();
    damaged[ends[5] - 1] ^= 1;
    let (report, _) = recover(&MemDisk::with([(name.clone(), damaged)]));
    assert!(report.damaged);
    let mut zeros = content[..ends[5] - 1].to_vec();
    zeros.resize(4096, 0);
    let (report, found) = recover(&MemDisk::with([(name, zeros)]));
    assert_eq!((report.damaged, found.len()), (false, 5));
}

#[test]
fn a_block_that_cannot_be_read_ends_the_log_there_and_does_not_keep_it_from_opening() {
    let (name, content, _) = one_file(3000);
    let disk = MemDisk::with([(name, content)]);
    disk.set(|faults| faults.unreadable_from = Some(100_000));
    let (report, found) = recover(&disk);
    assert!(found.len() > 500 && found.len() < 2000, "{}", found.len());
    assert_eq!(found, records(0..found.len()));
    assert!(report.torn_bytes > 0);
}

#[test]
fn an_empty_file_and_one_that_is_none_of_ours_do_not_keep_a_log_from_opening() {
    let disk = MemDisk::with([
        ("log-0000000000000000".to_owned(), vec![]),
        ("snapshot.new".to_owned(), vec![1; 100]),
        ("notes.txt".to_owned(), b"mine".to_vec()),
    ]);
    let (log, report, found) = open(&disk);
    assert_eq!((report, found), (Recovery::default(), vec![]));
    append_all(&log, 0..2);
    drop(log);
    assert_eq!(recover(&disk).1, records(0..2));
    assert_eq!(
        disk.files().into_keys().collect::<Vec<_>>(),
        ["log-0000000000000000", "notes.txt"]
    );
    let disk = MemDisk::with([("log-0000000000000000".to_owned(), vec![9; 5000])]);
    let (log, report, found) = open(&disk);
    assert_eq!((report.torn_bytes, report.damaged, found), (5000, true, vec![]));
    append_all(&log, 0..2);
    drop(log);
    assert_eq!(
        disk.files().into_keys().collect::<Vec<_>>(),
        ["broken-log-0000000000000000", "log-0000000000000000"]
    );
}

#[test]
fn what_was_set_aside_makes_room_for_what_is_set_aside_next() {
    let name = |first: u64| files::log_name(first);
    let disk = MemDisk::with([
        (format!("broken-{}", name(1)), vec![1; 50]),
        (name(7), vec![2; 5000]),
        (name(9), vec![3; 5000]),
    ]);
    let (report, _) = recover(&disk);
    assert_eq!((report.torn_bytes, report.damaged), (10_000, true));
    let expected = [format!("broken-{}", name(7)), format!("broken-{}", name(9))];
    assert_eq!(disk.files().into_keys().collect::<Vec<_>>(), expected);
    recover(&disk);
    assert_eq!(disk.files().into_keys().collect::<Vec<_>>(), expected);
}

/// A log that was compacted after 30 records and has 10 more.
fn compacted() -> MemDisk {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    append_all(&log, 0..30);
    log.compact(|snapshot| records(0..30).iter().try_for_each(|record| snapshot.put(record)))
        .unwrap();
    append_all(&log, 30..40);
    drop(log);
    assert_eq!(disk.files().len(), 2);
    disk
}

#[test]
fn a_damaged_snapshot_gives_its_records_before_the_damage_and_a_log_that_goes_on() {
    let disk = compacted();
    let name = files::snapshot_name(30);
    let bytes = disk.files()[&name].len();
    for at in (0..bytes).step_by(7) {
        let mut content = disk.files();
        content.get_mut(&name).unwrap()[at] ^= 16;
        let damaged = MemDisk::with(content);
        let (log, report, found) = open(&damaged);
        assert!(report.damaged, "byte {at}");
        assert_eq!(found, records(0..found.len()), "byte {at}");
        assert!(found.len() <= 30 && (at >= 48 || found.len() == 30), "byte {at}");
        append_all(&log, found.len()..50);
        drop(log);
        let (report, found) = recover(&damaged);
        assert_eq!(found, records(0..50), "byte {at}");
        assert!(!report.damaged, "byte {at}");
    }
}

#[test]
fn a_missing_file_ends_the_log_in_front_of_it() {
    let mut content = compacted().files();
    content.remove(&files::snapshot_name(30));
    let disk = MemDisk::with(content);
    let (report, found) = recover(&disk);
    assert_eq!((report.damaged, found.len()), (true, 0));
    let mut content = compacted().files();
    content.remove(&files::log_name(30));
    let disk = MemDisk::with(content);
    let (log, report, found) = open(&disk);
    assert_eq!((report.damaged, found), (false, records(0..30)));
    append_all(&log, 30..33);
    drop(log);
    assert_eq!(recover(&disk).1, records(0..33));
}

#[test]
fn a_crash_at_any_moment_of_a_compaction_loses_nothing_that_was_promised() {
    let disk = MemDisk::default();
    let (log, ..) = open(&disk);
    let last = append_all(&log, 0..30);
    block_on(log.until_synced(last)).unwrap();
    disk.remember();
    log.compact(|snapshot| records(0..30).iter().try_for_each(|record| snapshot.put(record)))
        .unwrap();
    let last = append_all(&log, 30..33);
    block_on(log.until_synced(last)).unwrap();
    drop(log);
    let history = disk.history();
    assert!(history.len() >= 10, "{}", history.len());
    for (moment, disk) in history.iter().enumerate() {
        let left = [
            disk.after_kill(),
            disk.after_power_cut(|| false),
            disk.after_power_cut(|| true),
        ];
        for left in left {
            let (log, report, found) = open(&left);
            assert_eq!(found, records(0..found.len()), "moment {moment}");
            assert!(found.len() >= 30, "moment {moment}: {}", found.len());
            assert!(!report.damaged, "moment {moment}");
            append_all(&log, found.len()..40);
            drop(log);
            assert_eq!(recover(&left).1, records(0..40), "moment {moment}");
        }
    }
}
