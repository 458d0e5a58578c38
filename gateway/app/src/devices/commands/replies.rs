//! Answers to those who asked for a command, given once the command is written down.

use roost_model::{Command, Topic};
use roost_runtime::{Bus, Message, ReplyTo};
use serde_json::json;

use super::round::About;

/// Whoever asked.
pub(super) enum Asker {
    /// Somebody who waits for the answer.
    Waits(ReplyTo),
    /// A client of MQTT, who hears it on this topic.
    Listens(Topic),
}

impl Asker {
    /// Gives an answer.
    pub(super) fn answer(self, bus: &Bus, body: Vec<u8>) {
        match self {
            Self::Waits(reply) => reply.send(body),
            Self::Listens(topic) => {
                bus.publish(Message::new(topic, body).at_least_once());
            }
        }
    }

    /// Says that the request was none.
    pub(super) fn reject(self, bus: &Bus, answer: &serde_json::Value) {
        self.answer(bus, answer.to_string().into_bytes());
    }
}

/// Answers a request once the command that it is about is written down.
pub(super) fn answer(bus: &Bus, asker: Asker, about: &About, command: Option<&Command>) {
    let Some(command) = command else {
        let error = json!({ "error": "there is no such command", "not_found": true });
        return asker.reject(bus, &error);
    };
    if let Some(value) = &about.repeated
        && *value != command.value
    {
        let error = format!(
            "the key {:?} was used for another value: take a new key for a new command",
            command.key.as_deref().unwrap_or_default()
        );
        return asker.reject(bus, &json!({ "error": error }));
    }
    // Whoever listens has heard the states of a new command already.
    if about.repeated.is_none() && matches!(asker, Asker::Listens(_)) {
        return;
    }
    let body = serde_json::to_vec(command).unwrap_or_default();
    asker.answer(bus, body);
}
