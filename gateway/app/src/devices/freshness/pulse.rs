//! The pulse of a point or a device: when it was last heard and how often it should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use roost_model::{Freshness, Topic};

use super::{FreshnessWatch, STATES, place};

/// "Nobody knows when": the time of the last value is not to be believed, or there was none.
const NEVER: i64 = i64::MIN;
/// Nothing was said of it yet.
const UNSAID: u8 = u8::MAX;

/// Whose pulse it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A point's: late after one and a half cadences, stale after three.
    Point,
    /// A device's: silent after three times its slowest cadence.
    Device,
}

/// What is to be thought of a pulse, and until when if it is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) freshness: Freshness,
    /// Uptime in milliseconds; `None` if it stays so until it is heard.
    pub(super) until_ms: Option<u64>,
}

/// One pulse. Times are on the clock that runs since the board's start, so that setting the clock makes nothing late.
pub(crate) struct Pulse {
    topic: Topic,
    watch: Arc<FreshnessWatch>,
    /// When it was last heard, as uptime in milliseconds; below zero before the board's start.
    heard_ms: AtomicI64,
    /// How often it should be heard, in milliseconds; 0 while nobody knows.
    cadence_ms: AtomicU32,
    whose: Whose,
    said: AtomicU8,
    woken: AtomicBool,
    in_wheel: AtomicBool,
}

