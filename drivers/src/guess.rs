//! Which profile a client speaks that nobody knows yet, by what it has published.

use serde_json::Value as Json;

/// A profile that fits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The id of a profile that comes with the gateway.
    pub profile: &'static str,
    /// The id under which the profile reads this device.
    pub device_id: String,
    /// What made it fit, for people who decide: the topic.
    pub because: String,
}

/// A clue: a topic, level by level, and what the payload must look like.
struct Clue {
    profile: &'static str,
    /// `{device}` stands where the id is, `+` for any level, `#` for the rest.
    topic: &'static str,
    payload: Payload,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    Any,
    /// A JSON object with this member.
    Member(&'static str),
    /// Text in which the device names a topic of its own that begins as ESPHome's do: `<device>/<component>/<object>/`.
    NamesOwnComponent,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// The surest clues first: the first one that fits decides.
const CLUES: &[Clue] = &[
    clue("homie", "homie/5/{device}/#", Payload::Any),
    clue("homie", "homie/{device}/#", Payload::Any),
    clue("sparkplug", "spBv1.0/+/+/{device}", Payload::Any),
    clue("sparkplug", "spBv1.0/+/+/{device}/+", Payload::Any),
    clue(
        "esphome",
        "homeassistant/+/{device}/+/config",
        Payload::NamesOwnComponent,
    ),
    clue(
        "homeassistant",
        "homeassistant/device/{device}/config",
        Payload::Any,
    ),
    clue("homeassistant", "homeassistant/+/{device}/+/config", Payload::Any),
    clue("homeassistant", "homeassistant/+/{device}/config", Payload::Any),
    clue("native", "devices/{device}/telemetry/#", Payload::Any),
    clue("zigbee2mqtt-bridge", "{device}/bridge/+", Payload::Any),
    clue("shelly", "{device}/events/rpc", Payload::Member("method")),
    clue("shelly", "{device}/status/+", Payload::Member("id")),
    clue("shelly", "{device}/online", Payload::Words(&["true", "false"])),
    clue(
        "tasmota",
        "tele/{device}/LWT",
        Payload::Words(&["Online", "Offline"]),
    ),
    clue("tasmota", "tele/{device}/+", Payload::Any),
    clue(
        "esphome",
        "{device}/status",
        Payload::Words(&["online", "offline"]),
    ),
    clue("esphome", "{device}/sensor/+/state", Payload::Any),
    clue("esphome", "{device}/binary_sensor/+/state", Payload::Any),
    clue("esphome", "{device}/switch/+/state", Payload::Any),
    clue("esphome", "{device}/light/+/state", Payload::Member("state")),
    clue("esphome", "{device}/cover/+/state", Payload::Any),
    clue("esphome", "{device}/lock/+/state", Payload::Any),
];

const fn clue(profile: &'static str, topic: &'static str, payload: Payload) -> Clue {
    Clue {
        profile,
        topic,
        payload,
    }
}

/// Guesses from what a client has published, topic and payload. `None` if nothing that it said is typical of a family.
#[must_use]
pub fn guess(observations: &[(&str, &[u8])]) -> Option<Guess> {
    let fit = |clue: &Clue| {
        observations.iter().find_map(|(topic, payload)| {
            let device = fits(clue, topic, payload)?;
            Some(Guess {
                profile: clue.profile,
                device_id: device.to_owned(),
                because: format!("it publishes to {topic}"),
            })
        })
    };
    CLUES.iter().find_map(fit)
}

fn fits<'t>(clue: &Clue, topic: &'t str, payload: &[u8]) -> Option<&'t str> {
    let device = device_in(clue.topic, topic).filter(|device| roost_model::check_name(device).is_ok())?;
    let matches = match clue.payload {
        Payload::Any => true,
        Payload::Words(words) => words.iter().any(|word| word.as_bytes() == payload),
        Payload::NamesOwnComponent => {
            let level = |at| topic.split('/').nth(at).unwrap_or_default();
            let own = format!("\"{device}/{}/{}/", level(1), level(3));
            std::str::from_utf8(payload).is_ok_and(|text| text.contains(&own))
        }
        Payload::Member(name) => {
            serde_json::from_slice(payload).is_ok_and(|json: Json| json.get(name).is_some())
        }
    };
    matches.then_some(device)
}

fn device_in<'t>(pattern: &str, topic: &'t str) -> Option<&'t str> {
    let (mut levels, mut device) = (topic.split('/'), None);
    for wanted in pattern.split('/') {
        if wanted == "#" {
            return device;
        }
        let given = levels.next()?;
        match wanted {
            "{device}" => device = Some(given),
            "+" => {}
            literal if literal == given => {}
            _ => return None,
        }
    }
    levels.next().is_none().then_some(device)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typical_of_no_family_is_not_guessed() {
        assert_eq!(guess(&[]), None);
        assert_eq!(guess(&[("plant/7", b"21.5"), ("a/b/c/d/e", b"{}")]), None);
        assert_eq!(guess(&[("tele/bad id/LWT", b"Online")]), None);
    }
}
