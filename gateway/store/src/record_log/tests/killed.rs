//! A process that is killed: what it had said to be written is there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

const DIR: &str = "ROOST_TEST_RECORD_LOG";
const KILLS: usize = 12;

/// The process: appends for ever, says how far it was written, compacts now and then.
#[test]
#[ignore = "is killed by the test below"]
fn a_process_that_appends_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let mut state = Vec::new();
    let (log, _) = RecordLog::open(dir, options(), |record| state.push(record.to_vec())).unwrap();
    let mut out = std::io::stdout();
    loop {
        let record = record(state.len());
        log.append(&record).unwrap();
        state.push(record);
        if state.len().is_multiple_of(500) {
            log.compact(|snapshot| state.iter().try_for_each(|record| snapshot.put(record)))
                .unwrap();
        }
        writeln!(out, "written {}", log.written().records()).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_everything_that_it_said_to_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut promised = 0;
    for kill in 0..KILLS {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "a_process_that_appends_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let numbers = said.by_ref().filter_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("written ")
                .map(|number| number.parse().unwrap())
        });
        let numbers: Vec<u64> = numbers.take(100 + 347 * kill).collect();
        process.kill().unwrap();
        let rest = said.filter_map(|line| line.unwrap().strip_prefix("written ")?.parse().ok());
        promised = numbers.into_iter().chain(rest).max().unwrap_or(promised);
        process.wait().unwrap();
        let mut found = Vec::new();
        let (log, report) =
            RecordLog::open(dir.path(), options(), |record| found.push(record.to_vec())).unwrap();
        drop(log);
        assert!(
            found.len() as u64 >= promised,
            "kill {kill}: {} < {promised}",
            found.len()
        );
        assert!(found == records(0..found.len()), "kill {kill}");
        assert!(!report.damaged, "kill {kill}");
    }
    assert!(promised > 1000, "{promised}");
}
