//! The life of commands as a machine: what happened goes in, new states and messages to send come out. No clock, no
//! disk, no bus.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use roost_model::{Command, CommandState, Due, Step, Value};

use super::Answer;
use super::moment::Moment;
pub(crate) use super::reasons::REMOVED;
pub(super) use super::reasons::{had_gone, too_many};
use super::wanted::{NewCommand, queued};
use crate::devices::points::DEVICE_CLOCK_SLACK_MS;

/// Commands of one device that are not final; one more is refused.
pub(super) const MAX_PENDING: usize = 64;
/// Commands of one device that are on their way and not answered; others wait, the most urgent ones in front.
pub(super) const MAX_SENT: usize = 16;

/// Times that a command is sent whose device has gone each time before it left; then it is refused, so that no mistake
/// about who is connected can go round for ever.
pub(super) const MAX_SENDS: usize = 16;

/// Whether a command could be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// Yes. The point whose reading verifies it, if that is another one.
    Here(Option<String>),
    /// Not now, for this reason.
    Away(String),
    /// Never: the device has no such command.
    Never(String),
}

/// What the machine asks about a command that is due to be sent.
pub(super) type Ask<'a> = &'a mut dyn FnMut(&Command) -> Reach;

/// What is to be done, in this order, after every step was written down.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// The command has come into a state, or has another reason: say so.
    Step(Command),
    /// Hand it to the device.
    Transmit(Command),
}

/// All commands that are not final, by device and in the order of issue.
#[derive(Debug, Default)]
pub(super) struct Machine {
    lanes: HashMap<String, Vec<Command>>,
    /// Devices by command, in the order in which something falls due: uptime in milliseconds, id.
    due: BTreeMap<(u64, String), String>,
    outputs: Vec<Output>,
}

impl Machine {
    /// What is to be done since the last time this was called.
    pub(super) fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Goes on with commands of an earlier run. `due_ms` is when each falls due now.
    pub(super) fn restore(&mut self, command: Command, due_ms: u64, now: &Moment) {
        let mut command = command;
        command.due = Some(now.due(due_ms));
        self.due
            .insert((due_ms, command.id.clone()), command.device.clone());
        self.lanes
            .entry(command.device.clone())
            .or_default()
            .push(command);
    }

    /// A command that is not final.
    pub(super) fn get(&self, id: &str) -> Option<&Command> {
        self.lanes.values().flatten().find(|command| command.id == id)
    }

    /// Whether a device has as many commands as it may: one more is refused.
    pub(super) fn is_full(&self, device: &str) -> bool {
        let lane = self.lanes.get(device);
        lane.is_some_and(|lane| lane.len() >= MAX_PENDING)
    }

