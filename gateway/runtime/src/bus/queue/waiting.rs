//! What waits in a queue, and how much it is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Delivery, QoS};

/// A burst leaves a queue's memory behind; above this many places it is given back once the queue is empty.
const KEEP_PLACES: usize = 16;

/// Deliveries, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    deliveries: VecDeque<Delivery>,
    /// How many of them are QoS 0.
    unreliable: u32,
    bytes: u32,
}

/// Bytes that a delivery counts.
pub(super) fn size(delivery: &Delivery) -> u32 {
    u32::try_from(delivery.message.footprint()).unwrap_or(u32::MAX)
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Whether it is empty, and a burst has left so much room that it is better made anew.
    pub(super) fn is_spent(&self) -> bool {
        self.deliveries.is_empty() && self.deliveries.capacity() > KEEP_PLACES
    }

    pub(super) fn put(&mut self, delivery: Delivery, size: u32) {
        self.unreliable += u32::from(delivery.qos == QoS::AtMostOnce);
        self.bytes = self.bytes.saturating_add(size);
        self.deliveries.push_back(delivery);
    }

    /// Puts it before all others.
    pub(super) fn put_first(&mut self, delivery: Delivery) {
        let size = size(&delivery);
        self.put(delivery, size);
        self.deliveries.rotate_right(1);
    }

    /// Whether its message waits already.
    pub(super) fn has(&self, delivery: &Delivery) -> bool {
        let is_same = |own: &Delivery| Arc::ptr_eq(&own.message, &delivery.message);
        self.deliveries.iter().any(is_same)
    }

    /// Takes out the one in this place.
    pub(super) fn take(&mut self, at: usize) -> Option<Delivery> {
        let delivery = self.deliveries.remove(at)?;
        self.unreliable -= u32::from(delivery.qos == QoS::AtMostOnce);
        self.bytes = self.bytes.saturating_sub(size(&delivery));
        Some(delivery)
    }

    /// Where the oldest one is that may be lost.
    pub(super) fn oldest_unreliable(&self) -> Option<usize> {
        if self.unreliable == 0 {
            return None;
        }
        self.deliveries
            .iter()
            .position(|delivery| delivery.qos == QoS::AtMostOnce)
    }
}
