//! Migration 2: commands keep the times of their states and whether they are final, and are entered by device.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{Migrating, StoreError};

const TABLE: &str = "commands";
/// Fields that version 1 did not have.
const NEW: [&str; 8] = [
    "final",
    "priority",
    "key",
    "confirm_point",
    "verify_within_ms",
    "steps",
    "due",
    "reason",
];

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// The program of version 1 ended at its start what an earlier run had left; so does this.
pub(super) fn up(migrating: &mut Migrating<'_>) -> Result<(), StoreError> {
    let mut entries = Vec::new();
    migrating.each(TABLE, |id, record| {
        entries.push((text(record, "device"), id.to_owned()));
        if record.contains_key("steps") {
            return;
        }
        if matches!(text(record, "state").as_str(), "queued" | "sent") {
            record.insert("state".to_owned(), "expired".into());
        }
        let mut steps = vec![json!({ "state": "queued", "at_ms": record.get("issued_ms") })];
        let state = text(record, "state");
        steps.push(json!({ "state": state, "at_ms": record.get("changed_ms") }));
        record.insert("steps".to_owned(), steps.into());
        record.insert("final".to_owned(), true.into());
    })?;
    for (device, id) in entries {
        migrating.put(&format!("{TABLE}@{device}"), &id, Map::new())?;
    }
    Ok(())
}

pub(super) fn down(migrating: &mut Migrating<'_>) -> Result<(), StoreError> {
    let mut devices = BTreeSet::new();
    migrating.each(TABLE, |_, record| {
        devices.insert(text(record, "device"));
        let (state, reason) = (text(record, "state"), text(record, "reason"));
        for field in NEW {
            record.remove(field);
        }
        let refused = matches!(state.as_str(), "refused" | "cancelled");
        if refused {
            // Version 1 had no word for a command that was taken back.
            record.insert("state".to_owned(), "refused".into());
            let reason = if reason.is_empty() { state } else { reason };
            record.insert("reason".to_owned(), reason.into());
        }
    })?;
    for device in devices {
        migrating.retain(&format!("{TABLE}@{device}"), |_, _| false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use roost_model::{Command, CommandState};
    use serde_json::json;

    use crate::records::tests_of_commands::command;
    use crate::{Changeset, Store, StoreOptions};

    /// A store as version 1 left it.
    fn old_store(dir: &std::path::Path) {
        Store::migrate_to(dir, 1).unwrap();
        let store = Store::open_with(dir, StoreOptions::default(), &crate::MIGRATIONS[..1], 1).unwrap();
        let line = |id: &str, state: &str| {
            let mut record = json!({ "id": id, "device": "boiler", "point": "relay", "value": true, "state": state,
                "issued_ms": 1, "deadline_ms": 9, "changed_ms": 5 });
            if state == "refused" {
                record["reason"] = json!("locked");
            }
            json!({ "table": "commands", "key": id, "record": record }).to_string()
        };
        let backup = format!(
            "{}\n{}\n{}\n",
            json!({ "roost_store": 1 }),
            line("c1", "refused"),
            line("c2", "sent")
        );
        store.import(&mut backup.as_bytes()).unwrap();
    }

    #[test]
    fn commands_of_version_1_have_steps_and_are_found_by_device() {
        let dir = tempfile::tempdir().unwrap();
        old_store(dir.path());
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let found: Vec<Command> = store.table().last_of("boiler", None, 9).unwrap();
        let states: Vec<_> = found
            .iter()
            .map(|command| (command.state, command.is_final, command.steps.len()))
            .collect();
        assert_eq!(
            states,
            [(CommandState::Expired, true, 2), (CommandState::Refused, true, 2)]
        );
        assert_eq!(found[1].reason.as_deref(), Some("locked"));
    }

    #[test]
    fn the_way_back_leaves_what_version_1_can_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let mut cancelled = command("c1", "boiler");
        cancelled.state = CommandState::Cancelled;
        store
            .table()
            .put(Changeset::change_of(cancelled).finish().unwrap())
            .unwrap();
        drop(store);
        Store::migrate_to(dir.path(), 1).unwrap();
        let store =
            Store::open_with(dir.path(), StoreOptions::default(), &crate::MIGRATIONS[..1], 1).unwrap();
        let mut backup = Vec::new();
        assert_eq!(store.export(&mut backup).unwrap(), 1);
        let text = String::from_utf8(backup).unwrap();
        assert!(
            text.contains(r#""state":"refused""#) && text.contains(r#""reason":"cancelled""#),
            "{text}"
        );
    }
}
