//! The list of codecs, and the profiles that come with the gateway.

mod discovery;
mod homie;
mod numbers;
mod profile;
mod shelly;
mod sparkplug;
mod zigbee2mqtt;

use roost_model::{Profile, Topic};

use crate::{Codec, CodecDef, CodecError};

/// Every codec. One written in code is a file in `codecs/`, its module and its line here; it serves the
/// profile of its name. All other profiles are data, and the interpreter serves them.
pub static CODECS: &[CodecDef] = &[
    profile::DEF,
    discovery::DEF,
    homie::DEF,
    shelly::DEF,
    sparkplug::DEF,
    zigbee2mqtt::DEF,
];

/// The profiles that come with the gateway: id and TOML.
pub static BUILTIN_PROFILES: &[(&str, &str)] = &[
    ("esphome", include_str!("codecs/profiles/esphome.toml")),
    (
        "homeassistant",
        include_str!("codecs/profiles/homeassistant.toml"),
    ),
    ("homie", include_str!("codecs/profiles/homie.toml")),
    ("native", include_str!("codecs/profiles/native.toml")),
    ("shelly", include_str!("codecs/profiles/shelly.toml")),
    ("sparkplug", include_str!("codecs/profiles/sparkplug.toml")),
    ("tasmota", include_str!("codecs/profiles/tasmota.toml")),
    ("zigbee2mqtt", include_str!("codecs/profiles/zigbee2mqtt.toml")),
    (
        "zigbee2mqtt-bridge",
        include_str!("codecs/profiles/zigbee2mqtt-bridge.toml"),
    ),
];

/// The profiles that come with the gateway, parsed.
#[must_use]
pub fn builtin_profiles() -> Vec<Profile> {
    // A test proves that each parses, so none is dropped here.
    BUILTIN_PROFILES
        .iter()
        .filter_map(|(_, text)| toml::from_str(text).ok())
        .collect()
}

/// The codec for a profile: the one that it names, the one of its own name, or the interpreter.
///
/// # Errors
/// [`CodecError::Profile`] if the profile contradicts itself.
pub fn codec_for(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    let name = if profile.codec.is_empty() {
        &profile.id
    } else {
        &profile.codec
    };
    let def = CODECS.iter().find(|def| def.name == name);
    if def.is_none() && !profile.codec.is_empty() {
        let known: Vec<&str> = CODECS.iter().map(|def| def.name).collect();
        return Err(CodecError::Profile {
            profile: profile.id,
            place: "codec".into(),
            reason: format!("is not known: codecs are {}", known.join(", ")),
        });
    }
    (def.unwrap_or(&profile::DEF).build)(profile)
}

/// A setting of a profile's codec, or what it is unless the profile says otherwise.
fn option(profile: &Profile, name: &str, usual: &str) -> String {
    profile.options.get(name).map_or(usual, String::as_str).to_owned()
}

/// What a rule expected of a payload and did not find.
fn refuse(topic: &Topic, rule: &str, expected: &'static str) -> CodecError {
    CodecError::Payload {
        topic: topic.clone(),
        rule: rule.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
