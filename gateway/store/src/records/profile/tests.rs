//! Tests of what makes a profile valid.

use super::*;
use crate::Changeset;

fn profile() -> Profile {
    Profile {
        id: "native".into(),
        label: "Native".into(),
        publishes: vec!["devices/{device}/points/+".into(), "devices/{device}/ack".into()],
        subscribes: vec!["devices/{device}/points/+/set".into()],
        points: vec![PointRule {
            topic: "devices/{device}/points/{point}".into(),
            pointer: "/value".into(),
            point: "{point}".into(),
            ..PointRule::default()
        }],
        commands: vec![CommandRule {
            point: "*".into(),
            topic: "devices/{device}/points/{point}/set".into(),
            payload: "{value}".into(),
            ack_topic: "devices/{device}/ack".into(),
            ..CommandRule::default()
        }],
        ..Profile::default()
    }
}

fn errors_after(change: impl FnOnce(&mut Profile)) -> String {
    Changeset::change_of(profile())
        .change(change)
        .finish()
        .map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn a_sensible_profile_is_valid() {
    assert_eq!(errors_after(|_| ()), "");
}

#[test]
fn a_device_can_touch_its_own_topics_only() {
    for foreign in [
        "#",
        "devices/+/points/+",
        "devices/boiler/points/+",
        "devices/x-{device}/#",
    ] {
        let text = errors_after(|profile| profile.publishes.push(foreign.into()));
        assert_eq!(
            text, "publishes[2] must have {device} as a whole level",
            "{foreign}"
        );
        let text = errors_after(|profile| profile.subscribes.push(foreign.into()));
        assert_eq!(
            text, "subscribes[1] must have {device} as a whole level",
            "{foreign}"
        );
    }
    let text = errors_after(|profile| profile.publishes.push("$SYS/{device}".into()));
    assert!(text.starts_with("publishes[2] can't begin with $"), "{text}");
}

#[test]
fn filters_are_filters_and_placeholders_are_known() {
    let text = errors_after(|profile| profile.publishes.push("{device}/#/x".into()));
    assert!(text.starts_with("publishes[2] is not a topic filter"), "{text}");
    let text = errors_after(|profile| profile.publishes.push("{device}/x{word}".into()));
    assert_eq!(
        text,
        "publishes[2] has braces around {device} and around whole levels only"
    );
}

#[test]
fn rules_stay_inside_what_the_profile_grants() {
    let outside = "must lie inside a filter of publishes";
    let text = errors_after(|profile| profile.points[0].topic = "other/{device}/{point}".into());
    assert_eq!(text, format!("points[0].topic {outside}"));
    let text = errors_after(|profile| profile.publishes[0] = "devices/{device}/points/sample".into());
    assert_eq!(text, format!("points[0].topic {outside}"));
    let text = errors_after(|profile| profile.commands[0].ack_topic = "devices/{device}/other".into());
    assert_eq!(text, format!("commands[0].ack_topic {outside}"));
    let text = errors_after(|profile| profile.commands[0].topic = "devices/{device}/ack".into());
    assert_eq!(text, "commands[0].topic must lie inside a filter of subscribes");
    let text = errors_after(|profile| profile.commands[0].topic = "devices/{device}/points/+/set".into());
    assert_eq!(text, "commands[0].topic must be a topic without + and #");
}

#[test]
fn pointers_begin_with_a_slash_and_have_one_star() {
    for (pointer, message) in [
        ("value", "must be empty or begin with /"),
        ("/*/x/*", "has at most one * segment"),
        ("/a~2b", "has ~0 for ~ and ~1 for /, and no other ~"),
        ("/a~", "has ~0 for ~ and ~1 for /, and no other ~"),
    ] {
        let text = errors_after(|profile| profile.points[0].pointer = pointer.into());
        assert_eq!(text, format!("points[0].pointer {message}"));
    }
    for good in ["", "/", "/*/Temperature", "/a~1b/m~0n"] {
        assert_eq!(
            errors_after(|profile| profile.points[0].pointer = good.into()),
            "",
            "{good}"
        );
    }
}

#[test]
fn the_name_of_a_point_has_only_placeholders_that_can_be_filled() {
    let text = errors_after(|profile| profile.points[0].point = "{member}.temperature".into());
    assert_eq!(
        text,
        "points[0].point has {member} only if the pointer has a * segment"
    );
    let text = errors_after(|profile| {
        profile.points[0].pointer = "/*/Temperature".into();
        profile.points[0].point = "{member}.temperature".into();
    });
    assert_eq!(text, "");
    let text = errors_after(|profile| profile.points[0].topic = "devices/{device}/points/a".into());
    assert_eq!(
        text,
        "points[0].point has {point} only if the topic has it as a whole level"
    );
    let text = errors_after(|profile| profile.points[0].point = "a b".into());
    assert!(text.starts_with("points[0].point has letters"), "{text}");
}

#[test]
fn what_all_devices_hear_is_no_topic_of_one_of_them() {
    assert_eq!(
        errors_after(|profile| profile.hears.push("spBv1.0/STATE/roost".into())),
        ""
    );
    for foreign in ["devices/boiler/points/pump", "$SYS/load", "devices"] {
        let text = errors_after(|profile| profile.hears.push(foreign.into()));
        assert!(
            text.starts_with("hears[0] can't begin with $ or devices"),
            "{text}"
        );
    }
    for wide in ["spBv1.0/#", "spBv1.0/{device}"] {
        let text = errors_after(|profile| profile.hears.push(wide.into()));
        assert_eq!(text, "hears[0] must be a topic without +, # and words in braces");
    }
}

#[test]
fn places_scales_and_words_of_rules_are_checked() {
    let text = errors_after(|profile| profile.points[0].payload = PayloadKind::Binary);
    assert!(text.starts_with("points[0].binary is where"), "{text}");
    let text = errors_after(|profile| profile.points[0].scale = Some(0.0));
    assert!(text.starts_with("points[0].scale must be"), "{text}");
    let text = errors_after(|profile| {
        profile.subscribes.push("{device}/#".into());
        profile.commands[0].point = "switch.{object}".into();
        profile.commands[0].topic = "{device}/{kind}/{object}/command".into();
    });
    assert_eq!(text, "commands[0].topic has {kind} only if the point has it");
}
