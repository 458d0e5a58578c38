//! The session: what a packet means, as plain decisions. It reads no socket and no clock; answers go into a buffer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::BytesMut;
use roost_model::{Filter, Topic};
use roost_runtime::{Bus, Delivery, Message, Policy, QoS, Subscription};
use tracing::debug;

use crate::access::Grant;
use crate::codec::{self, Granted, Incoming, Publish, Reason, RetainHandling, Version, Wanted, Will};
use crate::limits::Limits;
use crate::stats::BrokerStats;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client said good-bye.
    Goodbye {
        /// Whether it wants its will published all the same.
        with_will: bool,
    },
    /// The client broke a rule or a limit, or the server wants to end it.
    Because(Reason),
    /// The network connection is gone.
    Lost,
}

/// Version 5 prefix of a shared subscription (section 4.8.2).
const SHARED: &str = "$share/";

pub(crate) struct Session {
    pub(crate) grant: Grant,
    pub(crate) version: Version,
    bus: Bus,
    stats: Arc<BrokerStats>,
    subscription: Subscription,
    /// Retained messages on their way to a new subscriber, sent before anything newer.
    replay: VecDeque<(Arc<Message>, QoS)>,
    /// Packet identifiers that wait for their PUBACK, oldest first.
    unacknowledged: VecDeque<u16>,
    last_id: u16,
    in_flight_max: usize,
    subscriptions_max: usize,
    maximum_packet: usize,
}

impl Session {
    pub(crate) fn new(
        grant: Grant,
        version: Version,
        connect: &codec::Connect,
        bus: Bus,
        stats: Arc<BrokerStats>,
        limits: &Limits,
    ) -> Self {
        let subscription = bus.subscriber(limits.queue_messages, Policy::ShedThenClose);
        Self {
            grant,
            version,
            bus,
            stats,
            subscription,
            replay: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            last_id: 0,
            in_flight_max: usize::from(limits.in_flight.min(connect.receive_maximum.unwrap_or(u16::MAX))),
            subscriptions_max: limits.subscriptions,
            maximum_packet: connect.maximum_packet.map_or(usize::MAX, |bytes| bytes as usize),
        }
    }

    /// Whether another message may be sent now.
    pub(crate) fn window_open(&self) -> bool {
        self.unacknowledged.len() < self.in_flight_max
    }

    /// The next message for the client; `None` if it was too slow for its queue. Safe to cancel.
    pub(crate) async fn next(&self) -> Option<Delivery> {
        self.subscription.recv().await
    }

    /// Returns once the client was too slow for its queue. Safe to cancel.
    pub(crate) async fn overflowed(&self) {
        self.subscription.overflowed().await;
    }

    /// Whether retained messages wait to be sent.
    pub(crate) fn has_replay(&self) -> bool {
        !self.replay.is_empty()
    }

    /// Whether retained messages wait to be sent and may be.
    pub(crate) fn may_replay(&self) -> bool {
        self.has_replay() && self.window_open()
    }

    /// Writes what may be sent: first retained messages, then those that wait, until the window closes or `out` holds
    /// `enough` bytes.
    pub(crate) fn drain(&mut self, out: &mut BytesMut, enough: usize) {
        while out.len() < enough && self.window_open() {
            let (message, qos, retained) = if let Some((message, qos)) = self.replay.pop_front() {
                (message, qos, true)
            } else if let Some(delivery) = self.subscription.try_recv() {
                (delivery.message, delivery.qos, delivery.retained)
            } else {
                self.replay = VecDeque::new();
                return;
            };
            self.send(&message, qos, retained, out);
        }
    }

