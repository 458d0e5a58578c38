//! Hostile clients against the built program: whatever one does, it hurts itself alone.
//!
//! In every test two bystanders exchange a steady stream of messages; at its end not one is missing or out of order,
//! and the most memory that the program ever had is under the bound that follows from its limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod crowds;
mod floods;
mod manners;
mod packets;
mod peer;
mod topics;
mod witness;
