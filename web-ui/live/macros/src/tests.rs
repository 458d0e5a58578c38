//! What `html!` refuses, and where.
