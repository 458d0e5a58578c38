//! Any records as those of an earlier run.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::ledger_replay(data));
