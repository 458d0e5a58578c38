//! What became of a delivery that was put into a queue.

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bus) struct Pushed {
    /// Whether it is in the queue now.
    pub(in crate::bus) taken: bool,
    /// Whether it is not, and its publisher must not be told that it is.
    pub(in crate::bus) denied: bool,
    /// Whether its publisher should wait before it publishes more.
    pub(in crate::bus) press: bool,
    /// Whether its publisher should let others run before it publishes more.
    pub(in crate::bus) crowded: bool,
}

pub(super) const REFUSED: Pushed = Pushed {
    taken: false,
    denied: false,
    press: false,
    crowded: false,
};

pub(super) const DENIED: Pushed = Pushed {
    denied: true,
    ..REFUSED
};
