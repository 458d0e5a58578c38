//! paho-mqtt in a storm: `peers/paho_storm.py` comes back whenever it is cut.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::Ordering;

use super::Progress;
use super::link::Name;

/// Hears everything up to the last message; the session knows its filters.
pub(super) fn hear_all(name: &Name, last: &str, progress: &Progress) -> Vec<String> {
    let version = if name.version == 5 { "5" } else { "311" };
    let mut command = roost_tests::paho_command(&name.door, "paho_storm.py", &[&name.id, version, last]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let heard = lines
        .map(|line| {
            progress.fetch_add(1, Ordering::Relaxed);
            line.expect("text")
        })
        .collect();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    heard
}
