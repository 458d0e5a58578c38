//! Any conversation of two clients with a broker.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::mqtt_session(data));
