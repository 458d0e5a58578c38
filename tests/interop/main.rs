//! Real clients of other people's making against the built program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod devices;
mod exactly_once;
mod mosquitto;
mod mqttjs;
mod paho;
mod rumqtt;
