//! Property tests of the last values: against a map as oracle, with power cuts, with garbage.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use roost_model::Reading;

use super::{dir, layout, open, reading};

#[derive(Debug, Clone)]
enum Step {
    Put { device: u8, point: u8, bytes: usize },
    Remove { device: u8 },
    Commit,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![0_usize..40, 40_usize..300, 300_usize..3900];
    let step = prop_oneof![
        8 => (0_u8..4, 0_u8..4, bytes).prop_map(|(device, point, bytes)| Step::Put { device, point, bytes }),
        1 => (0_u8..4).prop_map(|device| Step::Remove { device }),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Keys that were put or removed since the last commit, with every state they have had since, the committed
/// included.
type Since = BTreeMap<String, Vec<Option<Reading>>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_done_the_file_holds_what_a_map_would(steps in steps()) {
        let (_dir, path) = dir();
        let (mut values, _) = open(&path);
        let mut oracle = BTreeMap::new();
        for (step, seq) in steps.into_iter().zip(1..) {
            match step {
                Step::Put { device, point, bytes } => {
                    let key = format!("d{device}/p{point}");
                    values.put(&key, &reading(seq, bytes)).unwrap();
                    oracle.insert(key, reading(seq, bytes));
                }
                Step::Remove { device } => {
                    values.remove_device(&format!("d{device}")).unwrap();
                    oracle.retain(|key, _| !key.starts_with(&format!("d{device}/")));
                }
                Step::Commit => values.commit().unwrap(),
                Step::Reopen => {
                    drop(values);
                    let (reopened, found) = open(&path);
                    prop_assert_eq!(&found, &oracle);
                    prop_assert_eq!(reopened.skipped(), 0);
                    values = reopened;
                }
            }
        }
        drop(values);
        prop_assert_eq!(open(&path).1, oracle);
    }

    /// A power cut leaves any of the sectors that were written since the last commit as they were before.
    #[test]
    fn a_power_cut_takes_no_point_back_behind_the_last_commit(
        steps in steps(),
        kept in proptest::collection::vec(any::<bool>(), 64),
    ) {
        let (_dir, path) = dir();
        let (values, _) = open(&path);
        let mut now: BTreeMap<String, Reading> = BTreeMap::new();
        let mut since = Since::new();
        let mut on_disk = fs::read(&path).unwrap();
        for (step, seq) in steps.into_iter().zip(1..) {
            match step {
                Step::Put { device, point, bytes } => {
                    let key = format!("d{device}/p{point}");
                    values.put(&key, &reading(seq, bytes)).unwrap();
                    let before = now.insert(key.clone(), reading(seq, bytes));
                    since.entry(key).or_insert_with(|| vec![before]).push(Some(reading(seq, bytes)));
                    continue;
                }
                Step::Remove { device } => {
                    values.remove_device(&format!("d{device}")).unwrap();
                    now.retain(|key, _| !key.starts_with(&format!("d{device}/")));
                    on_disk = fs::read(&path).unwrap();
                }
                Step::Commit | Step::Reopen => {
                    // What is on the disk is what was there when the commit began; slots that it frees are
                    // not.
                    on_disk = fs::read(&path).unwrap();
                    values.commit().unwrap();
                }
            }
            since.clear();
        }
        drop(values);
        fs::write(&path, cut(&on_disk, &fs::read(&path).unwrap(), &kept)).unwrap();
        let (_, found) = open(&path);
        for (key, states) in &since {
            prop_assert!(states.contains(&found.get(key).cloned()), "{}: {:?}", key, found.get(key));
        }
        for (key, reading) in &now {
            if !since.contains_key(key) {
                prop_assert_eq!(found.get(key), Some(reading));
            }
        }
        for key in found.keys() {
            prop_assert!(now.contains_key(key) || since.contains_key(key), "{} is back", key);
        }
    }

    #[test]
    fn a_file_of_random_bytes_opens(
        mut garbage in proptest::collection::vec(any::<u8>(), 0..70_000),
        ours in any::<bool>(),
    ) {
        let (_dir, path) = dir();
        if ours {
            let length = garbage.len().min(layout::HEADER.len());
            garbage[..length].copy_from_slice(&layout::HEADER[..length]);
        }
        fs::write(&path, &garbage).unwrap();
        let (values, found) = open(&path);
        prop_assert!(found.is_empty());
        values.put("d/p", &reading(1, 1)).unwrap();
        drop(values);
        prop_assert_eq!(open(&path).1.len(), 1);
    }

    #[test]
    fn a_file_with_random_damage_opens_and_shows_only_values_that_were_put(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let (_dir, path) = dir();
        let (values, _) = open(&path);
        for seq in 1..100_u64 {
            values.put(&format!("d/p{}", seq % 30), &reading(seq, seq as usize * 7)).unwrap();
        }
        drop(values);
        let mut content = fs::read(&path).unwrap();
        for (at, byte) in damage {
            let length = content.len();
            content[layout::HEADER.len() + at.index(length - layout::HEADER.len())] = byte;
        }
        fs::write(&path, &content).unwrap();
        for (key, found) in open(&path).1 {
            prop_assert_eq!(&key, &format!("d/p{}", found.seq % 30));
            prop_assert_eq!(&found, &reading(found.seq, found.seq as usize * 7));
        }
    }
}

/// The file after a power cut: of the sectors that differ, some have reached the disk and some have not.
fn cut(on_disk: &[u8], in_cache: &[u8], kept: &[bool]) -> Vec<u8> {
    let mut content = on_disk.to_vec();
    content.resize(in_cache.len(), 0);
    let sectors = content.chunks_mut(512).zip(in_cache.chunks(512));
    for (sector, written) in sectors
        .filter(|(sector, written)| sector != written)
        .zip(kept.iter().cycle())
        .filter_map(|(pair, kept)| kept.then_some(pair))
    {
        sector.copy_from_slice(written);
    }
    content
}
