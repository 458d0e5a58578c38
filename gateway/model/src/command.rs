//! A command and its life: an operator's wish until the device has shown that it came true.

use serde::{Deserialize, Serialize};

use crate::{ClockQuality, Value};

/// How far a command has come. It never shows a success that was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Written down by the gateway, not yet on its way.
    Queued,
    /// Handed to the device's connection or bus.
    Sent,
    /// The device says it has it.
    Acknowledged,
    /// A later reading shows the wanted value.
    Verified,
    /// It will not be done; the command's reason says why.
    Refused,
    /// The deadline passed before the device answered.
    Expired,
    /// It was taken back before it was sent.
    Cancelled,
}

impl CommandState {
    /// Whether a command in this state may come into the state `next`. No step is skipped: a success needs the sending
    /// before it. What was about to be sent when its device went is queued again.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use CommandState::{Acknowledged, Cancelled, Expired, Queued, Refused, Sent, Verified};
        match self {
            Queued => matches!(next, Sent | Refused | Expired | Cancelled),
            // A reading that shows the value says more than an acknowledgement.
            Sent => matches!(next, Acknowledged | Verified | Refused | Expired | Queued),
            Acknowledged => matches!(next, Verified | Refused),
            Verified | Refused | Expired | Cancelled => false,
        }
    }

    /// Whether no other state can follow, whatever happens.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::Verified | Self::Refused | Self::Expired | Self::Cancelled
        )
    }

    /// One word for tables and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Which of the waiting commands of a device goes first. Commands to one point keep the order of their issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After all others.
    Low,
    /// In the order of issue.
    #[default]
    Normal,
    /// Before all others.
    High,
}

/// A state that a command came into, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The state.
    pub state: CommandState,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// When something falls due, on the clock that runs since the board's start and that nobody sets; and what it takes to
/// judge the time that is left after the board was off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Which run of the board: the kernel's boot id (proc_sys_kernel(5)).
    pub boot: String,
    /// When it is due, in milliseconds since that start.
    pub uptime_ms: u64,
    /// How much was left when this was written, in milliseconds.
    pub left_ms: u64,
    /// When this was written, in milliseconds since the Unix epoch.
    pub written_ms: i64,
    /// What the clock was worth then.
    #[serde(default)]
    pub clock: ClockQuality,
}

/// One command to one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Name of this command, unique on this gateway. Names sort in the order of issue.
    pub id: String,
    /// The device it is for.
    pub device: String,
    /// The point it is for.
    pub point: String,
    /// The value asked for.
    pub value: Value,
    /// How far it has come.
    pub state: CommandState,
    /// Why it is where it is, where that needs a word: why it waits, was refused, or was not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nothing more will happen to it. An acknowledged command is final once no reading is waited for.
    #[serde(rename = "final", default)]
    pub is_final: bool,
    /// Which of the waiting commands goes first.
    #[serde(default)]
    pub priority: Priority,
    /// What makes a repeated request the same request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The point whose reading verifies it, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_point: Option<String>,
    /// How long after its acknowledgement a reading is waited for, in milliseconds.
    #[serde(default)]
    pub verify_within_ms: u64,
    /// When it was taken, in milliseconds since the Unix epoch.
    pub issued_ms: i64,
    /// When it expires, in milliseconds since the Unix epoch, by the clock at its issue.
    pub deadline_ms: i64,
    /// When its state last changed, in milliseconds since the Unix epoch.
    pub changed_ms: i64,
    /// Its states so far, oldest first.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// When it expires, or is waited for no longer; `None` once it is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
}

impl Command {
    /// The point whose reading shows that it came true.
    #[must_use]
    pub fn verified_by(&self) -> &str {
        self.confirm_point.as_deref().unwrap_or(&self.point)
    }

    /// When it last came into a state, in milliseconds since the Unix epoch, if it ever did.
    #[must_use]
    pub fn at_ms(&self, state: CommandState) -> Option<i64> {
        let step = self.steps.iter().rfind(|step| step.state == state);
        step.map(|step| step.at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CommandState; 7] = [
        CommandState::Queued,
        CommandState::Sent,
        CommandState::Acknowledged,
        CommandState::Verified,
        CommandState::Refused,
        CommandState::Expired,
        CommandState::Cancelled,
    ];

    #[test]
    fn the_json_form_has_state_and_reason_side_by_side() {
        let json = serde_json::json!({
            "id": "c1", "device": "boiler", "point": "relay", "value": true, "state": "refused", "reason": "locked",
            "final": true, "priority": "normal", "verify_within_ms": 0, "issued_ms": 1, "deadline_ms": 2,
            "changed_ms": 1, "steps": [{"state": "refused", "at_ms": 1}],
        });
        let command: Command = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(
            (command.state, command.reason.as_deref()),
            (CommandState::Refused, Some("locked"))
        );
        assert_eq!(serde_json::to_value(command).unwrap(), json);
    }

    #[test]
    fn nothing_follows_an_end_and_every_success_was_sent_before() {
        for state in ALL {
            for next in ALL {
                if state.may_become(next) {
                    assert!(!state.is_end(), "{state:?} became {next:?}");
                    assert!(next != CommandState::Queued || state == CommandState::Sent);
                }
            }
        }
        for success in [CommandState::Acknowledged, CommandState::Verified] {
            assert!(!CommandState::Queued.may_become(success));
        }
        assert!(!CommandState::Sent.may_become(CommandState::Cancelled));
    }
}
