//! The list of codecs, and the profiles that come with the gateway.

mod profile;

use roost_model::Profile;

use crate::{Codec, CodecDef, CodecError};

/// Every codec. One written in code is a file in `codecs/`, its module and its line here; it serves the
/// profile of its name. All other profiles are data, and the interpreter serves them.
pub static CODECS: &[CodecDef] = &[profile::DEF];

/// The profiles that come with the gateway: id and TOML.
pub static BUILTIN_PROFILES: &[(&str, &str)] = &[
    ("native", include_str!("codecs/profiles/native.toml")),
    ("tasmota", include_str!("codecs/profiles/tasmota.toml")),
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

/// The codec for a profile: the one of its name, or the interpreter.
///
/// # Errors
/// [`CodecError::Profile`] if the profile contradicts itself.
pub fn codec_for(profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
    let build = CODECS
        .iter()
        .find(|def| def.name == profile.id)
        .map_or(profile::DEF.build, |def| def.build);
    build(profile)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
