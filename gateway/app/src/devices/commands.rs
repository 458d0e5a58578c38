//! Commands of one device: each written down before anybody is told, then followed until it came true or failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use roost_model::{Command, CommandState, Reading, Topic, Value};
use roost_runtime::{BoxError, Message};
use roost_store::{Changeset, Store, StoreError};
use tokio::time::Instant;

use super::DeviceEnv;

/// Commands of one device that wait for an answer; one more is refused.
const MAX_PENDING: usize = 64;
/// Finished commands that are kept.
pub(crate) const KEEP: usize = 10_000;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A command on its way.
pub(super) struct Pending {
    command: Command,
    /// When it expires; on the monotonic clock, which nobody sets.
    deadline: Instant,
}

/// The commands of one device that are not final yet, oldest first.
pub(super) struct Commands {
    env: Arc<DeviceEnv>,
    pending: Vec<Pending>,
}

impl Commands {
    pub(super) fn new(env: Arc<DeviceEnv>) -> Self {
        let pending = std::mem::take(&mut *left(&env));
        Self { env, pending }
    }

    /// The task is stopped and will not come back as it is: nobody will follow these.
    pub(super) async fn abandon(&mut self) -> Result<(), BoxError> {
        while let Some(pending) = self.pending.pop() {
            if pending.command.state != CommandState::Acknowledged {
                self.settle(pending.command, CommandState::Expired).await?;
            }
        }
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        self.env.parts.intake.now().unix_ms()
    }

    /// Writes a new command down as queued.
    pub(super) async fn begin(
        &mut self,
        point: &str,
        value: Value,
        within: Duration,
    ) -> Result<Command, BoxError> {
        let now = self.now_ms();
        let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let command = Command {
            // Sorts by time, and is unique without asking anybody.
            id: format!(
                "c{now:013}-{:04x}",
                COUNTER.fetch_add(1, Ordering::Relaxed) & 0xffff
            ),
            device: self.env.device.id.clone(),
            point: point.to_owned(),
            value,
            state: CommandState::Queued,
            issued_ms: now,
            deadline_ms: now.saturating_add(within_ms),
            changed_ms: now,
        };
        let state = if self.pending.len() < MAX_PENDING {
            CommandState::Queued
        } else {
            CommandState::Refused(format!(
                "{MAX_PENDING} commands to this device wait for an answer already"
            ))
        };
        self.settle(command, state).await
    }

    /// Puts a command into a state: written down, then said on the bus.
    pub(super) async fn settle(
        &mut self,
        mut command: Command,
        state: CommandState,
    ) -> Result<Command, BoxError> {
        command.state = state;
        command.changed_ms = self.now_ms();
        let valid = Changeset::change_of(command.clone()).finish()?;
        self.env
            .parts
            .store
            .run(move |store| store.table::<Command>().put(valid))
            .await?;
        if let Ok(topic) = Topic::new(format!(
            "devices/{}/points/{}/result",
            command.device, command.point
        )) {
            let body = serde_json::to_vec(&command)?;
            self.env
                .parts
                .bus
                .publish(Message::new(topic, body).at_least_once().retained());
        }
        Ok(command)
    }

    /// A command that is on its way and may be acknowledged, verified or expire.
    pub(super) fn follow(&mut self, command: Command, within: Duration) {
        self.pending.push(Pending {
            command,
            deadline: Instant::now() + within,
        });
    }

    /// The next deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.iter().map(|pending| pending.deadline).min()
    }

    /// The device's answer: by id, or to the oldest command of the point that has no answer yet.
    pub(super) async fn answered(
        &mut self,
        id: Option<&str>,
        point: Option<&str>,
        result: Result<(), String>,
    ) -> Result<(), BoxError> {
        let fits = |pending: &Pending| match (id, point) {
            (Some(id), _) => pending.command.id == id,
            (None, Some(point)) => {
                pending.command.point == point && pending.command.state == CommandState::Sent
            }
            (None, None) => pending.command.state == CommandState::Sent,
        };
        let Some(at) = self.pending.iter().position(fits) else {
            return Ok(());
        };
        match result {
            Ok(()) if self.pending[at].command.state == CommandState::Sent => {
                let command = self.pending[at].command.clone();
                self.pending[at].command = self.settle(command, CommandState::Acknowledged).await?;
            }
            Ok(()) => {}
            Err(reason) => {
                let pending = self.pending.remove(at);
                self.settle(pending.command, CommandState::Refused(reason))
                    .await?;
            }
        }
        Ok(())
    }

    /// A reading of a point: commands that asked for this value have come true.
    pub(super) async fn observed(&mut self, point: &str, reading: &Reading) -> Result<(), BoxError> {
        let Ok(value) = &reading.value else { return Ok(()) };
        while let Some(at) = self
            .pending
            .iter()
            .position(|pending| pending.command.point == point && value.agrees_with(&pending.command.value))
        {
            let pending = self.pending.remove(at);
            self.settle(pending.command, CommandState::Verified).await?;
        }
        Ok(())
    }

    /// Ends what has passed its deadline. A command that the device has acknowledged stays so: the device has it, and
    /// nothing more is known.
    pub(super) async fn expire(&mut self) -> Result<(), BoxError> {
        let now = Instant::now();
        while let Some(at) = self.pending.iter().position(|pending| pending.deadline <= now) {
            let pending = self.pending.remove(at);
            if pending.command.state != CommandState::Acknowledged {
                self.settle(pending.command, CommandState::Expired).await?;
            }
        }
        Ok(())
    }
}

fn left(env: &DeviceEnv) -> MutexGuard<'_, Vec<Pending>> {
    env.left_commands.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Commands {
    /// A task that crashes leaves its commands to its next life.
    fn drop(&mut self) {
        *left(&self.env) = std::mem::take(&mut self.pending);
    }
}

/// At a start: commands of an earlier run whose outcome nobody followed are expired.
pub(crate) fn tidy(store: &Store, now_ms: i64) -> anyhow::Result<()> {
    forget_old(store)?;
    let table = store.table::<Command>();
    for mut command in table.all()? {
        if !command.state.is_final() && command.state != CommandState::Acknowledged {
            command.state = CommandState::Expired;
            command.changed_ms = now_ms;
            table.put(Changeset::change_of(command).finish()?)?;
        }
    }
    Ok(())
}

/// Keeps the newest commands. Their ids sort by time.
pub(crate) fn forget_old(store: &Store) -> Result<(), StoreError> {
    let table = store.table::<Command>();
    if table.count()? <= KEEP {
        return Ok(());
    }
    let mut ids: Vec<String> = table.all()?.into_iter().map(|command| command.id).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    for id in ids.iter().skip(KEEP) {
        table.delete(id)?;
    }
    Ok(())
}
