//! The list of migrations. A new one goes to the end; one that was released is never changed.

mod command_life;

use crate::Migration;

/// Every migration of the store, by version.
pub static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tables",
        // The tables come into being with their first record; the version mark is all there is to write.
        up: |_| Ok(()),
        down: |_| Ok(()),
    },
    Migration {
        version: 2,
        name: "commands have steps, and are found by device",
        up: command_life::up,
        down: command_life::down,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_gaps() {
        for (migration, version) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.version, version, "{}", migration.name);
        }
    }
}
