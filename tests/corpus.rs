//! The fuzzer's corpus, run by the ordinary tests: what it has found once, or begins with, never fails again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[allow(unreachable_pub, reason = "a library, where the fuzzer is")]
#[path = "fuzz/src/lib.rs"]
mod fuzz;

use std::path::Path;

fn run(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "no corpus for {target}");
}

#[test]
fn packets_of_the_corpus_are_read_and_written() {
    run("mqtt_decode", fuzz::mqtt_decode);
}

#[test]
fn conversations_of_the_corpus_keep_the_rules() {
    run("mqtt_session", fuzz::mqtt_session);
}

#[test]
fn records_of_the_corpus_lead_to_a_broker_that_works() {
    run("ledger_replay", fuzz::ledger_replay);
}

#[test]
fn forms_of_the_corpus_are_decoded_within_the_limits() {
    run("live_form", fuzz::live_form);
}

#[test]
fn payloads_of_the_corpus_are_decoded_within_the_limits() {
    run("profile_decode", fuzz::profile_decode);
}

#[test]
fn messages_of_the_corpus_are_taken_apart_and_echoed() {
    run("live_frame", fuzz::live_frame);
}
