//! Rules: the filters that somebody was given, made into those of one connection.

use std::sync::Arc;

use roost_model::{DevicePattern, Profile, Via};

/// Level that stands for the user name.
const USER: &str = "%u";
/// Level that stands for the client identifier.
const CLIENT: &str = "%c";

/// Filters of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// The same for all connections.
    fixed: Arc<[DevicePattern]>,
    /// Those that depend on the client identifier.
    by_client: Box<[Box<str>]>,
}

/// Both directions.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed {
    pub(super) publishes: Rules,
    pub(super) subscribes: Rules,
}

impl From<&Profile> for Allowed {
    fn from(profile: &Profile) -> Self {
        // A device that another client speaks for has nothing to say here itself.
        if profile.via == Via::Bridge {
            return Self::default();
        }
        let heard: Vec<&String> = profile.subscribes.iter().chain(&profile.hears).collect();
        Self {
            publishes: Rules::new(&profile.publishes),
            subscribes: Rules::new(&heard),
        }
    }
}

impl Allowed {
    pub(super) fn new(publishes: &[impl AsRef<str>], subscribes: &[impl AsRef<str>]) -> Self {
        Self {
            publishes: Rules::new(publishes),
            subscribes: Rules::new(subscribes),
        }
    }
}

fn replace(filter: &str, name: &str, by: &str) -> String {
    let levels: Vec<&str> = filter
        .split('/')
        .map(|level| if level == name { by } else { level })
        .collect();
    levels.join("/")
}

/// Whether a client identifier can stand for a level: it must select nothing but itself, and lead nowhere else. The
/// client chooses it.
fn is_level(client_id: &str) -> bool {
    !client_id.is_empty()
        && !client_id.starts_with('$')
        && !client_id.contains(['+', '#', '/', '\0', '{', '}'])
}

impl Rules {
    /// What is no filter grants nothing; validation has kept it out of the store anyway.
    pub(super) fn new(filters: &[impl AsRef<str>]) -> Self {
        let (by_client, fixed): (Vec<String>, Vec<String>) = filters
            .iter()
            .map(|filter| replace(filter.as_ref(), USER, DevicePattern::DEVICE))
            .partition(|filter| filter.split('/').any(|level| level == CLIENT));
        Self {
            fixed: fixed
                .iter()
                .filter_map(|filter| DevicePattern::new(filter).ok())
                .collect(),
            by_client: by_client.into_iter().map(Into::into).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.by_client.is_empty()
    }

    /// What one connection is granted: by its profile, if it has one, and by what was given to it alone. Most have
    /// nothing of their own and share their profile's.
    pub(super) fn granted(&self, profile: Option<&Self>, client_id: &str) -> Arc<[DevicePattern]> {
        match profile {
            Some(profile) if self.is_empty() && profile.by_client.is_empty() => Arc::clone(&profile.fixed),
            None if self.by_client.is_empty() => Arc::clone(&self.fixed),
            profile => profile
                .into_iter()
                .chain([self])
                .flat_map(|rules| rules.of(client_id))
                .collect(),
        }
    }

    fn of(&self, client_id: &str) -> impl Iterator<Item = DevicePattern> {
        let own = self
            .by_client
            .iter()
            .filter(|_| is_level(client_id))
            .filter_map(|filter| DevicePattern::new(&replace(filter, CLIENT, client_id)).ok());
        self.fixed.iter().cloned().chain(own.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roost_model::Topic;

    fn grants(rules: &Rules, profile: Option<&Rules>, client_id: &str, topic: &str) -> bool {
        let topic = Topic::new(topic).unwrap();
        let granted = rules.granted(profile, client_id);
        granted.iter().any(|pattern| pattern.matches("anna", &topic))
    }

    #[test]
    fn names_stand_for_whole_levels() {
        let rules = Rules::new(&["users/%u/#", "clients/%c/+", "open"]);
        for (topic, is_granted) in [
            ("users/anna/x/y", true),
            ("users/%u/x", false),
            ("users/bert/x", false),
            ("clients/tab/x", true),
            ("clients/%c/x", false),
            ("clients/other/x", false),
            ("open", true),
        ] {
            assert_eq!(grants(&rules, None, "tab", topic), is_granted, "{topic}");
        }
    }

    #[test]
    fn an_identifier_that_is_no_level_is_granted_nothing_by_it() {
        let rules = Rules::new(&["clients/%c/x", "%c/#"]);
        for client_id in ["+", "#", "a/b", "a\0b", "", "$SYS", "{device}", "a+"] {
            for topic in ["clients/a/x", "clients/anna/x", "a/b", "$SYS/x", "anna/x"] {
                assert!(!grants(&rules, None, client_id, topic), "{client_id:?} {topic}");
            }
        }
    }

    #[test]
    fn what_a_device_was_given_comes_on_top_of_its_profile() {
        let profile = Rules::new(&["devices/{device}/telemetry/#"]);
        let own = Rules::new(&["rooms/hall/%u"]);
        for topic in ["devices/anna/telemetry/x", "rooms/hall/anna"] {
            assert!(grants(&own, Some(&profile), "c", topic), "{topic}");
        }
        assert!(!grants(&own, Some(&profile), "c", "rooms/hall/bert"));
        let nothing = Rules::default();
        let granted = nothing.granted(Some(&profile), "c");
        assert!(
            Arc::ptr_eq(&granted, &profile.fixed),
            "shared with all of the profile"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_client_calls_itself_it_gets_its_own_level_or_nothing(
            client_id in "[a-c+#/$%{}\\x00]{0,6}", other in "[a-c]{1,3}",
        ) {
            let rules = Rules::new(&["clients/%c/x"]);
            if client_id != other {
                let topic = format!("clients/{other}/x");
                prop_assert!(!grants(&rules, None, &client_id, &topic));
            }
        }
    }
}
