//! Who has joined which topic, and broadcasts to them: encoded once for each version of the protocol, put straight into
//! the queues of the connections, which lanes write. A channel's task is woken only if it intercepts the event.
//!
//! This is no second bus: the bus hands each taker a message to look at, here nobody looks, ten thousand connections
//! send the same bytes.

mod lanes;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use self::lanes::{Lanes, Posting};
use crate::channel::AnyPort;
use crate::endpoint::Budget;
use crate::frame::{Outgoing, Payload, PayloadError, Version, Wire, encode};
use crate::lock;
use crate::socket::Connection;

/// A topic of up to so many is written to at once, without a lane: that takes less than to wake one.
const FEW: usize = 16;

/// A subscriber of a topic, with what a broadcast needs of it: to look for that in its port costs memory of its own for
/// each.
#[derive(Debug)]
struct Seat {
    port: Arc<dyn AnyPort>,
    connection: Arc<Connection>,
    intercept: &'static [&'static str],
}

/// Subscribers of one topic.
type Seats = Arc<Mutex<Vec<Seat>>>;

/// Who has joined which topic.
#[derive(Debug)]
pub(crate) struct Topics {
    seats: RwLock<HashMap<Arc<str>, Seats>>,
    pub(crate) lanes: Lanes,
}

impl Topics {
    /// Nobody has joined anything. What waits to be sent is on the account of `budget`.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            seats: RwLock::default(),
            lanes: Lanes::new(budget),
        }
    }

    fn seats(&self, topic: &str) -> Option<Seats> {
        let topics = self.seats.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic).map(Arc::clone)
    }

    /// From now on `port` gets what is broadcast on its topic. What `first` sends its client comes before all of that,
    /// and the client can't have it while there is a broadcast that would be missed.
    pub(crate) fn subscribe(&self, port: Arc<dyn AnyPort>, first: impl FnOnce()) {
        // Under the lock of all topics, so that the last one to leave does not take the topic away meanwhile.
        let mut topics = self.seats.write().unwrap_or_else(PoisonError::into_inner);
        let seats = Arc::clone(topics.entry(Arc::clone(port.topic())).or_default());
        let mut seats = lock(&seats);
        port.seat().store(seats.len(), Ordering::Relaxed);
        seats.push(Seat {
            connection: Arc::clone(port.connection()),
            intercept: port.intercept(),
            port,
        });
        drop(topics);
        // Broadcasts wait for the seats meanwhile.
        first();
    }

    /// From now on it gets nothing.
    pub(crate) fn unsubscribe(&self, port: &dyn AnyPort) {
        let Some(seats) = self.seats(port.topic()) else {
            return;
        };
        {
            let mut seats = lock(&seats);
            let seat = crate::channel::seat_of(port);
            if seats.get(seat).is_none_or(|there| !is_same(&*there.port, port)) {
                return;
            }
            seats.swap_remove(seat);
            if let Some(moved) = seats.get(seat) {
                moved.port.seat().store(seat, Ordering::Relaxed);
            }
            if !seats.is_empty() {
                return;
            }
        }
        let mut topics = self.seats.write().unwrap_or_else(PoisonError::into_inner);
        if topics
            .get(port.topic())
            .is_some_and(|seats| lock(seats).is_empty())
        {
            topics.remove(port.topic());
        }
    }

    /// Sends an event to everybody on a topic but `from`. Returns how many there are.
    pub(crate) fn broadcast(
        &self,
        topic: &str,
        event: &str,
        payload: &Payload,
        from: Option<&dyn AnyPort>,
    ) -> Result<usize, PayloadError> {
        let message = Outgoing::Broadcast {
            topic,
            event,
            payload,
        };
        // Encoded for the version that nearly all speak, also to find out whether it can be.
        let v2 = encode(Version::V2, message)?;
        let Some(seats) = self.seats(topic) else {
            return Ok(0);
        };
        let mut v1 = None;
        // What an intercepted one is to its channels, counted once for all of them.
        let mut kept: Option<(Arc<str>, Bytes)> = None;
        // Held throughout: everybody hears two broadcasts in the same order.
        let seats = lock(&seats);
        let edition = |wire| Edition::new(wire, &self.lanes, seats.len());
        let mut v2 = edition(v2);
        let mut reached = 0;
        for seat in seats.iter() {
            if from.is_some_and(|from| is_same(from, &*seat.port)) {
                continue;
            }
            reached += 1;
            if seat.intercept.contains(&event) {
                let (event, counted) =
                    kept.get_or_insert_with(|| (Arc::from(event), self.lanes.count(payload)));
                seat.port.intercepted(event, payload, counted);
                continue;
            }
            match seat.connection.version() {
                Version::V2 => v2.send(&seat.connection),
                Version::V1 => {
                    let v1 = v1.get_or_insert_with(|| encode(Version::V1, message).ok().map(edition));
                    v1.iter_mut().for_each(|v1| v1.send(&seat.connection));
                }
            }
        }
        Ok(reached)
    }

    /// How many have joined a topic.
    pub(crate) fn count(&self, topic: &str) -> usize {
        self.seats(topic).map_or(0, |seats| lock(&seats).len())
    }
}

/// A broadcast in one version of the protocol.
struct Edition<'a> {
    wire: Wire,
    posting: Option<Posting<'a>>,
}

impl<'a> Edition<'a> {
    fn new(wire: Wire, lanes: &'a Lanes, listeners: usize) -> Self {
        let wire = lanes.share(wire);
        let posting = (listeners > FEW).then(|| Posting::new(lanes));
        Self { wire, posting }
    }

    fn send(&mut self, connection: &Arc<Connection>) {
        let wire = self.wire.clone();
        match &mut self.posting {
            None => connection.put(wire),
            Some(posting) => posting.send(connection, wire),
        }
    }
}

fn is_same(one: &dyn AnyPort, other: &dyn AnyPort) -> bool {
    std::ptr::addr_eq(one, other)
}