    /// How many commands of a device wait for it to say something; `None` if it has no command.
    pub(super) fn awaited(&self, device: &str) -> Option<u32> {
        let lane = self.lanes.get(device)?.iter();
        let count = lane
            .filter(|command| command.state != CommandState::Queued)
            .count();
        Some(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The devices that have commands.
    pub(super) fn devices(&self) -> impl Iterator<Item = &str> {
        self.lanes.keys().map(String::as_str)
    }

    /// When the next thing falls due, as uptime in milliseconds.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.due.keys().next().map(|(due_ms, _)| *due_ms)
    }

    /// A new command: queued, and sent at once if nothing stands against it.
    pub(super) fn ask(&mut self, new: NewCommand, now: &Moment, reach: Ask<'_>) {
        let (device, id) = (new.device.clone(), new.id.clone());
        let may_wait = new.may_wait;
        if new.supersede {
            self.supersede(&device, &new.point, &id, now);
        }
        let command = queued(new, now);
        let full = self.is_full(&device);
        let lane = self.lanes.entry(device.clone()).or_default();
        lane.push(command.clone());
        let due_ms = command.due.as_ref().map_or(0, |due| due.uptime_ms);
        self.due.insert((due_ms, id.clone()), device.clone());
        if full {
            let reason = too_many();
            return self.settle(&device, &id, CommandState::Refused, Some(reason), now);
        }
        self.say(command);
        self.advance(&device, now, reach);
        if let Some(command) = self.of(&device, &id)
            && !may_wait
            && command.state == CommandState::Queued
            && let Some(reason) = command.reason.clone()
        {
            self.settle(&device, &id, CommandState::Refused, Some(reason), now);
        }
    }

    fn supersede(&mut self, device: &str, point: &str, by: &str, now: &Moment) {
        let lane = self.lanes.get(device).into_iter().flatten();
        let older: Vec<String> = lane
            .filter(|command| command.point == point && command.state == CommandState::Queued)
            .map(|command| command.id.clone())
            .collect();
        for id in older {
            let reason = Some(format!("superseded by {by}"));
            self.settle(device, &id, CommandState::Cancelled, reason, now);
        }
    }

    /// Sends what can be sent: of each point the oldest, if none before it waits for its answer; the urgent ones first.
    pub(super) fn advance(&mut self, device: &str, now: &Moment, reach: Ask<'_>) {
        let mut looked_at = Vec::new();
        while let Some(at) = self.next(device, &looked_at) {
            let Some(command) = self.lanes.get(device).and_then(|lane| lane.get(at)) else {
                return;
            };
            let id = command.id.clone();
            looked_at.push(id.clone());
            match reach(command) {
                Reach::Here(confirm_point) => {
                    if let Some(command) = self.of_mut(device, &id) {
                        command.confirm_point = confirm_point;
                    }
                    self.settle(device, &id, CommandState::Sent, None, now);
                    let sent = self.of(device, &id).cloned();
                    self.outputs.extend(sent.map(Output::Transmit));
                }
                Reach::Never(reason) => {
                    self.settle(device, &id, CommandState::Refused, Some(reason), now);
                }
                Reach::Away(reason) => {
                    if let Some(command) = self.of_mut(device, &id)
                        && command.reason.as_ref() != Some(&reason)
                    {
                        command.reason = Some(reason);
                        let command = command.clone();
                        self.say(command);
                    }
                }
            }
        }
    }

    /// The place in its lane of the next command to be sent, other than those.
    fn next(&self, device: &str, looked_at: &[String]) -> Option<usize> {
        let lane = self.lanes.get(device)?;
        let sent = |command: &&Command| command.state == CommandState::Sent;
        if lane.iter().filter(sent).count() >= MAX_SENT {
            return None;
        }
        let is_first = |at: usize| {
            let before = lane.iter().take(at);
            before
                .filter(|other| other.point == lane[at].point)
                .all(|other| other.state == CommandState::Acknowledged)
        };
        (0..lane.len())
            .filter(|at| lane[*at].state == CommandState::Queued && !looked_at.contains(&lane[*at].id))
            .filter(|at| is_first(*at))
            .max_by_key(|at| (lane[*at].priority, std::cmp::Reverse(*at)))
    }

    /// The device's answer: to the command of this id, or to the oldest one of the point that has no answer yet.
    pub(super) fn answered(
        &mut self,
        device: &str,
        id: Option<&str>,
        point: Option<&str>,
        answer: Answer,
        now: &Moment,
    ) {
        let sent = |command: &&Command| command.state == CommandState::Sent;
        let mut lane = self.lanes.get(device).into_iter().flatten();
        let found = match (id, point) {
            (Some(id), _) => lane.find(|command| command.id == id),
            (None, Some(point)) => lane.filter(sent).find(|command| command.point == point),
            (None, None) => lane.find(sent),
        };
        let Some((id, state)) = found.map(|command| (command.id.clone(), command.state)) else {
            return;
        };
        let (next, reason) = match answer {
            Answer::Acknowledged => (CommandState::Acknowledged, None),
            Answer::Refused(reason) => (CommandState::Refused, Some(reason)),
            Answer::Lost(reason) => (CommandState::Expired, Some(reason)),
        };
        if state.may_become(next) && state != CommandState::Queued {
            self.settle(device, &id, next, reason, now);
        }
    }

    /// A command that was to be sent has not left, because its device had gone: it waits again, in its place.
    pub(super) fn returned(&mut self, device: &str, id: &str, now: &Moment) {
        let Some(command) = self.of(device, id) else {
            return;
        };
        if command.state != CommandState::Sent {
            return;
        }
        let sent = |step: &&Step| step.state == CommandState::Sent;
        let state = if command.steps.iter().filter(sent).count() < MAX_SENDS {
            CommandState::Queued
        } else {
            CommandState::Refused
        };
        self.settle(device, id, state, Some(had_gone()), now);
    }

    /// A reading of a point, with the time that the device gives it: commands that were sent before and asked for this
    /// value have come true. One that was taken before a command was sent proves nothing of it.
    pub(super) fn observed(
        &mut self,
        device: &str,
        (point, value, said_ms): (&str, &Value, Option<i64>),
        now: &Moment,
    ) {
        let is_later = |command: &Command| {
            let sent_ms = command.at_ms(CommandState::Sent).unwrap_or(i64::MIN);
            said_ms.is_none_or(|said_ms| said_ms >= sent_ms.saturating_sub(DEVICE_CLOCK_SLACK_MS))
        };
        let lane = self.lanes.get(device).into_iter().flatten();
        let true_now: Vec<String> = lane
            .filter(|command| command.state.may_become(CommandState::Verified))
            .filter(|command| command.verified_by() == point && value.agrees_with(&command.value))
            .filter(|command| is_later(command))
            .map(|command| command.id.clone())
            .collect();
        for id in true_now {
            self.settle(device, &id, CommandState::Verified, None, now);
        }
    }

    /// Takes back a command that was not sent yet. Returns its device.
    pub(super) fn cancel(&mut self, id: &str, now: &Moment) -> Option<String> {
        let command = self.get(id)?;
        if command.state != CommandState::Queued {
            return None;
        }
        let device = command.device.clone();
        self.settle(&device, id, CommandState::Cancelled, None, now);
        Some(device)
    }

    /// The device is no more: nothing of it is waited for.
    pub(super) fn remove(&mut self, device: &str, now: &Moment) {
        let lane = self.lanes.get(device).into_iter().flatten();
        let left: Vec<_> = lane.map(|command| (command.id.clone(), command.state)).collect();
        let reason = || Some(REMOVED.to_owned());
        for (id, state) in left {
            match state {
                CommandState::Queued => self.settle(device, &id, CommandState::Cancelled, reason(), now),
                CommandState::Sent => self.settle(device, &id, CommandState::Expired, reason(), now),
                _ => self.close(device, &id, reason(), now),
            }
        }
    }

    /// Ends what has fallen due. A command that the device has acknowledged stays so: the device has it, and nothing
    /// more is known.
    pub(super) fn expire(&mut self, now: &Moment, reach: Ask<'_>) {
        while let Some(((due_ms, id), device)) = self.due.first_key_value()
            && *due_ms <= now.uptime_ms
        {
            let (id, device) = (id.clone(), device.clone());
            let state = self.of(&device, &id).map(|command| command.state);
            match state {
                Some(CommandState::Acknowledged) => {
                    let reason = "no reading has shown the value".to_owned();
                    self.close(&device, &id, Some(reason), now);
                }
                Some(_) => {
                    let reason = self.of(&device, &id).and_then(|command| command.reason.clone());
                    self.settle(&device, &id, CommandState::Expired, reason, now);
                }
                None => {
                    self.due.pop_first();
                }
            }
            self.advance(&device, now, &mut *reach);
        }
    }

    fn of(&self, device: &str, id: &str) -> Option<&Command> {
        self.lanes.get(device)?.iter().find(|command| command.id == id)
    }

    fn of_mut(&mut self, device: &str, id: &str) -> Option<&mut Command> {
        let lane = self.lanes.get_mut(device)?;
        lane.iter_mut().find(|command| command.id == id)
    }

    /// Puts a command into a state; takes it out of its lane if that is an end.
    fn settle(&mut self, device: &str, id: &str, state: CommandState, reason: Option<String>, now: &Moment) {
        let Some(command) = self.of_mut(device, id) else {
            return;
        };
        debug_assert!(
            command.state.may_become(state),
            "{:?} to {state:?}",
            command.state
        );
        let due_before = command.due.take().map_or(0, |due| due.uptime_ms);
        command.state = state;
        command.reason = reason;
        command.changed_ms = now.wall_ms();
        command.steps.push(Step {
            state,
            at_ms: now.wall_ms(),
        });
        let due_ms = match state {
            CommandState::Acknowledged => now.uptime_ms.saturating_add(command.verify_within_ms),
            _ => due_before,
        };
        command.is_final = state.is_end();
        if !command.is_final {
            command.due = Some(now.due(due_ms));
        }
        let command = command.clone();
        self.due.remove(&(due_before, id.to_owned()));
        if command.is_final {
            self.drop_from_lane(device, id);
        } else {
            self.due.insert((due_ms, id.to_owned()), device.to_owned());
        }
        self.outputs.push(Output::Step(command));
    }

    /// Nothing more is waited for; the state stays.
    fn close(&mut self, device: &str, id: &str, reason: Option<String>, now: &Moment) {
        let Some(command) = self.of_mut(device, id) else {
            return;
        };
        let due = command.due.take().map_or(0, |due: Due| due.uptime_ms);
        command.reason = reason;
        command.is_final = true;
        command.changed_ms = now.wall_ms();
        let command = command.clone();
        self.due.remove(&(due, id.to_owned()));
        self.drop_from_lane(device, id);
        self.outputs.push(Output::Step(command));
    }

    fn drop_from_lane(&mut self, device: &str, id: &str) {
        if let Some(lane) = self.lanes.get_mut(device) {
            lane.retain(|command| command.id != id);
            if lane.is_empty() {
                self.lanes.remove(device);
            }
        }
    }

    /// Says a state again with another reason; what was not heard yet is replaced.
    fn say(&mut self, command: Command) {
        match self.outputs.last_mut() {
            Some(Output::Step(last)) if last.id == command.id && last.state == command.state => {
                *last = command
            }
            _ => self.outputs.push(Output::Step(command)),
        }
    }
}
