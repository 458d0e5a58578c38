//! Who has joined which topic, and broadcasts to them: encoded once for each version of the protocol, put straight into
//! the queues of the connections. A channel's task is woken only if it intercepts the event.
//!
//! This is no second bus: the bus hands each taker a message to look at, here nobody looks, ten thousand connections
//! send the same bytes.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::channel::AnyPort;
use crate::frame::{Outgoing, Payload, PayloadError, Version, Wire, encode};
use crate::lock;

/// Subscribers of one topic.
type Seats = Arc<Mutex<Vec<Arc<dyn AnyPort>>>>;

/// Who has joined which topic.
#[derive(Debug, Default)]
pub(crate) struct Topics(RwLock<HashMap<Arc<str>, Seats>>);

impl Topics {
    fn seats(&self, topic: &str) -> Option<Seats> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic).map(Arc::clone)
    }

    /// From now on `port` gets what is broadcast on its topic.
    pub(crate) fn subscribe(&self, port: Arc<dyn AnyPort>) {
        // Under the lock of all topics, so that the last one to leave does not take the topic away meanwhile.
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let seats = topics.entry(Arc::clone(port.topic())).or_default();
        let mut seats = lock(seats);
        port.seat().store(seats.len(), Ordering::Relaxed);
        seats.push(port);
    }

    /// From now on it gets nothing.
    pub(crate) fn unsubscribe(&self, port: &dyn AnyPort) {
        let Some(seats) = self.seats(port.topic()) else {
            return;
        };
        {
            let mut seats = lock(&seats);
            let seat = crate::channel::seat_of(port);
            if seats.get(seat).is_none_or(|there| !is_same(&**there, port)) {
                return;
            }
            seats.swap_remove(seat);
            if let Some(moved) = seats.get(seat) {
                moved.seat().store(seat, Ordering::Relaxed);
            }
            if !seats.is_empty() {
                return;
            }
        }
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
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
        let mut v1: Option<Option<Wire>> = None;
        let mut shared_event: Option<Arc<str>> = None;
        // Held throughout: everybody hears two broadcasts in the same order.
        let seats = lock(&seats);
        let mut reached = 0;
        for port in seats.iter() {
            if from.is_some_and(|from| is_same(from, &**port)) {
                continue;
            }
            reached += 1;
            if port.intercepts(event) {
                let event = shared_event.get_or_insert_with(|| Arc::from(event));
                port.intercepted(event, payload);
                continue;
            }
            let connection = port.connection();
            match connection.version() {
                Version::V2 => connection.put(v2.clone()),
                Version::V1 => {
                    let wire = v1.get_or_insert_with(|| encode(Version::V1, message).ok());
                    wire.iter().for_each(|wire| connection.put(wire.clone()));
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

fn is_same(one: &dyn AnyPort, other: &dyn AnyPort) -> bool {
    std::ptr::addr_eq(one, other)
}
