//! What the bus expects of whoever writes down deliveries that must outlive the program.

use std::fmt;
use std::sync::Arc;

use roost_model::Topic;

use super::message::{Message, QoS};

/// Something that is written down together with a message, or not at all: that a client's packet has arrived, so that
/// it is not taken for a second one when it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The number of the client's session in the ledger.
    pub session: u64,
    /// The packet's identifier.
    pub packet: u16,
}

/// What became of a message in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many took it.
    pub takers: usize,
    /// What has to be written before its publisher may be told.
    pub barrier: u64,
}

/// Whoever writes down what durable takers are given, before anybody sends it on.
pub trait Ledger: Send + Sync + fmt::Debug {
    /// Takes a message for the durable takers among its takers, each with its QoS, and a receipt; all in one.
    fn take(&self, message: &Arc<Message>, takers: &[(u64, QoS)], receipt: Option<Receipt>) -> Taken;

    /// What is retained of a client under this topic has changed.
    fn retained(&self, topic: &Topic);
}
