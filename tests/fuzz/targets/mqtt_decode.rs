//! Any bytes as MQTT packets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::mqtt_decode(data));
