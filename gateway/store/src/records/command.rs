//! What makes a command valid.

use roost_model::{Command, check_name};

use crate::{FieldErrors, Record};

impl Record for Command {
    const TABLE: &'static str = "commands";
    /// None: a command is made by the program and its state is what was seen, not what somebody sent.
    const FIELDS: &'static [&'static str] = &[];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        errors.check("device", check_name(&self.device));
        errors.check("point", check_name(&self.point));
        if self.deadline_ms < self.issued_ms {
            errors.add("deadline_ms", "can't be before issued_ms");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changeset;
    use roost_model::{CommandState, Value};

    #[test]
    fn nobody_outside_sets_the_state_of_a_command() {
        let command = Command {
            id: "c1".into(),
            device: "boiler".into(),
            point: "relay".into(),
            value: Value::Bool(true),
            state: CommandState::Queued,
            issued_ms: 1,
            deadline_ms: 2,
            changed_ms: 1,
        };
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
