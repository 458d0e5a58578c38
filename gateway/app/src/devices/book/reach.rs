//! Whether a device's name would let it reach the topics of others.
//!
//! A profile may put `{device}` first in its topics: a device called `tele` or `devices` could then say what is said of
//! any other.

use roost_model::{Filter, Profile, Via};

/// The topics that the gateway itself has for each device.
const OWN: &str = "devices/{device}/#";
/// What stands for the id of a device.
const DEVICE: &str = "{device}";
/// A name that no device has.
const ANOTHER: &str = "~";

/// The template within which a device of this name and profile would reach the topics of another device, if there is
/// one.
pub(super) fn reaches_others<'p>(id: &str, own: &Profile, profiles: &'p [Profile]) -> Option<&'p str> {
    if own.via == Via::Bridge {
        return None;
    }
    // What lies below devices/<id> by the profile is one device's all the same.
    let granted: Vec<Filter> = templates(own)
        .filter_map(|template| filter(template, id))
        .collect();
    let theirs = profiles
        .iter()
        .filter(|profile| profile.via == Via::Own)
        .flat_map(templates);
    theirs.chain([OWN]).find(|template| {
        let others = filter(template, ANOTHER);
        others.is_some_and(|others| granted.iter().any(|granted| granted.overlaps(&others)))
    })
}

fn templates(profile: &Profile) -> impl Iterator<Item = &str> {
    profile
        .publishes
        .iter()
        .chain(&profile.subscribes)
        .map(String::as_str)
}

fn filter(template: &str, id: &str) -> Option<Filter> {
    Filter::new(template.replace(DEVICE, id)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_level_of_other_profiles_is_found_out() {
        let profiles = roost_drivers::builtin_profiles();
        let reaches = |id: &str, profile: &str| {
            let own = profiles.iter().find(|known| known.id == profile).unwrap();
            reaches_others(id, own, &profiles).map(str::to_owned)
        };
        for profile in &profiles {
            assert_eq!(reaches("lamp-7", &profile.id), None, "{}", profile.id);
        }
        assert_eq!(reaches("zigbee2mqtt", "zigbee2mqtt-bridge"), None);
        for (id, profile) in [
            ("devices", "homeassistant"),
            ("tele", "homeassistant"),
            ("homie", "zigbee2mqtt-bridge"),
            ("5", "homie"),
            ("spBv1.0", "zigbee2mqtt-bridge"),
        ] {
            assert!(reaches(id, profile).is_some(), "{id} {profile}");
        }
    }
}
