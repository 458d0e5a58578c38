//! Commands on disk: written together, found again at the start, forgotten when there are too many.

use roost_model::Command;
use roost_store::{Changeset, FieldErrors, Store, StoreError, Valid};

use super::keys::KEPT_MS;
use super::machine::Output;
use crate::clock::Clock;

/// Final commands that are kept, besides those whose keys must be remembered.
pub(super) const KEEP: usize = 10_000;

/// So many commands end before it is looked again whether there are more than are kept.
pub(super) const FORGET_AFTER: usize = 1000;

/// What a start has to know of an earlier run.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Commands that are not final, in the order of issue.
    pub(super) pending: Vec<Command>,
    /// Commands that have a key.
    pub(super) keyed: Vec<Command>,
    /// The last name that was given.
    pub(super) last: Option<String>,
}

pub(super) fn left(store: &Store) -> Result<Left, StoreError> {
    let mut left = Left::default();
    for command in store.table::<Command>().all()? {
        left.last = Some(command.id.clone());
        if command.key.is_some() {
            left.keyed.push(command.clone());
        }
        if !command.is_final {
            left.pending.push(command);
        }
    }
    Ok(left)
}

/// The last form of each command that has changed.
pub(super) fn changed(outputs: &[Output]) -> Result<Vec<Valid<Command>>, FieldErrors> {
    let mut seen = hashbrown::HashSet::new();
    let newest_first = outputs.iter().rev().filter_map(|output| match output {
        Output::Step(command) => Some(command),
        Output::Transmit(_) => None,
    });
    newest_first
        .filter(|command| seen.insert(command.id.clone()))
        .map(|command| Changeset::change_of(command.clone()).finish())
        .collect()
}

/// Keeps the newest commands, those that are not final, and those whose key must be known for a day.
pub(super) fn forget_old(store: &Store) -> Result<(), StoreError> {
    let table = store.table::<Command>();
    let too_many = table.count()?.saturating_sub(KEEP);
    let now_ms = Clock::default().now().unix_ms();
    let is_known = |command: &Command| {
        let age_ms = u64::try_from(now_ms.saturating_sub(command.issued_ms)).unwrap_or(0);
        command.key.is_some() && age_ms < KEPT_MS
    };
    let old = table.first(too_many)?;
    let forgotten = old
        .iter()
        .filter(|command| command.is_final && !is_known(command));
    let ids: Vec<&str> = forgotten.map(|command| &*command.id).collect();
    table.delete_all(&ids)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use roost_store::StoreOptions;

    use super::*;
    use crate::devices::commands::tests::queued;

    #[test]
    fn the_oldest_are_forgotten_but_not_what_waits_or_has_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let table = store.table::<Command>();
        let old = 5;
        let commands = (0..KEEP + old).map(|number| {
            let mut command = queued(&format!("c{number:06}"));
            command.is_final = number != 0;
            command.key = (number == 1).then(|| "order 17".to_owned());
            command.issued_ms = Clock::default().now().unix_ms();
            command.deadline_ms = command.issued_ms;
            Changeset::change_of(command).finish().unwrap()
        });
        table.put_all(&commands.collect::<Vec<_>>()).unwrap();
        forget_old(&store).unwrap();
        let left: Vec<String> = table
            .first(3)
            .unwrap()
            .into_iter()
            .map(|command| command.id)
            .collect();
        assert_eq!(left, ["c000000", "c000001", &format!("c{old:06}")]);
        assert_eq!(table.count().unwrap(), KEEP + 2);
        // Once more is not more.
        forget_old(&store).unwrap();
        assert_eq!(table.count().unwrap(), KEEP + 2);
    }
}
