//! What the client publishes.

use bytes::BytesMut;
use roost_model::Topic;
use roost_runtime::{Message, Origin, Pressure, Published, QoS, Receipt};
use tracing::debug;

use super::{Close, Session, message};
use crate::codec::{self, AckKind, Publish, Reason, Version};
use crate::stats::BrokerStats;

/// Whether a message may come that is to be acknowledged.
enum Room {
    /// It may.
    Free,
    /// Not yet: a device that must lose nothing has no room for it.
    Awaited(Pressure),
    /// No, and its publisher is told so.
    None,
}

impl Session {
    pub(super) fn publish(&mut self, publish: Publish<'_>, out: &mut BytesMut) -> Result<(), Close> {
        let meant = self.topic(&publish)?;
        let placed = self.grant.place(&meant);
        let room = placed
            .as_ref()
            .map_or(Room::Free, |topic| self.room_for(topic, &publish));
        if let Room::Awaited(pressure) = room {
            self.pressure = Some(Box::new(pressure));
            self.held = true;
            return Ok(());
        }
        BrokerStats::count(&self.stats().received);
        self.published = self.published.saturating_add(1);
        let Some(topic) = placed else {
            return self.forbid(&meant, &publish, out);
        };
        if matches!(room, Room::None) {
            return self.deny(publish.qos, publish.id, out);
        }
        let publish = Publish {
            retain: publish.retain && !self.grant.is_quarantined,
            ..publish
        };
        let (qos, id) = (publish.qos, publish.id);
        match qos {
            QoS::AtMostOnce => {
                let _ = self.pass_on(message(topic, publish), None);
            }
            QoS::AtLeastOnce => {
                let published = self.pass_on(message(topic, publish), None);
                if published.denied {
                    return self.deny(qos, id, out);
                }
                codec::put_ack(out, self.version, AckKind::PubAck, id, found(&published));
            }
            QoS::ExactlyOnce => self.receive(topic, publish, out)?,
        }
        Ok(())
    }

    /// Takes a message of QoS 2, unless it is one that was taken before. It is passed on at once: the identifier is
    /// what keeps it from being passed on again (MQTT 5 section 4.3.3, method B).
    fn receive(&mut self, topic: Topic, publish: Publish<'_>, out: &mut BytesMut) -> Result<(), Close> {
        let id = publish.id;
        if self.has_received(id) {
            if self.durable != 0 {
                // It may have been taken by a connection that ended before the log had it.
                self.barrier = self.barrier.max(self.broker.ledger().end());
            }
            codec::put_ack(out, self.version, AckKind::PubRec, id, Reason::Success);
            return Ok(());
        }
        if self.received_count() >= self.receive_maximum() {
            return Err(Close::Because(Reason::ReceiveMaximumExceeded));
        }
        let message = message(topic, publish);
        let published = if self.durable == 0 {
            let published = self.pass_on(message, None);
            if !published.denied {
                self.rare().received.insert(id);
            }
            published
        } else {
            let receipt = Receipt {
                session: self.durable,
                packet: id,
            };
            self.pass_on(message, Some(receipt))
        };
        if published.denied {
            return self.deny(QoS::ExactlyOnce, id, out);
        }
        codec::put_ack(out, self.version, AckKind::PubRec, id, found(&published));
        Ok(())
    }

    /// Whether there is room for a message, before anybody hears of it. A device that can't take what it says waits
    /// until it can, and so does a client of 3.1.1, which can't be told; another client of version 5 is told after a
    /// while, because it may speak for others, too.
    fn room_for(&self, topic: &Topic, publish: &Publish<'_>) -> Room {
        if publish.qos == QoS::AtMostOnce {
            return Room::Free;
        }
        let Some(taker) = self.broker.bus().shut_taker(topic) else {
            return Room::Free;
        };
        if publish.qos == QoS::ExactlyOnce && self.has_received(publish.id) {
            // It was taken before: it is answered, and not passed on.
            return Room::Free;
        }
        let is_patient = self.grant.is_device || self.version == Version::V4;
        if is_patient || !taker.is_stalled() {
            Room::Awaited(taker)
        } else {
            Room::None
        }
    }