    /// Writes one message.
    pub(crate) fn send(&mut self, message: &Message, qos: QoS, retained: bool, out: &mut BytesMut) {
        // QoS 2 comes with persistent sessions; until then nothing is granted above 1.
        let qos = qos.min(QoS::AtLeastOnce);
        let topic = message.topic.as_str();
        if codec::publish_size(self.version, topic, &message.body, qos) > self.maximum_packet {
            // Section 3.1.2.11.4: what the client cannot take is dropped as if it had been sent.
            debug!(client = %self.grant.identity, topic, "message larger than the client takes");
            return;
        }
        let id = if qos == QoS::AtMostOnce { 0 } else { self.next_id() };
        codec::put_publish(out, self.version, topic, &message.body, qos, retained, id);
        BrokerStats::count(&self.stats.sent);
    }

    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.unacknowledged.contains(&self.last_id) {
                self.unacknowledged.push_back(self.last_id);
                return self.last_id;
            }
        }
    }

    /// Does what a packet asks and writes the answer.
    pub(crate) fn handle(&mut self, packet: Incoming, out: &mut BytesMut) -> Result<(), Close> {
        match packet {
            Incoming::Publish(publish) => self.publish(publish, out),
            Incoming::PubAck(id) => {
                if let Some(at) = self.unacknowledged.iter().position(|other| *other == id) {
                    self.unacknowledged.remove(at);
                }
                Ok(())
            }
            Incoming::Subscribe {
                id,
                filters,
                has_identifier,
            } => {
                if has_identifier {
                    return Err(Close::Because(Reason::SubscriptionIdentifiersNotSupported));
                }
                let granted: Vec<Granted> =
                    filters.into_iter().map(|wanted| self.subscribe(wanted)).collect();
                codec::put_suback(out, self.version, id, &granted);
                Ok(())
            }
            Incoming::Unsubscribe { id, filters } => {
                let remove =
                    |text: &String| Filter::new(text).is_ok_and(|filter| self.subscription.remove(&filter));
                let removed: Vec<bool> = filters.iter().map(remove).collect();
                codec::put_unsuback(out, self.version, id, &removed);
                Ok(())
            }
            Incoming::Ping => {
                codec::put_pong(out);
                Ok(())
            }
            Incoming::Disconnect { with_will } => Err(Close::Goodbye { with_will }),
            Incoming::Connect(_) => Err(Close::Because(Reason::ProtocolError)),
            Incoming::Unexpected("QoS 2") => Err(Close::Because(Reason::QosNotSupported)),
            Incoming::Unexpected(_) => Err(Close::Because(Reason::ProtocolError)),
        }
    }

    fn publish(&mut self, publish: Publish, out: &mut BytesMut) -> Result<(), Close> {
        BrokerStats::count(&self.stats.received);
        if publish.has_alias {
            return Err(Close::Because(Reason::TopicAliasInvalid));
        }
        if publish.qos == QoS::ExactlyOnce {
            return Err(Close::Because(Reason::QosNotSupported));
        }
        let topic = Topic::new(&publish.topic).map_err(|_| Close::Because(Reason::TopicNameInvalid))?;
        if !self.grant.may_publish(&topic) {
            return self.forbid(&publish, out);
        }
        let message = Message {
            topic,
            body: publish.body,
            qos: publish.qos,
            retain: publish.retain,
            own: false,
        };
        let takers = self.bus.publish(message);
        if publish.qos == QoS::AtLeastOnce {
            let reason = if takers == 0 {
                Reason::NoMatchingSubscribers
            } else {
                Reason::Success
            };
            codec::put_puback(out, self.version, publish.id, reason);
        }
        Ok(())
    }

    /// A publish outside the client's own topics. Only version 5 with QoS 1 has a word for it; otherwise the connection
    /// ends (MQTT 3.1.1 section 3.3.5): an acknowledgement would be a lie, and silence would hide a wrong set-up.
    fn forbid(&mut self, publish: &Publish, out: &mut BytesMut) -> Result<(), Close> {
        BrokerStats::count(&self.stats.forbidden);
        debug!(client = %self.grant.identity, topic = publish.topic, "publish outside its own topics");
        if self.version == Version::V5 && publish.qos == QoS::AtLeastOnce {
            codec::put_puback(out, self.version, publish.id, Reason::NotAuthorized);
            return Ok(());
        }
        Err(Close::Because(Reason::NotAuthorized))
    }

    fn subscribe(&mut self, wanted: Wanted) -> Granted {
        if self.version == Version::V5 && wanted.filter.starts_with(SHARED) {
            return Granted::No(Reason::SharedSubscriptionsNotSupported);
        }
        let Ok(filter) = Filter::new(&wanted.filter) else {
            return Granted::No(Reason::TopicFilterInvalid);
        };
        if !self.grant.may_subscribe(&filter) {
            BrokerStats::count(&self.stats.forbidden);
            debug!(client = %self.grant.identity, %filter, "subscription outside its own topics");
            return Granted::No(Reason::NotAuthorized);
        }
        let known = self.subscription.filters().contains(&filter);
        if !known && self.subscription.filters().len() >= self.subscriptions_max {
            return Granted::No(Reason::QuotaExceeded);
        }
        let qos = wanted.qos.min(QoS::AtLeastOnce);
        let retained = self.subscription.add(filter, qos);
        let wants_retained = match wanted.retained {
            RetainHandling::Always => true,
            RetainHandling::IfNew => !known,
            RetainHandling::Never => false,
        };
        if wants_retained {
            self.replay.extend(retained.into_iter().map(|message| {
                let qos = message.qos.min(qos);
                (message, qos)
            }));
        }
        Granted::Yes(qos)
    }

    /// Checks a will before it is accepted, and makes the message that it becomes.
    pub(crate) fn accept_will(grant: &Grant, will: Will) -> Result<Message, Reason> {
        if will.qos == QoS::ExactlyOnce {
            return Err(Reason::QosNotSupported);
        }
        let topic = Topic::new(&will.topic).map_err(|_| Reason::TopicNameInvalid)?;
        if !grant.may_publish(&topic) {
            return Err(Reason::NotAuthorized);
        }
        Ok(Message {
            topic,
            body: will.body,
            qos: will.qos,
            retain: will.retain,
            own: false,
        })
    }

    pub(crate) fn count(&self, counter: impl FnOnce(&BrokerStats) -> &AtomicU64) {
        BrokerStats::count(counter(&self.stats));
    }

    pub(crate) fn publish_will(&self, will: Message) {
        BrokerStats::count(&self.stats.wills);
        self.bus.publish(will);
    }
}
