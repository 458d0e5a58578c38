//! A command and its life: an operator's wish until the device has shown that it came true.

use serde::{Deserialize, Serialize};

use crate::Value;

/// How far a command has come. It never shows a success that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
pub enum CommandState {
    /// Taken by the gateway, not yet on its way.
    Queued,
    /// Handed to the device's connection or bus.
    Sent,
    /// The device says it has it.
    Acknowledged,
    /// A later reading of the point shows the wanted value.
    Verified,
    /// It will not be done, and this is why.
    Refused(String),
    /// The deadline passed before the device answered.
    Expired,
}

impl CommandState {
    /// Whether nothing more can happen to the command.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Verified | Self::Refused(_) | Self::Expired)
    }

    /// One word for tables and metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Verified => "verified",
            Self::Refused(_) => "refused",
            Self::Expired => "expired",
        }
    }
}

/// One command to one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Name of this command, unique on this gateway.
    pub id: String,
    /// The device it is for.
    pub device: String,
    /// The point it is for.
    pub point: String,
    /// The value asked for.
    pub value: Value,
    /// How far it has come.
    #[serde(flatten)]
    pub state: CommandState,
    /// When it was taken, in milliseconds since the Unix epoch.
    pub issued_ms: i64,
    /// When it expires, in milliseconds since the Unix epoch.
    pub deadline_ms: i64,
    /// When its state last changed, in milliseconds since the Unix epoch.
    pub changed_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_state_and_reason_side_by_side() {
        let mut command = Command {
            id: "c1".into(),
            device: "boiler".into(),
            point: "relay".into(),
            value: Value::Bool(true),
            state: CommandState::Refused("not connected".into()),
            issued_ms: 1,
            deadline_ms: 2,
            changed_ms: 1,
        };
        let json = serde_json::to_value(&command).unwrap();
        assert_eq!(
            (json["state"].as_str(), json["reason"].as_str()),
            (Some("refused"), Some("not connected"))
        );
        assert_eq!(serde_json::from_value::<Command>(json).unwrap(), command);
        command.state = CommandState::Verified;
        let json = serde_json::to_value(&command).unwrap();
        assert_eq!(serde_json::from_value::<Command>(json).unwrap(), command);
    }
}