    /// A message that nobody has taken, because a device has no room for it, is not acknowledged as if it were.
    fn deny(&self, qos: QoS, id: u16, out: &mut BytesMut) -> Result<(), Close> {
        let kind = match qos {
            QoS::AtMostOnce => return Ok(()),
            QoS::AtLeastOnce => AckKind::PubAck,
            QoS::ExactlyOnce => AckKind::PubRec,
        };
        if self.version == Version::V4 {
            // It says it again when it comes back.
            return Err(Close::Because(Reason::QuotaExceeded));
        }
        codec::put_ack(out, self.version, kind, id, Reason::QuotaExceeded);
        Ok(())
    }

    fn has_received(&self, id: u16) -> bool {
        if self.durable == 0 {
            return self.rare.as_ref().is_some_and(|rare| rare.received.contains(&id));
        }
        self.broker.ledger().has_received(self.durable, id)
    }

    /// How many packets of QoS 2 the client may have under way.
    fn receive_maximum(&self) -> usize {
        let limits = self.broker.limits();
        match self.version {
            Version::V5 => limits.receive_maximum.into(),
            Version::V4 => limits.receive_maximum_v4.into(),
        }
    }

    fn received_count(&self) -> usize {
        if self.durable == 0 {
            return self.rare.as_ref().map_or(0, |rare| rare.received.len());
        }
        self.broker.ledger().received_count(self.durable)
    }

    /// The client will not send a message of QoS 2 again.
    pub(super) fn released(&mut self, id: u16, out: &mut BytesMut) {
        let known = if self.durable == 0 {
            self.rare.as_mut().is_some_and(|rare| rare.received.remove(&id))
        } else {
            let forgotten = self.broker.ledger().forget_received(self.durable, id);
            self.barrier = self.barrier.max(forgotten.unwrap_or(0));
            forgotten.is_some()
        };
        let reason = if known {
            Reason::Success
        } else {
            Reason::PacketIdentifierNotFound
        };
        codec::put_ack(out, self.version, AckKind::PubComp, id, reason);
    }

    fn pass_on(&mut self, message: Message, receipt: Option<Receipt>) -> Published {
        let origin = Origin {
            publisher: Some(&self.subscription),
            receipt,
        };
        let mut published = self.broker.bus().publish_from(message, origin);
        self.barrier = self.barrier.max(published.barrier);
        self.crowded |= published.crowded;
        if let Some(pressure) = published.pressure.take() {
            self.pressure = Some(Box::new(pressure));
        }
        published
    }

    /// The topic of a PUBLISH: its own, or the one that its alias stands for (section 3.3.2.3.4).
    fn topic(&mut self, publish: &Publish<'_>) -> Result<Topic, Close> {
        let Some(alias) = publish.alias else {
            return Topic::new(publish.topic).map_err(|_| Close::Because(Reason::TopicNameInvalid));
        };
        if alias == 0 || alias > self.broker.limits().topic_aliases {
            return Err(Close::Because(Reason::TopicAliasInvalid));
        }
        if publish.topic.is_empty() {
            let known = self
                .rare
                .as_ref()
                .and_then(|rare| rare.aliases.topic(alias).cloned());
            return known.ok_or(Close::Because(Reason::TopicAliasInvalid));
        }
        let topic = Topic::new(publish.topic).map_err(|_| Close::Because(Reason::TopicNameInvalid))?;
        if self.rare().aliases.set(alias, &topic) {
            Ok(topic)
        } else {
            Err(Close::Because(Reason::QuotaExceeded))
        }
    }

    /// A publish outside the client's own topics. Only version 5 above QoS 0 has a word for it; otherwise the
    /// connection ends (MQTT 3.1.1 section 3.3.5): an acknowledgement would be a lie, and silence would hide a wrong
    /// set-up.
    fn forbid(&mut self, topic: &Topic, publish: &Publish<'_>, out: &mut BytesMut) -> Result<(), Close> {
        BrokerStats::count(&self.stats().forbidden);
        debug!(client = %self.grant.identity, %topic, "publish outside its own topics");
        let kind = match publish.qos {
            QoS::AtLeastOnce => AckKind::PubAck,
            QoS::ExactlyOnce => AckKind::PubRec,
            QoS::AtMostOnce => return Err(Close::Because(Reason::NotAuthorized)),
        };
        if self.version == Version::V4 {
            return Err(Close::Because(Reason::NotAuthorized));
        }
        codec::put_ack(out, self.version, kind, publish.id, Reason::NotAuthorized);
        Ok(())
    }
}

fn found(published: &Published) -> Reason {
    if published.takers == 0 {
        Reason::NoMatchingSubscribers
    } else {
        Reason::Success
    }
}
