//! The inboxes of the views that a test's client has joined: by them a test sends a view its messages.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::handle::{Inbox, Letter};
use crate::lock;

/// The type of a view's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageType {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl MessageType {
    pub(crate) fn of<M: 'static>() -> Self {
        let (id, name) = (TypeId::of::<M>(), std::any::type_name::<M>());
        Self { id, name }
    }
}

/// The views that were joined over one connection, by topic. Whoever connects in this process puts it into the
/// extensions of the request; nobody else can. Cloning copies a pointer.
#[derive(Clone, Default)]
pub(crate) struct Inboxes(Arc<Mutex<ByTopic>>);

type ByTopic = BTreeMap<Box<str>, (MessageType, Inbox)>;

impl Inboxes {
    /// A view has joined.
    pub(crate) fn enter(&self, topic: &str, takes: MessageType, inbox: Inbox) {
        lock(&self.0).insert(topic.into(), (takes, inbox));
    }

    /// Puts a message into the inbox of the view of this topic.
    ///
    /// # Errors
    /// There is none, it takes other messages, it has ended or too much waits for it.
    pub(crate) fn send(
        &self,
        topic: &str,
        (message_type, letter): (MessageType, Letter),
    ) -> Result<(), String> {
        let (takes, inbox) = lock(&self.0)
            .get(topic)
            .cloned()
            .ok_or_else(|| format!("no view has joined {topic}"))?;
        if takes != message_type {
            return Err(format!(
                "the view takes messages of type {}, not {}",
                takes.name, message_type.name
            ));
        }
        inbox(letter).map_err(|error| error.to_string())
    }
}
