//! What somebody wants of a point, and the command that comes of it.

use roost_model::{Command, CommandState, Priority, Step, Value};

use super::moment::Moment;
use crate::devices::requests::SetRequest;

/// A new command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NewCommand {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) point: String,
    pub(super) value: Value,
    pub(super) within_ms: u64,
    pub(super) verify_within_ms: u64,
    pub(super) key: Option<String>,
    pub(super) priority: Priority,
    /// Whether it may wait for a device that is not connected.
    pub(super) may_wait: bool,
    /// Whether it takes the place of those to the same point that were not sent yet.
    pub(super) supersede: bool,
}

impl NewCommand {
    /// The command that a request asks for. It has `within_ms` to be answered if the request does not say how long.
    pub(super) fn of(id: &str, device: &str, request: SetRequest, within_ms: u64) -> Self {
        let within_ms = request.within_ms.unwrap_or(within_ms);
        Self {
            id: id.to_owned(),
            device: device.to_owned(),
            point: request.point,
            value: request.value,
            within_ms,
            verify_within_ms: request.verify_within_ms.unwrap_or(within_ms),
            key: request.key,
            priority: request.priority,
            may_wait: request.may_wait,
            supersede: request.supersede,
        }
    }
}

/// The command as it begins.
pub(super) fn queued(new: NewCommand, now: &Moment) -> Command {
    let within_ms = i64::try_from(new.within_ms).unwrap_or(i64::MAX);
    let now_ms = now.wall_ms();
    Command {
        id: new.id,
        device: new.device,
        point: new.point,
        value: new.value,
        state: CommandState::Queued,
        reason: None,
        is_final: false,
        priority: new.priority,
        key: new.key,
        confirm_point: None,
        verify_within_ms: new.verify_within_ms,
        issued_ms: now_ms,
        deadline_ms: now_ms.saturating_add(within_ms),
        changed_ms: now_ms,
        steps: vec![Step {
            state: CommandState::Queued,
            at_ms: now_ms,
        }],
        due: Some(now.due(now.uptime_ms.saturating_add(new.within_ms))),
    }
}
