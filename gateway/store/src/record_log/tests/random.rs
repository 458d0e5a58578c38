//! Property tests: whole lives of a log, with kills, power cuts and faults, against the list of what was appended.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Append { bytes: usize },
    UntilWritten,
    UntilSynced,
    Compact,
    Close,
    Kill,
    PowerCut { kept: Vec<bool> },
    Room { bytes: Option<usize> },
    Syncs { fail: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![0_usize..20, 20_usize..2000, 60_000_usize..70_000];
    let kept = proptest::collection::vec(any::<bool>(), 1..40);
    let step = prop_oneof![
        16 => bytes.prop_map(|bytes| Step::Append { bytes }),
        3 => Just(Step::UntilWritten),
        3 => Just(Step::UntilSynced),
        2 => Just(Step::Compact),
        1 => Just(Step::Close),
        2 => Just(Step::Kill),
        2 => kept.prop_map(|kept| Step::PowerCut { kept }),
        1 => proptest::option::of(0_usize..200_000).prop_map(|bytes| Step::Room { bytes }),
        1 => any::<bool>().prop_map(|fail| Step::Syncs { fail }),
    ];
    proptest::collection::vec(step, 1..80)
}

/// A log and what it was given.
struct Life {
    options: RecordLogOptions,
    disk: MemDisk,
    log: RecordLog,
    appended: Vec<Vec<u8>>,
}

impl Life {
    fn new(room_bytes: u32) -> Self {
        let disk = MemDisk::default();
        let options = RecordLogOptions {
            room_bytes,
            ..options()
        };
        let (log, ..) = open_with(&disk, options);
        Self {
            options,
            disk,
            log,
            appended: Vec::new(),
        }
    }

    fn last(&self) -> Lsn {
        Lsn(self.appended.len() as u64)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append { bytes } => {
                let mut record = format!("{} ", self.appended.len()).into_bytes();
                record.resize(record.len() + bytes, b'.');
                let lsn = self.log.append(&record).unwrap();
                self.appended.push(record);
                assert_eq!(lsn, self.last());
            }
            Step::UntilWritten => {
                if block_on(self.log.until_written(self.last())).is_ok() {
                    assert_eq!(self.log.written(), self.last());
                }
            }
            Step::UntilSynced => {
                if block_on(self.log.until_synced(self.last())).is_ok() {
                    assert_eq!(self.log.synced(), self.last());
                }
            }
            Step::Compact => {
                let state = &self.appended;
                self.log
                    .compact(|snapshot| state.iter().try_for_each(|record| snapshot.put(record)))
                    .unwrap();
            }
            Step::Close => {
                self.log.close();
                let written = self.log.written();
                self.go_on_with(self.disk.after_kill(), written);
            }
            Step::Kill => {
                let written = self.log.written();
                self.go_on_with(self.disk.after_kill(), written);
            }
            Step::PowerCut { kept } => {
                let synced = self.log.synced();
                let mut kept = kept.into_iter().cycle();
                let left = self.disk.after_power_cut(|| kept.next().unwrap());
                self.go_on_with(left, synced);
            }
            Step::Room { bytes } => {
                let used: usize = self.disk.files().values().map(Vec::len).sum();
                self.disk
                    .set(|faults| faults.room = bytes.map(|bytes| used + bytes));
            }
            Step::Syncs { fail } => self.disk.set(|faults| faults.no_sync = fail),
        }
    }

    /// Opens what is left and holds it against what was promised.
    fn go_on_with(&mut self, left: MemDisk, promised: Lsn) {
        let (log, _, found) = open_with(&left, self.options);
        let longest = self.appended.get(..found.len());
        assert!(
            longest == Some(&found[..]),
            "not a beginning of what was appended"
        );
        assert!(found.len() as u64 >= promised.0, "{} < {promised:?}", found.len());
        assert_eq!(log.written().0, found.len() as u64);
        (self.disk, self.log, self.appended) = (left, log, found);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_what_was_promised_is_there_and_in_order(
        steps in steps(),
        room_bytes in prop_oneof![Just(0), Just(512), Just(65_536)],
    ) {
        let mut life = Life::new(room_bytes);
        for step in steps {
            life.step(step);
        }
        life.disk.set(|faults| *faults = disk::Faults::default());
        life.step(Step::Close);
    }

    #[test]
    fn files_of_random_bytes_open_and_take_records(
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 4),
        ours in any::<bool>(),
    ) {
        let names = ["log-0000000000000000", "log-0000000000000003", "snapshot-0000000000000002", "snapshot.new"];
        let files = names.into_iter().zip(contents).map(|(name, mut content)| {
            if ours && content.len() >= frame::HEADER_BYTES {
                let header = frame::Header::of_log(files::first_of_log(name).unwrap_or(2)).encode();
                content[..header.len()].copy_from_slice(&header);
            }
            (name.to_owned(), content)
        });
        let disk = MemDisk::with(files);
        let (log, _, found) = open(&disk);
        prop_assert!(found.is_empty());
        append_all(&log, 0..3);
        drop(log);
        prop_assert_eq!(recover(&disk).1, records(0..3));
    }
}
