//! Why commands end, in words for whoever gave them.

use super::machine::MAX_PENDING;

/// Why the commands of a removed device end.
pub(crate) const REMOVED: &str = "the device was removed";
/// Why a command is refused that nobody has taken.
pub(super) fn had_gone() -> String {
    "the device had gone before it was sent".to_owned()
}

/// Why one more command is refused.
pub(super) fn too_many() -> String {
    format!("{MAX_PENDING} commands to this device wait already")
}
