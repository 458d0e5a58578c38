//! What the client is sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use roost_runtime::{Message, QoS};
use tracing::debug;

use super::{Close, Session};
use crate::codec::{self, Ack, AckKind, Head, Reason, Version};
use crate::ledger::Due;
use crate::stats::BrokerStats;

/// Messages under way to the client: sent, and not finished.
#[derive(Debug)]
pub(super) struct Window {
    /// Packet identifiers, oldest first, and whether the client has received a message of QoS 2. Those of a durable
    /// session are in the ledger; here is only their number.
    under_way: VecDeque<(u16, bool)>,
    last_id: u16,
    max: u16,
}

impl Window {
    pub(super) fn new(max: u16) -> Self {
        Self {
            under_way: VecDeque::new(),
            last_id: 0,
            max: max.max(1),
        }
    }

    fn is_open(&self) -> bool {
        self.under_way.len() < usize::from(self.max)
    }

    fn position(&self, id: u16) -> Option<usize> {
        self.under_way.iter().position(|(other, _)| *other == id)
    }

    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.position(self.last_id).is_none() {
                self.under_way.push_back((self.last_id, false));
                return self.last_id;
            }
        }
    }

    fn finish(&mut self, id: u16) -> bool {
        let at = self.position(id);
        if let Some(at) = at {
            self.under_way.remove(at);
            if self.under_way.is_empty() {
                self.under_way = VecDeque::new();
            }
        }
        at.is_some()
    }
}

/// How one message is sent.
#[derive(Debug, Clone, Copy)]
struct Sending {
    qos: QoS,
    retained: bool,
    dup: bool,
    id: u16,
}

impl Session {
    /// Whether another message may be sent now.
    pub(crate) fn window_open(&self) -> bool {
        self.window.is_open()
    }

    /// Whether retained messages wait to be sent.
    pub(crate) fn has_replay(&self) -> bool {
        self.replay.is_some()
    }

    /// Whether retained messages wait to be sent and may be.
    pub(crate) fn may_replay(&self) -> bool {
        self.has_replay() && self.window_open()
    }

    /// Writes what may be sent: first retained messages, then those that wait, until the window closes or `out` holds
    /// `enough` bytes.
    pub(crate) fn drain(&mut self, out: &mut BytesMut, enough: usize) {
        while out.len() < enough && self.window_open() {
            let bus = self.broker.bus();
            let retained = self.replay.as_mut().and_then(|replay| replay.next(bus));
            if let Some((message, qos)) = retained {
                self.send_retained(message, qos, out);
                continue;
            }
            self.replay = None;
            let Some(delivery) = self.subscription.try_recv() else {
                break;
            };
            self.send(&delivery.message, delivery.qos, delivery.retained, out);
        }
        if self.durable != 0 {
            self.drain_ledger(out, enough);
        }
    }

    /// A durable session's messages above QoS 0 go by way of the ledger, retained ones too.
    fn send_retained(&mut self, message: Arc<Message>, qos: QoS, out: &mut BytesMut) {
        if self.durable != 0 && qos > QoS::AtMostOnce {
            self.broker.ledger().take_retained(self.durable, &message, qos);
            self.drain_ledger(out, usize::MAX);
        } else {
            self.send(&message, qos, true, out);
        }
    }

    fn drain_ledger(&mut self, out: &mut BytesMut, enough: usize) {
        let broker = Arc::clone(&self.broker);
        while out.len() < enough && self.window_open() {
            match broker.ledger().next(self.durable) {
                None => return,
                Some(Due::Message {
                    message,
                    qos,
                    id,
                    dup,
                    retained,
                    barrier,
                }) => {
                    self.window.under_way.push_back((id, false));
                    if qos == QoS::ExactlyOnce {
                        // A message that nobody would remember after a crash must not be out there yet.
                        self.barrier = self.barrier.max(barrier);
                    }
                    let sending = Sending {
                        qos,
                        retained,
                        dup,
                        id,
                    };
                    if !self.put(&message, sending, out) {
                        self.finish(id);
                    }
                }
                Some(Due::Release { id }) => {
                    self.window.under_way.push_back((id, true));
                    codec::put_ack(out, self.version, AckKind::PubRel, id, Reason::Success);
                }
            }
        }
    }

    /// Writes one message of the queue.
    pub(crate) fn send(&mut self, message: &Message, qos: QoS, retained: bool, out: &mut BytesMut) {
        let id = if qos == QoS::AtMostOnce {
            0
        } else {
            self.window.next_id()
        };
        let sending = Sending {
            qos,
            retained,
            dup: false,
            id,
        };
        if !self.put(message, sending, out) && id != 0 {
            self.window.finish(id);
        }
    }

    /// Writes a message, unless it has expired or the client can't take it.
    fn put(&mut self, message: &Message, sending: Sending, out: &mut BytesMut) -> bool {
        let mut head = Head {
            topic: message.topic.as_str(),
            qos: sending.qos,
            retain: sending.retained,
            dup: sending.dup,
            id: sending.id,
            ..Head::default()
        };
        let mut identifiers = Vec::new();
        if let Some(expires) = message.expires() {
            let Some(left) = expires.checked_duration_since(Instant::now()) else {
                return false;
            };
            head.expiry_s = Some(u32::try_from(left.as_secs()).unwrap_or(u32::MAX));
        }
        if self.version == Version::V5 {
            head.properties = message.properties();
            if let Some(rare) = &mut self.rare {
                for options in &rare.options {
                    if options.filter.matches(&message.topic) {
                        identifiers.extend(options.identifier);
                        head.retain |= options.retain_as_published && message.retain;
                    }
                }
                head.identifiers = &identifiers;
            }
        }
        if head.size(self.version, message.body.len()) > self.maximum_packet as usize {
            // Section 3.1.2.11.4: what the client cannot take is dropped as if it had been sent.
            debug!(client = %self.grant.identity, topic = %message.topic, "message larger than the client takes");
            return false;
        }
        if self.version == Version::V5
            && let Some((alias, known)) = self
                .rare
                .as_mut()
                .and_then(|rare| rare.aliases.outward(&message.topic))
        {
            head.alias = Some(alias);
            if known {
                head.topic = "";
            }
        }
        codec::put_publish(out, self.version, &head, &message.body);
        BrokerStats::count(&self.broker.stats().sent);
        true
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP of the client.
    pub(super) fn acknowledged(&mut self, ack: Ack, out: &mut BytesMut) -> Result<(), Close> {
        match ack.kind {
            AckKind::PubRel => self.released(ack.id, out),
            AckKind::PubRec if !ack.failed => self.received_by_client(ack.id, out),
            AckKind::PubAck | AckKind::PubRec | AckKind::PubComp => self.finish(ack.id),
        }
        Ok(())
    }

    /// The client has a message of QoS 2, and learns that it will not come again.
    fn received_by_client(&mut self, id: u16, out: &mut BytesMut) {
        let mut reason = Reason::PacketIdentifierNotFound;
        if let Some(at) = self.window.position(id) {
            self.window.under_way[at].1 = true;
            reason = Reason::Success;
            if self.durable != 0 {
                let written = self.broker.ledger().release(self.durable, id);
                self.barrier = self.barrier.max(written);
            }
        }
        codec::put_ack(out, self.version, AckKind::PubRel, id, reason);
    }

    fn finish(&mut self, id: u16) {
        if self.window.finish(id) && self.durable != 0 {
            self.broker.ledger().done(self.durable, id);
        }
    }
}