impl Pulse {
    /// A pulse that was never heard. `topic` is the point's, or `devices/<device>`.
    pub(crate) fn new(watch: &Arc<FreshnessWatch>, whose: Whose, topic: Topic) -> Arc<Self> {
        Arc::new(Self {
            topic,
            watch: Arc::clone(watch),
            heard_ms: AtomicI64::new(NEVER),
            cadence_ms: AtomicU32::new(0),
            whose,
            said: AtomicU8::new(UNSAID),
            woken: AtomicBool::new(false),
            in_wheel: AtomicBool::new(false),
        })
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    pub(super) fn whose(&self) -> Whose {
        self.whose
    }

    pub(super) fn has_cadence(&self) -> bool {
        self.cadence_ms.load(Ordering::Relaxed) > 0
    }

    /// When it was last heard, as uptime in milliseconds.
    pub(crate) fn heard_ms(&self) -> Option<i64> {
        Some(self.heard_ms.load(Ordering::Relaxed)).filter(|heard| *heard != NEVER)
    }

    /// It was heard, at this uptime in milliseconds; `None` if nobody knows when. From now on it should be heard every
    /// `cadence`.
    pub(crate) fn heard(self: &Arc<Self>, at_ms: Option<i64>, cadence: Option<Duration>) {
        let cadence_ms = cadence.map_or(0, |cadence| {
            u32::try_from(cadence.as_millis().max(1)).unwrap_or(u32::MAX)
        });
        self.cadence_ms.store(cadence_ms, Ordering::Relaxed);
        // What a device sends late is no sign that it was silent meanwhile.
        let heard_ms = at_ms.map_or(NEVER, |at_ms| at_ms.max(self.heard_ms.load(Ordering::Relaxed)));
        self.heard_ms.store(heard_ms, Ordering::Release);
        let fresh = u8::try_from(place(Freshness::Fresh)).unwrap_or(UNSAID);
        if self.said.load(Ordering::Acquire) != fresh && !self.woken.swap(true, Ordering::AcqRel) {
            self.watch.wake(Arc::clone(self));
        }
    }

    /// It is being looked at: whoever hears it from now on wakes the task again.
    pub(super) fn is_looked_at(&self) {
        self.woken.store(false, Ordering::Release);
    }

    pub(super) fn judge(&self, now_ms: u64) -> Judgement {
        let cadence_ms = i64::from(self.cadence_ms.load(Ordering::Relaxed));
        let heard_ms = self.heard_ms.load(Ordering::Acquire);
        let lasting = |freshness| Judgement {
            freshness,
            until_ms: None,
        };
        if cadence_ms == 0 || heard_ms == NEVER {
            return lasting(Freshness::Unknown);
        }
        let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
        let late_ms = match self.whose {
            Whose::Point => cadence_ms * 3 / 2,
            Whose::Device => cadence_ms * 3,
        };
        let age_ms = now_ms.saturating_sub(heard_ms);
        let until = |limit_ms: i64| u64::try_from(heard_ms.saturating_add(limit_ms).saturating_add(1)).ok();
        if age_ms <= late_ms {
            Judgement {
                freshness: Freshness::Fresh,
                until_ms: until(late_ms),
            }
        } else if age_ms <= cadence_ms * 3 {
            Judgement {
                freshness: Freshness::Late,
                until_ms: until(cadence_ms * 3),
            }
        } else {
            lasting(Freshness::Stale)
        }
    }

    /// Notes what is thought of it. If that has changed: what was thought before, `None` within for the first time.
    #[expect(clippy::option_option, reason = "changed or not, and from what")]
    pub(super) fn settle(&self, freshness: Freshness) -> Option<Option<Freshness>> {
        let now = u8::try_from(place(freshness)).unwrap_or(UNSAID);
        let before = self.said.swap(now, Ordering::AcqRel);
        if before == now {
            return None;
        }
        let before = STATES.get(usize::from(before)).copied();
        self.leave(before);
        if let Some(count) = self.watch.count(self.whose, freshness) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Some(before)
    }

    fn leave(&self, before: Option<Freshness>) {
        if let Some(count) = before.and_then(|before| self.watch.count(self.whose, before)) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether it is not in the wheel yet; then it is from now on.
    pub(super) fn enter_wheel(&self) -> bool {
        !self.in_wheel.swap(true, Ordering::Relaxed)
    }

    pub(super) fn leave_wheel(&self) {
        self.in_wheel.store(false, Ordering::Relaxed);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let said = *self.said.get_mut();
        self.leave(STATES.get(usize::from(said)).copied());
    }
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pulse").field(&self.topic.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(watch: &Arc<FreshnessWatch>, whose: Whose) -> Arc<Pulse> {
        Pulse::new(watch, whose, Topic::new("devices/boiler/points/t").unwrap())
    }

    #[test]
    fn a_point_is_fresh_late_and_stale_and_a_device_is_silent_by_the_clock_that_nobody_sets() {
        let watch = Arc::default();
        let (point, device) = (pulse(&watch, Whose::Point), pulse(&watch, Whose::Device));
        for pulse in [&point, &device] {
            assert_eq!(pulse.judge(0).freshness, Freshness::Unknown);
            pulse.heard(Some(1000), Some(Duration::from_millis(100)));
        }
        let at = |pulse: &Pulse, now| {
            let Judgement { freshness, until_ms } = pulse.judge(now);
            (freshness, until_ms)
        };
        assert_eq!(at(&point, 1150), (Freshness::Fresh, Some(1151)));
        assert_eq!(at(&point, 1151), (Freshness::Late, Some(1301)));
        assert_eq!(at(&point, 1301), (Freshness::Stale, None));
        assert_eq!(at(&device, 1300), (Freshness::Fresh, Some(1301)));
        assert_eq!(at(&device, 1301), (Freshness::Stale, None));
    }

    #[test]
    fn a_value_from_before_the_boards_start_is_as_old_as_it_is() {
        let watch = Arc::default();
        let point = pulse(&watch, Whose::Point);
        point.heard(Some(-50_000), Some(Duration::from_secs(60)));
        assert_eq!(point.judge(1000).freshness, Freshness::Fresh);
        assert_eq!(point.judge(40_001).freshness, Freshness::Late);
    }

    #[test]
    fn a_value_whose_time_is_not_to_be_believed_is_unknown_until_the_next() {
        let watch = Arc::default();
        let point = pulse(&watch, Whose::Point);
        point.heard(None, Some(Duration::from_secs(60)));
        assert_eq!(point.judge(1000).freshness, Freshness::Unknown);
        point.heard(Some(900), Some(Duration::from_secs(60)));
        assert_eq!(point.judge(1000).freshness, Freshness::Fresh);
    }

    #[test]
    fn points_are_counted_where_they_are_and_not_after_they_are_gone() {
        let watch = Arc::<FreshnessWatch>::default();
        let point = pulse(&watch, Whose::Point);
        assert_eq!(point.settle(Freshness::Fresh), Some(None));
        assert_eq!(point.settle(Freshness::Fresh), None);
        assert_eq!(point.settle(Freshness::Stale), Some(Some(Freshness::Fresh)));
        let counts = || STATES.map(|state| watch.points(state));
        assert_eq!(counts(), [0, 0, 1, 0]);
        drop(point);
        assert_eq!(counts(), [0; 4]);
        let device = pulse(&watch, Whose::Device);
        device.settle(Freshness::Stale);
        assert_eq!(watch.silent(), 1);
        drop(device);
        assert_eq!(watch.silent(), 0);
    }

    #[test]
    fn only_what_is_not_fresh_wakes_the_task_and_once() {
        let watch = Arc::<FreshnessWatch>::default();
        let point = pulse(&watch, Whose::Point);
        let hear = || {
            point.heard(Some(1000), Some(Duration::from_secs(1)));
            watch.take_woken().len()
        };
        assert_eq!((hear(), hear()), (1, 0));
        point.is_looked_at();
        point.settle(Freshness::Fresh);
        assert_eq!(hear(), 0);
        point.settle(Freshness::Late);
        assert_eq!(hear(), 1);
    }
}
