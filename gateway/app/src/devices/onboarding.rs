//! Onboarding: clients that no record knows, what they said so far, and how one of them becomes a device.

pub(crate) mod desk;
mod guess;
mod memory;
mod record;
mod roster;
mod secret;

pub(crate) use secret::Onboarding;
