//! Going on: what an earlier task, or an earlier run of the program, has left is taken up.

use std::sync::Arc;

use hashbrown::HashSet;
use roost_model::CommandState;
use roost_runtime::BoxError;
use serde_json::json;
use tracing::{info, warn};

use super::super::keys::Keys;
use super::super::machine::{Machine, Output};
use super::super::moment::Moment;
use super::super::names::Names;
use super::super::records;
use super::super::road::Road;
use super::super::round::{Asked, TRIES, Taken};
use super::{Ears, Service};
use crate::devices::DeviceParts;

impl Service {
    /// Goes on with the commands of an earlier run.
    pub(super) async fn resume(parts: Arc<DeviceParts>, ears: &Arc<Ears>) -> Result<Self, BoxError> {
        // What an earlier task has begun to write is waited for: a command must not be on disk that nobody follows.
        drop(ears.writing.lock().await);
        let left = parts.store.run(records::left).await?;
        let now = Moment::of(parts.intake.clock());
        let mut service = Self {
            road: Road::new(Arc::clone(&parts)),
            names: Names::after(left.last.as_deref()),
            parts,
            ears: Arc::clone(ears),
            machine: Machine::default(),
            keys: Keys::default(),
            born: HashSet::new(),
            news_lost: 0,
            ended: 0,
        };
        for command in &left.keyed {
            service.keys.learn(command, &now);
        }
        let count = left.pending.len();
        for command in left.pending {
            let due_ms = now.due_of(&command);
            service.machine.restore(command, due_ms, &now);
        }
        if count > 0 {
            info!(commands = count, "commands of an earlier run are followed on");
        }
        let devices: Vec<String> = service.machine.devices().map(str::to_owned).collect();
        for device in &devices {
            service.note_awaited(device);
        }
        service.do_what_is_due().await?;
        service.expire(&now);
        for device in &devices {
            service.advance(device, &now);
        }
        Ok(service)
    }

    /// Says and sends what an earlier task has written down and not got to.
    async fn do_what_is_due(&mut self) -> Result<(), BoxError> {
        while let Some((output, is_kept)) = self.ears.round.first_due() {
            let (Output::Step(command) | Output::Transmit(command)) = &output;
            let written = self.written(&command.id).await?;
            // A command may come into a state twice: steps are only ever added.
            let is_written = written.is_some_and(|written| written.steps.len() >= command.steps.len());
            self.ears.round.done();
            if !is_written {
                continue;
            }
            self.note_awaited(&command.device);
            if matches!(output, Output::Transmit(_)) {
                let followed = self.machine.get(&command.id);
                if followed.is_none_or(|followed| followed.state != CommandState::Sent) {
                    continue;
                }
                // The words for it are found once more.
                self.road.reach(command);
            }
            self.perform(&output, is_kept);
        }
        Ok(())
    }

    /// Takes in once more what an earlier task had taken in and not settled. Twice is enough: it may be the cause.
    pub(super) async fn take_up(&mut self) -> Result<(), BoxError> {
        for (taken, failed) in self.ears.round.left() {
            match taken {
                Taken::Asked(Asked { asker: None, .. }) => {}
                Taken::Asked(asked) if failed < TRIES => self.ask_again(asked, failed).await?,
                Taken::Asked(Asked { message, asker, .. }) => {
                    warn!(topic = %message.topic, "a request that ended the task of the commands is dropped");
                    let error =
                        "the task that follows commands has failed over this: read the present state first";
                    if let Some(asker) = asker {
                        asker.reject(&self.parts.bus, &json!({ "error": error }));
                    }
                }
                Taken::Said(device, said) if failed < TRIES => self.take(Taken::Said(device, said), failed),
                Taken::Said(device, _) => {
                    warn!(device, "an answer that ended the task of the commands is dropped");
                }
            }
        }
        Ok(())
    }

    /// A request that made a command is answered with it, any other one is considered again.
    async fn ask_again(&mut self, asked: Asked, failed: u8) -> Result<(), BoxError> {
        let sets = asked.message.topic.levels().next() == Some("devices");
        let is_made = match &asked.about {
            Some(about) if sets => self.written(&about.id).await?.is_some(),
            _ => false,
        };
        if is_made {
            self.ears.round.note(Taken::Asked(asked), failed);
        } else {
            let about = None;
            self.take(Taken::Asked(Asked { about, ..asked }), failed);
        }
        Ok(())
    }
}
