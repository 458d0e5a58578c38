//! The guess: which profile an unknown client speaks, judged by what each profile makes of its messages.

use std::collections::BTreeMap;

use roost_drivers::Codec;
use roost_model::{Filter, Profile, Topic, check_name};

use crate::devices::backlog::Held;
use crate::devices::profiles::trial::Trial;

/// What stands for a device's id in the filters of a profile.
const DEVICE: &str = "{device}";
/// Messages that a guess looks at, the newest ones.
const LOOKED_AT: usize = 50;

/// A profile that a client seems to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// The profile.
    pub(super) profile: String,
    /// The name that the client has in its topics.
    pub(super) spoken_as: String,
    /// Why, for people.
    pub(super) reason: String,
    /// Readings that the profile found in what it said.
    samples: usize,
    /// Messages that lie inside the profile's topics.
    fitting: usize,
}

/// The name that stands in the place of a device's id, if the topic lies inside the filter of a profile.
fn named<'t>(filter: &str, topic: &'t Topic) -> Option<&'t str> {
    let mut given = topic.levels();
    let mut name = None;
    for level in filter.split('/') {
        if level == "#" {
            return name;
        }
        let text = given.next()?;
        if level == DEVICE {
            name = Some(text);
        } else if level != "+" && level != text && !level.contains('{') {
            return None;
        }
    }
    given.next().is_none().then_some(name).flatten()
}

/// The name under which a client speaks a profile: the one that most of its topics have.
pub(super) fn spoken_as<'h>(profile: &Profile, held: impl IntoIterator<Item = &'h Held>) -> Option<String> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for message in held {
        let filters = profile.publishes.iter();
        if let Some(name) = filters.filter_map(|filter| named(filter, &message.topic)).next()
            && check_name(name).is_ok()
        {
            *names.entry(name).or_default() += 1;
        }
    }
    let most = names.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(name, _)| name.to_owned())
}

/// The topic with another name in the place of the device's id.
pub(super) fn renamed(profile: &Profile, topic: &Topic, from: &str, to: &str) -> Option<Topic> {
    let filter = profile
        .publishes
        .iter()
        .find(|filter| named(filter, topic) == Some(from))?;
    let at = filter.split('/').position(|level| level == DEVICE)?;
    let level = |(index, text): (usize, &str)| {
        if index == at {
            to.to_owned()
        } else {
            text.to_owned()
        }
    };
    let levels: Vec<String> = topic.levels().enumerate().map(level).collect();
    Topic::new(levels.join("/")).ok()
}

/// What a profile makes of a client's messages; `None` if they are nothing to it.
fn judge(profile: &Profile, codec: &dyn Codec, held: &[&Held]) -> Option<Guess> {
    let name = spoken_as(profile, held.iter().copied())?;
    let inside: Vec<Filter> = codec.access(&name).publish;
    let fitting = held
        .iter()
        .filter(|held| inside.iter().any(|filter| filter.matches(&held.topic)));
    let (mut samples, mut faults, mut count) = (0, 0, 0);
    let mut trial = Trial::new(codec, &name);
    for held in fitting {
        count += 1;
        match trial.attempt(held.at.unix_ms(), &held.topic, &held.body) {
            Ok(Ok(decoded)) => {
                samples += decoded.samples.len();
                faults += decoded.rejected.len();
            }
            Ok(Err(_)) | Err(_) => faults += 1,
        }
    }
    let mut reason = format!(
        "{count} of its {} messages have {}’s topics and hold {samples} values",
        held.len(),
        profile.id
    );
    if faults > 0 {
        reason.push_str(&format!(", {faults} could not be understood"));
    }
    Some(Guess {
        profile: profile.id.clone(),
        spoken_as: name,
        reason,
        samples: samples.saturating_sub(faults),
        fitting: count,
    })
}

/// The profile that a client most likely speaks: the one that finds the most in what it said. Where several find as
/// much, what is typical of a family decides.
pub(super) fn guess<'p>(
    profiles: impl IntoIterator<Item = (&'p Profile, &'p dyn Codec)>,
    held: impl DoubleEndedIterator<Item = &'p Held>,
) -> Option<Guess> {
    let held: Vec<&Held> = held.rev().take(LOOKED_AT).collect();
    let observed: Vec<(&str, &[u8])> = held
        .iter()
        .map(|held| (held.topic.as_str(), held.body.as_ref()))
        .collect();
    let typical = roost_drivers::guess(&observed);
    let is_typical = |guess: &Guess| {
        typical
            .as_ref()
            .is_some_and(|typical| typical.profile == guess.profile)
    };
    let guesses = profiles
        .into_iter()
        .filter_map(|(profile, codec)| judge(profile, codec, &held));
    // Some profiles have topics so wide that anything lies inside them.
    let plausible = guesses.filter(|guess| guess.samples > 0 || is_typical(guess));
    let best = plausible.max_by_key(|guess| (guess.samples, is_typical(guess), guess.fitting))?;
    match typical.as_ref().filter(|_| is_typical(&best)) {
        Some(typical) => Some(Guess {
            spoken_as: typical.device_id.clone(),
            ..best
        }),
        None => Some(best),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use roost_drivers::{builtin_profiles, codec_for};
    use roost_model::Timestamp;

    fn guessed(messages: &[(&str, &str)]) -> Option<(String, String)> {
        let held: Vec<Held> = messages
            .iter()
            .map(|(topic, body)| Held {
                at: Timestamp::default(),
                topic: Topic::new(topic).unwrap(),
                body: Bytes::from((*body).to_owned()),
            })
            .collect();
        let profiles = builtin_profiles();
        let codecs: Vec<_> = profiles
            .iter()
            .map(|profile| codec_for(profile.clone()).unwrap())
            .collect();
        let known = profiles.iter().zip(codecs.iter().map(AsRef::as_ref));
        guess(known, held.iter()).map(|guess| (guess.profile, guess.spoken_as))
    }

    #[test]
    fn a_client_is_known_by_its_topics_and_by_what_they_hold() {
        let tasmota = [
            ("tele/tasmota_5F2A11/LWT", "Online"),
            (
                "tele/tasmota_5F2A11/STATE",
                r#"{"POWER":"ON","Wifi":{"RSSI":70}}"#,
            ),
        ];
        assert_eq!(
            guessed(&tasmota),
            Some(("tasmota".into(), "tasmota_5F2A11".into()))
        );
        let native = [("devices/pump/telemetry/flow", "2.5")];
        assert_eq!(guessed(&native), Some(("native".into(), "pump".into())));
        assert_eq!(guessed(&[("somewhere/else", "1")]), None);
        assert_eq!(guessed(&[]), None);
    }

    #[test]
    fn a_topic_is_told_under_another_name() {
        let profile = builtin_profiles()
            .into_iter()
            .find(|profile| profile.id == "tasmota")
            .unwrap();
        let topic = Topic::new("tele/tele/STATE").unwrap();
        let renamed = renamed(&profile, &topic, "tele", "plug").unwrap();
        assert_eq!(renamed.as_str(), "tele/plug/STATE");
    }
}
