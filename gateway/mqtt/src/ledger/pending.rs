//! A message that a session waits for, and how far it has come.

use std::sync::Arc;

use roost_runtime::{Message, QoS};

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may have been sent on an earlier connection.
    Waiting { sent_before: bool },
    /// It is under way on this connection.
    Sent,
    /// The client has it (QoS 2), and may not know yet that it will not come again.
    Released { told: bool },
}

/// One message that a session waits for.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// None once the client has it and only the end of QoS 2 is missing.
    pub(super) message: Option<Arc<Message>>,
    pub(super) qos: QoS,
    pub(super) retained: bool,
    pub(super) id: u16,
    pub(super) phase: Phase,
    /// Where in the log it is.
    pub(super) barrier: u64,
    /// Place in the order of all messages.
    pub(super) seq: u64,
}

impl Pending {
    pub(super) fn new(message: &Arc<Message>, qos: QoS, seq: u64, retained: bool) -> Self {
        Self {
            message: Some(Arc::clone(message)),
            qos,
            retained,
            id: 0,
            phase: Phase::Waiting { sent_before: false },
            barrier: 0,
            seq,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.footprint())
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(
            self.phase,
            Phase::Waiting { .. } | Phase::Released { told: false }
        )
    }
}

/// What a client is to be sent next.
#[derive(Debug)]
pub(crate) enum Due {
    /// A message.
    Message {
        message: Arc<Message>,
        qos: QoS,
        id: u16,
        dup: bool,
        retained: bool,
        barrier: u64,
    },
    /// The news that a message of QoS 2 will not come again.
    Release { id: u16 },
}
