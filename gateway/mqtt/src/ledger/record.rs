//! The ledger's records, as they lie in the log.
//!
//! The form is that of the crate postcard, in the order of the fields below. A variant or a field is added at the end
//! only, so that a log of an older program can be read.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use roost_model::{Filter, Topic};
use roost_runtime::{Extra, Message, QoS, Receipt, Terms};
use serde::{Deserialize, Serialize};

use super::book::{Name, Subscribed};
use super::times::{Era, Times};
use crate::session::Options;
use crate::will::LastWill;

/// A message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    topic: &'a str,
    #[serde(borrow)]
    body: &'a [u8],
    qos: u8,
    retain: bool,
    properties: &'a [u8],
    /// When it ends, in milliseconds since the Unix epoch: the monotonic clock does not outlive the machine.
    expires_ms: Option<u64>,
}

/// One change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record<'a> {
    /// A session has begun.
    Opened {
        key: u64,
        identity: &'a str,
        client_id: &'a str,
        expiry_s: u32,
    },
    /// Its client is here, or wants another expiry.
    Came { key: u64, expiry_s: u32 },
    /// Its client has gone.
    Left { key: u64, at_ms: u64 },
    /// It is over.
    Closed { key: u64 },
    /// A filter was added, or its terms changed.
    Subscribed {
        key: u64,
        filter: &'a str,
        group: Option<&'a str>,
        qos: u8,
        no_local: bool,
        retain_as_published: bool,
        identifier: Option<u32>,
    },
    /// A filter was removed.
    Unsubscribed {
        key: u64,
        filter: &'a str,
        group: Option<&'a str>,
    },
    /// A message for sessions (key, packet identifier, QoS), with the packet that brought it (key, identifier).
    Message {
        #[serde(borrow)]
        message: Stored<'a>,
        takers: Vec<(u64, u16, u8)>,
        receipt: Option<(u64, u16)>,
        retained: bool,
    },
    /// The client has a message of QoS 2.
    Released { key: u64, id: u16 },
    /// A message is finished, or was dropped.
    Done { key: u64, id: u16 },
    /// A packet of QoS 2 was taken; in a snapshot only.
    Received { key: u64, id: u16 },
    /// A packet of QoS 2 will not come again.
    Forgotten { key: u64, id: u16 },
    /// A retained message.
    Retained { message: Stored<'a> },
    /// A retained message was cleared.
    Cleared { topic: &'a str },
    /// A session that was left has a will that waits: until then, and so long when this was written.
    Will {
        key: u64,
        #[serde(borrow)]
        message: Stored<'a>,
        due_ms: u64,
        left_ms: u64,
    },
    /// It was published.
    WillSaid { key: u64 },
    /// How the time of day stands from here on: which run of the board it is, and when that began, in milliseconds
    /// since the Unix epoch.
    Clock { boot: &'a str, began_ms: i64 },
    /// A will that waits, as [`Self::Will`], whose message lives so many seconds once it is published.
    MortalWill {
        key: u64,
        #[serde(borrow)]
        message: Stored<'a>,
        due_ms: u64,
        left_ms: u64,
        lifetime_s: u32,
    },
}

fn unix_ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn qos_of(number: u8) -> QoS {
    match number {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

impl<'a> Stored<'a> {
    fn of(message: &'a Message) -> Self {
        let expires_ms = message
            .expires()
            .map(|at| unix_ms(SystemTime::now() + at.saturating_duration_since(Instant::now())));
        Self {
            topic: message.topic.as_str(),
            body: &message.body,
            qos: message.qos as u8,
            retain: message.retain,
            properties: message.properties(),
            expires_ms,
        }
    }

    /// The message, unless its topic is none.
    pub(super) fn message(&self, times: &Times) -> Option<Message> {
        let expires = self.expires_ms.map(|at| Instant::now() + times.until(at));
        let extra = (!self.properties.is_empty() || expires.is_some()).then(|| {
            Arc::new(Extra {
                properties: self.properties.into(),
                expires,
            })
        });
        Some(Message {
            topic: Topic::new(self.topic).ok()?,
            body: Bytes::copy_from_slice(self.body),
            qos: qos_of(self.qos),
            retain: self.retain,
            own: false,
            extra,
        })
    }
}

impl<'a> Record<'a> {
    pub(super) fn opened(key: u64, name: &'a Name, expiry_s: u32) -> Self {
        Self::Opened {
            key,
            identity: &name.identity,
            client_id: &name.client_id,
            expiry_s,
        }
    }

    pub(super) fn left(key: u64, at: SystemTime) -> Self {
        Self::Left {
            key,
            at_ms: unix_ms(at),
        }
    }

    pub(super) fn subscribed(key: u64, terms: Terms<'_>, options: &'a Options) -> Self {
        Self::Subscribed {
            key,
            filter: options.filter.as_str(),
            group: options.group.as_deref(),
            qos: terms.qos as u8,
            no_local: terms.no_local,
            retain_as_published: options.retain_as_published,
            identifier: options.identifier,
        }
    }

    /// The same, of a filter that is in the books.
    pub(super) fn of_filter(key: u64, taken: &'a Subscribed) -> Self {
        let terms = Terms {
            qos: taken.qos,
            no_local: taken.no_local,
            group: None,
        };
        Self::subscribed(key, terms, &taken.options)
    }

    pub(super) fn unsubscribed(key: u64, filter: &'a Filter, group: Option<&'a str>) -> Self {
        Self::Unsubscribed {
            key,
            filter: filter.as_str(),
            group,
        }
    }

    pub(super) fn message(
        message: &'a Message,
        takers: &[(u64, u16, QoS)],
        receipt: Option<Receipt>,
        retained: bool,
    ) -> Self {
        Self::Message {
            message: Stored::of(message),
            takers: takers
                .iter()
                .map(|(key, id, qos)| (*key, *id, *qos as u8))
                .collect(),
            receipt: receipt.map(|receipt| (receipt.session, receipt.packet)),
            retained,
        }
    }

    pub(super) fn cleared(topic: &'a Topic) -> Self {
        Self::Cleared {
            topic: topic.as_str(),
        }
    }

    pub(super) fn will(key: u64, will: &'a LastWill, due: Instant) -> Self {
        let left = due.saturating_duration_since(Instant::now());
        let message = Stored::of(&will.message);
        let due_ms = unix_ms(SystemTime::now() + left);
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        match will.lifetime_s {
            None => Self::Will {
                key,
                message,
                due_ms,
                left_ms,
            },
            Some(lifetime_s) => Self::MortalWill {
                key,
                message,
                due_ms,
                left_ms,
                lifetime_s,
            },
        }
    }

    pub(super) fn clock(era: &'a Era) -> Self {
        Self::Clock {
            boot: &era.boot,
            began_ms: era.began_ms,
        }
    }

    pub(super) fn retained(message: &'a Message) -> Self {
        Self::Retained {
            message: Stored::of(message),
        }
    }
}
