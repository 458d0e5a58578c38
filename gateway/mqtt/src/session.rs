//! The session: what a packet means, as plain decisions. It reads no socket and no clock; answers go into a buffer.

mod aliases;
mod inbound;
mod outbound;
mod rare;
mod replay;
mod subscribing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use roost_model::Topic;
use roost_runtime::{Extra, Message, Policy, Pressure, Subscription};

use crate::access::Grant;
use crate::broker::Broker;
use crate::codec::{self, Connect, Incoming, Reason, Version, Will};
use crate::stats::BrokerStats;
use crate::will::LastWill;

pub(crate) use aliases::AliasBudget;
use outbound::Window;
pub(crate) use rare::Options;
use rare::Rare;
pub(crate) use replay::Replay;

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

/// Ten thousand of these are idle most of the time: what few need is in boxes.
pub(crate) struct Session {
    pub(crate) grant: Grant,
    pub(crate) version: Version,
    broker: Arc<Broker>,
    subscription: Subscription,
    /// The session's number in the ledger; 0 if it ends with its connection.
    durable: u64,
    window: Window,
    /// Retained messages on their way to a new subscriber, sent before anything newer.
    replay: Option<Box<Replay>>,
    /// What the ledger must have written before the answers made so far may be sent.
    barrier: u64,
    /// A taker that the client was too fast for.
    pressure: Option<Box<Pressure>>,
    /// A taker has much to take.
    crowded: bool,
    /// The packet just handled has to be handled again once its taker has room.
    held: bool,
    maximum_packet: u32,
    /// Messages that the client has published since somebody asked.
    published: u32,
    rare: Option<Box<Rare>>,
}

/// What a session begins with.
pub(crate) struct Opening {
    /// What the client may do.
    pub(crate) grant: Grant,
    /// The version it speaks.
    pub(crate) version: Version,
    /// What was kept of it, if the session outlives its connections.
    pub(crate) kept: Option<Kept>,
}

/// What is kept of a session between its connections, besides what is written down.
pub(crate) struct Kept {
    /// Its number in the ledger.
    pub(crate) key: u64,
    /// Its takers.
    pub(crate) subscription: Subscription,
    /// Retained messages that it is being sent.
    pub(crate) replay: Option<Box<Replay>>,
}

impl Session {
    pub(crate) fn new(broker: &Arc<Broker>, opening: Opening, connect: &Connect) -> Self {
        let limits = broker.limits();
        let Kept {
            key: durable,
            subscription,
            replay,
        } = opening.kept.unwrap_or_else(|| {
            let capacity = limits.queue();
            let (bus, client) = (broker.bus(), &opening.grant.identity);
            Kept {
                key: 0,
                subscription: bus.client_subscriber(client, 0, capacity, Policy::ShedThenClose),
                replay: None,
            }
        });
        let aliases_max = connect.topic_alias_maximum.min(limits.topic_aliases);
        let in_flight = limits.in_flight.min(connect.receive_maximum.unwrap_or(u16::MAX));
        Self {
            grant: opening.grant,
            version: opening.version,
            broker: Arc::clone(broker),
            subscription,
            durable,
            window: Window::new(in_flight),
            replay,
            barrier: 0,
            pressure: None,
            crowded: false,
            held: false,
            maximum_packet: connect.maximum_packet.unwrap_or(u32::MAX),
            published: 0,
            rare: (aliases_max > 0).then(|| Rare::new(broker.aliases(), aliases_max)),
        }
    }

    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    fn stats(&self) -> &BrokerStats {
        self.broker.stats()
    }

    fn rare(&mut self) -> &mut Rare {
        let broker = &self.broker;
        self.rare.get_or_insert_with(|| Rare::new(broker.aliases(), 0))
    }

    /// What is to be kept until the client returns, if the session outlives its connection.
    pub(crate) fn into_kept(self) -> Option<Kept> {
        (self.durable != 0).then_some(Kept {
            key: self.durable,
            subscription: self.subscription,
            replay: self.replay,
        })
    }

    /// Whether the ledger holds back an answer.
    pub(crate) fn barrier(&self) -> Option<u64> {
        (self.barrier > self.broker.ledger().written()).then_some(self.barrier)
    }

    /// The taker that the client has to wait for, if it was too fast.
    pub(crate) fn take_pressure(&mut self) -> Option<Pressure> {
        self.pressure.take().map(|pressure| *pressure)
    }

