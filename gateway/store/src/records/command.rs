//! What makes a command valid, and how it is found: by its id, and by its device.

use roost_model::{Command, check_name};

use crate::{FieldErrors, Record};

/// Longest key of a repeated request, in characters.
const MAX_KEY: usize = 255;

impl Record for Command {
    const TABLE: &'static str = "commands";
    /// None: a command is made by the program and its state is what was seen, not what somebody sent.
    const FIELDS: &'static [&'static str] = &[];

    fn key(&self) -> &str {
        &self.id
    }

    fn index(&self) -> Option<&str> {
        Some(&self.device)
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        errors.check("device", check_name(&self.device));
        errors.check("point", check_name(&self.point));
        if self.deadline_ms < self.issued_ms {
            errors.add("deadline_ms", "can't be before issued_ms");
        }
        if self.key.as_ref().is_some_and(|key| key.chars().count() > MAX_KEY) {
            errors.add("key", format!("has at most {MAX_KEY} characters"));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Changeset;
    use roost_model::{CommandState, Priority, Value};

    pub(crate) fn command(id: &str, device: &str) -> Command {
        Command {
            id: id.into(),
            device: device.into(),
            point: "relay".into(),
            value: Value::Bool(true),
            state: CommandState::Queued,
            reason: None,
            is_final: false,
            priority: Priority::Normal,
            key: None,
            confirm_point: None,
            verify_within_ms: 0,
            issued_ms: 1,
            deadline_ms: 2,
            changed_ms: 1,
            steps: Vec::new(),
            due: None,
        }
    }

    #[test]
    fn nobody_outside_sets_the_state_of_a_command() {
        let command = command("c1", "boiler");
        let params = serde_json::json!({"state": "verified"});
        let errors = Changeset::cast(command.clone(), params.as_object().unwrap())
            .finish()
            .unwrap_err();
        assert_eq!(errors.of("state"), ["is not a field"]);
        let verified = Changeset::change_of(command)
            .change(|command| command.state = CommandState::Verified)
            .finish()
            .unwrap();
        assert_eq!(verified.state, CommandState::Verified);
    }
}
