//! Any bytes as what a client of channels sends.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::live_frame(data));
