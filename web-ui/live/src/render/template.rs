//! The text of a template that never changes.

/// The part of a template that the compiler knows: the texts around its values. `html!` makes one per template.
#[derive(Debug)]
pub struct Template {
    statics: &'static [&'static str],
    fingerprint: u64,
    root: bool,
}

impl Template {
    /// `statics` are the texts before, between and after the values, so there is one more than values; `fingerprint` is
    /// a hash of them; `root` says that they open and close exactly one element around everything else.
    pub const fn new(statics: &'static [&'static str], fingerprint: u64, root: bool) -> Self {
        Self {
            statics,
            fingerprint,
            root,
        }
    }

    /// The texts before, between and after the values.
    pub const fn statics(&self) -> &'static [&'static str] {
        self.statics
    }

    /// How many values stand between the texts.
    pub const fn values(&self) -> usize {
        self.statics.len().saturating_sub(1)
    }

    /// The same for the same texts, in every build.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether the template is one element with everything else inside it.
    pub const fn is_root(&self) -> bool {
        self.root
    }
}
