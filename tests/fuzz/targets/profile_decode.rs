//! Any payload on any topic, by every profile that comes with the gateway.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::profile_decode(data));
