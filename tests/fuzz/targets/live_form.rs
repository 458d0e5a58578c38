//! Any text as a form.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roost_fuzz::live_form(data));
