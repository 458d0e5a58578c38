//! Tests of changesets.

use proptest::prelude::*;
use roost_model::{Device, Profile, User};
use serde_json::json;

use super::*;

fn cast(params: &Value) -> Result<Valid<Device>, FieldErrors> {
    Changeset::cast(Device::default(), params.as_object().unwrap()).finish()
}

#[test]
fn every_wrong_field_has_its_own_message_and_the_others_are_taken() {
    let params = json!({
        "id": "meter", "label": 5, "enabled": "perhaps", "address": 70000, "cadence_ms": -1,
        "profile": "tasmota", "adress": 3, "colour": "red",
    });
    let changeset = Changeset::cast(Device::default(), params.as_object().unwrap());
    assert_eq!(
        (
            changeset.record().id.as_str(),
            changeset.record().profile.as_str()
        ),
        ("meter", "tasmota")
    );
    let errors = changeset.finish().unwrap_err();
    assert_eq!(
        serde_json::to_value(&errors).unwrap(),
        json!({
            "label": ["must be text"],
            "enabled": ["must be true or false"],
            "address": ["must be a whole number from 0 to 65535"],
            "cadence_ms": ["must be a whole number, 0 or more"],
            "adress": ["is not a field; did you mean address?"],
            "colour": ["is not a field"],
        })
    );
}

#[test]
fn a_field_that_was_not_taken_has_no_second_message_about_what_stands_there_instead() {
    let errors = cast(&json!({"id": 5, "profile": "p"})).unwrap_err();
    assert_eq!(errors.to_string(), "id must be text");
    let params = json!({"publishes": [5], "id": "p", "label": ""});
    let errors = Changeset::cast(Profile::default(), params.as_object().unwrap())
        .validate_with(|_, errors| errors.add("publishes", "must not be empty"))
        .finish()
        .unwrap_err();
    assert_eq!(errors.to_string(), "publishes[0] must be text");
}

#[test]
fn an_update_keeps_what_was_not_sent_and_can_not_change_the_key() {
    let device = cast(&json!({"id": "a", "profile": "p", "label": "A"}))
        .unwrap()
        .into_inner();
    let params = json!({"enabled": true});
    let changed = Changeset::cast(device.clone(), params.as_object().unwrap())
        .finish()
        .unwrap();
    assert_eq!((changed.label.as_str(), changed.enabled), ("A", true));
    let params = json!({"id": "b"});
    let errors = Changeset::cast(device, params.as_object().unwrap())
        .finish()
        .unwrap_err();
    assert_eq!(errors.to_string(), "id can't be changed");
}

#[test]
fn checks_of_the_caller_stand_beside_those_of_the_record() {
    let params = json!({"id": "a b", "profile": "gone"});
    let errors = Changeset::cast(Device::default(), params.as_object().unwrap())
        .validate_with(|device, errors| {
            errors.add("profile", format!("there is no profile {}", device.profile))
        })
        .finish()
        .unwrap_err();
    assert_eq!(errors.of("profile"), ["there is no profile gone"]);
    assert_eq!(errors.of("id").len(), 1);
}

#[test]
fn a_sender_of_nonsense_gets_a_short_answer() {
    let params: Map<String, Value> = (0..1000)
        .map(|number| (format!("x{number}"), Value::Null))
        .collect();
    let errors = Changeset::cast(User::default(), &params).finish().unwrap_err();
    assert_eq!(errors.iter().count(), MAX_UNKNOWN + 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..200_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z{}/+#*]{0,12}".prop_map(Value::from),
        Just(Value::from("{device}/{point}")),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof!["topic", "point", "pointer", "payload", "kind", "[a-z_]{1,8}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn finish_means_valid<R: Record>(base: R, params: &Map<String, Value>) -> Result<(), TestCaseError> {
    match Changeset::cast(base, params).finish() {
        Ok(valid) => {
            let mut errors = FieldErrors::new();
            valid.validate(&mut errors);
            prop_assert!(errors.is_empty(), "{}", errors);
            let json = serde_json::to_vec(&*valid).unwrap();
            prop_assert!(serde_json::from_slice::<R>(&json).is_ok());
        }
        Err(errors) => prop_assert!(!errors.is_empty()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_parameters_make_a_changeset_panic_and_what_is_finished_is_valid(
        fields in proptest::collection::btree_map(
            prop_oneof![
                "id", "label", "enabled", "profile", "driver", "bus", "address", "cadence_ms", "role",
                "publishes", "subscribes", "points", "commands", "[a-z_]{0,10}",
            ],
            any_json(),
            0..6,
        ),
    ) {
        let params: Map<String, Value> = fields.into_iter().collect();
        let named = |id: &str| Device { id: id.into(), profile: "p".into(), ..Device::default() };
        finish_means_valid(Device::default(), &params)?;
        finish_means_valid(named("a"), &params)?;
        finish_means_valid(Profile { id: "p".into(), ..Profile::default() }, &params)?;
        finish_means_valid(User::default(), &params)?;
    }
}
