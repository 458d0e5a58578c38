//! Keys of requests: one that comes a second time is answered with the first one's command.

use hashbrown::HashMap;
use roost_model::Command;

use super::moment::Moment;

/// Keys that are remembered; a request with one more is not taken.
pub(super) const MAX_KEYS: usize = 10_000;
/// How long a key is remembered: a day, in milliseconds.
pub(super) const KEPT_MS: u64 = 86_400_000;

#[derive(Debug)]
struct Known {
    id: String,
    /// Until when, as uptime in milliseconds.
    until_ms: u64,
}

/// The keys of the last day.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<String, Known>);

fn place(device: &str, point: &str, key: &str) -> String {
    // Names of devices and points have no slash.
    format!("{device}/{point}/{key}")
}

impl Keys {
    /// The command that this key has made, if it was within a day.
    pub(super) fn get(&self, device: &str, point: &str, key: &str, now: &Moment) -> Option<&str> {
        let known = self.0.get(&place(device, point, key))?;
        (known.until_ms > now.uptime_ms).then_some(&*known.id)
    }

    /// Whether there is room for one more key.
    pub(super) fn have_room(&mut self, now: &Moment) -> bool {
        if self.0.len() >= MAX_KEYS {
            self.0.retain(|_, known| known.until_ms > now.uptime_ms);
        }
        self.0.len() < MAX_KEYS
    }

    /// Remembers the key that made a command, if it has one.
    pub(super) fn learn(&mut self, command: &Command, now: &Moment) {
        let Some(key) = &command.key else { return };
        // A clock that was set back makes a key live longer: better than to send twice.
        let age_ms = u64::try_from(now.wall_ms().saturating_sub(command.issued_ms)).unwrap_or(0);
        let Some(left_ms) = KEPT_MS.checked_sub(age_ms) else {
            return;
        };
        let known = Known {
            id: command.id.clone(),
            until_ms: now.uptime_ms.saturating_add(left_ms),
        };
        self.0.insert(place(&command.device, &command.point, key), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::commands::tests::{moment, queued};

    #[test]
    fn a_key_is_known_for_a_day_whatever_the_time_of_day_does() {
        let mut command = queued("c1");
        command.key = Some("k".into());
        command.issued_ms = 1_000_000;
        let mut keys = Keys::default();
        keys.learn(&command, &moment(5_000, 1_000_000, "b"));
        let get = |uptime_ms, wall_ms| {
            let now = moment(uptime_ms, wall_ms, "b");
            keys.get("boiler", "relay", "k", &now).map(str::to_owned)
        };
        assert_eq!(get(5_000 + KEPT_MS - 1, 99_999_999_999).as_deref(), Some("c1"));
        assert_eq!(get(5_000 + KEPT_MS, 0), None);
        assert_eq!(keys.get("boiler", "valve", "k", &moment(5_000, 0, "b")), None);
    }

    #[test]
    fn a_key_of_an_earlier_run_is_forgotten_after_its_day() {
        let mut command = queued("c1");
        command.key = Some("k".into());
        command.issued_ms = 0;
        let mut keys = Keys::default();
        let late = moment(5_000, i64::try_from(KEPT_MS).unwrap() + 1, "b");
        keys.learn(&command, &late);
        assert_eq!(keys.get("boiler", "relay", "k", &late), None);
    }
}
