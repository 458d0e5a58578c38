//! The `html!` macro: templates checked and split at compile time.
