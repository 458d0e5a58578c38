//! What a template has made, until the engine of the templates is there.

/// What a template has made.
#[derive(Debug, Default)]
pub struct Rendered;
