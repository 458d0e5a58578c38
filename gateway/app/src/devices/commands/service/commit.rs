//! The end of a round: it is written down, then said, sent and answered.

use std::sync::Arc;

use hashbrown::HashMap;
use roost_model::{Command, CommandState, Topic};
use roost_runtime::{BoxError, Message};
use roost_store::{Store, StoreError};

use super::super::machine::{self, Output};
use super::super::{Answer, records, replies};
use super::Service;

impl Service {
    /// Writes down what has changed, with one sync; then says it, sends what is to be sent, and answers.
    pub(super) async fn commit(&mut self) -> Result<(), BoxError> {
        let mut last = HashMap::new();
        loop {
            let outputs = self.machine.take_outputs();
            if outputs.is_empty() {
                break;
            }
            let changed = records::changed(&outputs)?;
            self.ended += changed.iter().filter(|command| command.is_final).count();
            let steps = outputs.iter().filter_map(|output| match output {
                Output::Step(command) => Some((command.id.clone(), command.clone())),
                Output::Transmit(_) => None,
            });
            last.extend(steps);
            let due = outputs.into_iter().map(|output| {
                let is_kept = self.is_kept(&output, &last);
                (output, is_kept)
            });
            self.ears.round.will_do(due);
            self.write(move |store| store.table::<Command>().put_all(&changed))
                .await?;
            if self.ended >= records::FORGET_AFTER {
                self.write(records::forget_old).await?;
                self.ended = 0;
            }
            self.learn(&last);
            while let Some((output, is_kept)) = self.ears.round.first_due() {
                self.ears.round.done();
                self.perform(&output, is_kept);
            }
        }
        self.answer(&last).await?;
        self.ears.round.settle();
        self.born.clear();
        Ok(())
    }

    /// Writes something down. If the task ends meanwhile, the next one waits until it is written.
    async fn write(
        &self,
        work: impl FnOnce(&Store) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let writing = Arc::clone(&self.ears.writing).lock_owned().await;
        self.parts
            .store
            .run(move |store| {
                let _writing = writing;
                work(store)
            })
            .await
    }

    /// What is on disk now is known: keys, and which devices are listened to. Before anything is sent, because an
    /// answer may be faster than this task.
    fn learn(&mut self, last: &HashMap<String, Command>) {
        let now = self.now();
        for command in last.values() {
            if self.born.contains(&command.id) {
                self.keys.learn(command, &now);
            }
            self.note_awaited(&command.device);
        }
    }

    pub(super) fn note_awaited(&self, device: &str) {
        let count = self.machine.awaited(device);
        self.parts.commands.set_awaited(device, count);
    }

    /// Whether what is said of a command is retained: what was refused at once is nobody's state, and is not kept for
    /// those who come later.
    fn is_kept(&self, output: &Output, last: &HashMap<String, Command>) -> bool {
        let (Output::Step(command) | Output::Transmit(command)) = output;
        let was_refused = last.get(&command.id).is_some_and(|last| {
            last.state == CommandState::Refused && last.at_ms(CommandState::Sent).is_none()
        });
        !(was_refused && self.born.contains(&command.id))
    }

    pub(super) fn perform(&mut self, output: &Output, is_kept: bool) {
        match output {
            Output::Step(command) => {
                self.say(command, is_kept);
                if command.is_final {
                    self.road.forget(&command.id);
                }
            }
            Output::Transmit(command) => self.transmit(command),
        }
    }

    /// Sends a command. If its device has gone since it was reached, it waits for it again, unless it must not.
    fn transmit(&mut self, command: &Command) {
        if self.road.transmit(command) {
            return;
        }
        let (device, id, now) = (&command.device, &command.id, self.now());
        if self.ears.round.may_wait(id) {
            self.machine.returned(device, id, &now);
        } else {
            let refused = Answer::Refused(machine::had_gone());
            self.machine.answered(device, Some(id), None, refused, &now);
        }
        self.advance(device, &now);
    }

    fn say(&self, command: &Command, retained: bool) {
        let topic = format!("devices/{}/points/{}/result", command.device, command.point);
        if let (Ok(topic), Ok(body)) = (Topic::new(topic), serde_json::to_vec(command)) {
            let message = Message::new(topic, body).at_least_once();
            self.parts
                .bus
                .publish(if retained { message.retained() } else { message });
        }
    }

    async fn answer(&mut self, last: &HashMap<String, Command>) -> Result<(), BoxError> {
        while let Some((at, about)) = self.ears.round.unanswered() {
            let known = last
                .get(&about.id)
                .or_else(|| self.machine.get(&about.id))
                .cloned();
            let command = match known {
                Some(command) => Some(command),
                None => self.written(&about.id).await?,
            };
            if let Some(asker) = self.ears.round.asker(at) {
                replies::answer(&self.parts.bus, asker, &about, command.as_ref());
            }
        }
        Ok(())
    }

    /// A command as it is written down.
    pub(super) async fn written(&self, id: &str) -> Result<Option<Command>, StoreError> {
        let id = id.to_owned();
        let store = &self.parts.store;
        store.run(move |store| store.table::<Command>().get(&id)).await
    }
}
