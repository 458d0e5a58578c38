//! What the bus says about a device's points before their first value: as many as a device may describe, and no longer
//! than it does.

use roost_drivers::{Described, MAX_DESCRIBED_POINTS};
use roost_model::{Access, Filter, Topic, Unit};
use roost_runtime::{Bus, Message};

/// What is said of one device's points. It lies retained on the bus; here is only how much of it there is.
#[derive(Debug)]
pub(super) struct Abouts {
    count: usize,
}

fn topic(device: &str, point: &str) -> Option<Topic> {
    Topic::new(format!("devices/{device}/points/{point}/about")).ok()
}

impl Abouts {
    /// What an earlier life of the device's task has left.
    pub(super) fn resume(bus: &Bus, device: &str) -> Self {
        let filter = Filter::new(format!("devices/{device}/points/+/about")).ok();
        let left = filter.map(|filter| bus.retained_after(&filter, None, MAX_DESCRIBED_POINTS));
        Self {
            count: left.map_or(0, |left| left.len()),
        }
    }

    /// Says what a device has said of a point. `false` if it has described too many.
    #[must_use]
    pub(super) fn say(&mut self, bus: &Bus, device: &str, described: &Described) -> bool {
        let Some(topic) = topic(device, &described.point) else {
            return true;
        };
        let Ok(body) = serde_json::to_vec(described) else {
            return true;
        };
        if bus.retained_at(&topic).is_none() {
            if self.count >= MAX_DESCRIBED_POINTS {
                return false;
            }
            self.count += 1;
        }
        // Kept for as long as the device has the point: without the spare room that encoding leaves.
        bus.publish(Message::new(topic, body.into_boxed_slice()).retained());
        true
    }

    /// Says that a point takes commands, where its profile or its messages say so and the device itself has not
    /// described it. `false` if it has described too many.
    #[must_use]
    pub(super) fn say_settable(&mut self, bus: &Bus, device: &str, point: &str, unit: &Unit) -> bool {
        if topic(device, point).is_none_or(|topic| bus.retained_at(&topic).is_some()) {
            return true;
        }
        let described = Described {
            point: point.to_owned(),
            unit: unit.clone(),
            access: Access::ReadWrite,
            ..Described::default()
        };
        self.say(bus, device, &described)
    }

    /// Takes back what was said of a point: the device does not have it any more.
    pub(super) fn take_back(&mut self, bus: &Bus, device: &str, point: &str) {
        let Some(topic) = topic(device, point) else { return };
        if bus.retained_at(&topic).is_some() {
            self.count = self.count.saturating_sub(1);
            bus.publish(Message::new(topic, "").retained());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn described(point: usize) -> Described {
        Described {
            point: format!("p{point}"),
            ..Described::default()
        }
    }

    #[test]
    fn a_device_describes_so_many_points_and_no_more_until_some_are_gone() {
        let bus = Bus::default();
        let said = || {
            bus.retained(&Filter::new("devices/d/points/+/about").unwrap())
                .len()
        };
        let mut abouts = Abouts::resume(&bus, "d");
        assert!((0..MAX_DESCRIBED_POINTS).all(|point| abouts.say(&bus, "d", &described(point))));
        assert!(!abouts.say(&bus, "d", &described(MAX_DESCRIBED_POINTS)));
        assert!(!abouts.say_settable(&bus, "d", "another", &Unit::NONE));
        assert!(
            abouts.say(&bus, "d", &described(7)),
            "what is known may be described anew"
        );
        let mut after_a_crash = Abouts::resume(&bus, "d");
        assert!(!after_a_crash.say(&bus, "d", &described(MAX_DESCRIBED_POINTS)));
        after_a_crash.take_back(&bus, "d", "p7");
        after_a_crash.take_back(&bus, "d", "p7");
        assert_eq!(said(), MAX_DESCRIBED_POINTS - 1);
        assert!(after_a_crash.say(&bus, "d", &described(MAX_DESCRIBED_POINTS)));
        assert!(!after_a_crash.say(&bus, "d", &described(7)));
        assert_eq!(said(), MAX_DESCRIBED_POINTS);
    }
}