    /// Whether others should run before the client is heard again: a taker of its messages has much to take, and can't
    /// make the client wait, because nothing of QoS 0 does. Asked once, it is over.
    pub(crate) fn take_crowded(&mut self) -> bool {
        std::mem::take(&mut self.crowded)
    }

    /// Whether the packet just handled has to be handled again, when there is room for it. Asked once, it is over.
    pub(crate) fn take_held(&mut self) -> bool {
        std::mem::take(&mut self.held)
    }

    /// How many messages the client has published since the last time this was asked.
    pub(crate) fn take_published(&mut self) -> u32 {
        std::mem::take(&mut self.published)
    }

    /// Whether there is one.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressure.is_some()
    }

    /// Whether a taker has so much to take that no more than one message is to come at a time.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// Returns when the ledger, or the queue, has something for the client. Safe to cancel.
    pub(crate) fn woken(&self) -> impl Future<Output = ()> + Send + '_ {
        self.subscription.woken()
    }

    /// Returns once the client was too slow for its queue. Safe to cancel.
    pub(crate) fn overflowed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.subscription.overflowed()
    }

    /// Whether it was.
    pub(crate) fn is_overflowed(&self) -> bool {
        self.subscription.is_closed()
    }

    /// Does what a packet asks and writes the answer.
    pub(crate) fn handle(&mut self, packet: Incoming<'_>, out: &mut BytesMut) -> Result<(), Close> {
        match packet {
            Incoming::Publish(publish) => self.publish(publish, out),
            Incoming::Ack(ack) => self.acknowledged(ack, out),
            Incoming::Subscribe {
                id,
                filters,
                identifier,
            } => {
                let mut granted = Vec::with_capacity(filters.len());
                for wanted in filters {
                    granted.push(self.subscribe(wanted, identifier)?);
                }
                codec::put_suback(out, self.version, id, &granted);
                Ok(())
            }
            Incoming::Unsubscribe { id, filters } => {
                let removed: Vec<bool> = filters.iter().map(|text| self.unsubscribe(text)).collect();
                codec::put_unsuback(out, self.version, id, &removed);
                Ok(())
            }
            Incoming::Ping => {
                codec::put_pong(out);
                Ok(())
            }
            Incoming::Disconnect {
                with_will,
                session_expiry_s,
            } => self.goodbye(with_will, session_expiry_s),
            Incoming::Connect(_) | Incoming::Unexpected(_) => Err(Close::Because(Reason::ProtocolError)),
        }
    }

    fn goodbye(&mut self, with_will: bool, session_expiry_s: Option<u32>) -> Result<(), Close> {
        if let Some(seconds) = session_expiry_s {
            let most = u32::try_from(self.broker.limits().session_expiry.as_secs()).unwrap_or(u32::MAX);
            if !self.broker.ledger().set_expiry(self.durable, seconds.min(most)) {
                // Section 3.14.2.2.2: a session that was to end with its connection can't be kept.
                return Err(Close::Because(Reason::ProtocolError));
            }
        }
        Err(Close::Goodbye { with_will })
    }

    /// Checks a will before it is accepted, and makes the message that it becomes.
    pub(crate) fn accept_will(grant: &Grant, will: Will) -> Result<LastWill, Reason> {
        let topic = Topic::new(&will.topic).map_err(|_| Reason::TopicNameInvalid)?;
        let topic = grant.place(&topic).ok_or(Reason::NotAuthorized)?;
        let message = Message {
            topic,
            body: will.body,
            qos: will.qos,
            retain: will.retain && !grant.is_quarantined,
            own: false,
            extra: extra(will.properties, None),
        };
        Ok(LastWill {
            message,
            lifetime_s: will.expiry_s,
        })
    }
}

/// What few messages have.
fn extra(properties: Box<[u8]>, expiry_s: Option<u32>) -> Option<Arc<Extra>> {
    if properties.is_empty() && expiry_s.is_none() {
        return None;
    }
    Some(Arc::new(Extra {
        properties,
        expires: expiry_s.map(|seconds| Instant::now() + Duration::from_secs(seconds.into())),
    }))
}

/// The message of a PUBLISH. Its body is a copy: it may be retained for years and must not hold on to a read buffer.
fn message(topic: Topic, publish: codec::Publish<'_>) -> Message {
    Message {
        topic,
        body: Bytes::copy_from_slice(publish.body),
        qos: publish.qos,
        retain: publish.retain,
        own: false,
        extra: extra(publish.properties, publish.expiry_s),
    }
}
