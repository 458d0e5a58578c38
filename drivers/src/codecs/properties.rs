//! Properties of the profiles that come with the gateway: whatever a device sends, nothing panics.

use proptest::prelude::*;
use roost_model::{Topic, Value, check_name};
use serde_json::json;

use super::*;
use crate::{CodecMemory, CommandRequest, Incoming, MAX_SAMPLES_PER_MESSAGE};

fn codec(id: &str) -> Box<dyn Codec> {
    let profile = builtin_profiles().into_iter().find(|profile| profile.id == id);
    codec_for(profile.unwrap()).unwrap()
}

/// Any value that has a JSON form of its own kind.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e12..1e12f64).prop_map(Value::Float),
        ".*".prop_map(Value::Text),
    ]
}

/// JSON of any shape, with member names that the rules look for among others.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "ON|OFF|°C|.{0,8}".prop_map(Into::into),
    ];
    let name = "POWER|ENERGY|Temperature|TempUnit|Wifi|RSSI|value|unit|at_ms|id|ok|error|.{0,8}";
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(name, inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

const TOPICS: &str = "devices/dev1/telemetry|devices/dev1/telemetry/p|devices/dev1/commands/p/result|\
    tele/dev1/(SENSOR|STATE|LWT)|stat/dev1/(RESULT|POWER)";

fn check_decoded(at: &str, payload: &[u8]) {
    for (id, _) in BUILTIN_PROFILES {
        let incoming = Incoming {
            topic: &Topic::new(at).unwrap(),
            payload,
            at_ms: 0,
        };
        let Ok(decoded) = codec(id).decode("dev1", incoming, &mut CodecMemory::default()) else {
            continue;
        };
        assert!(decoded.samples.len() <= MAX_SAMPLES_PER_MESSAGE);
        for sample in &decoded.samples {
            assert_eq!(check_name(&sample.point), Ok(()), "{}", sample.point);
            assert!(
                sample
                    .value
                    .as_ref()
                    .ok()
                    .and_then(Value::as_f64)
                    .is_none_or(f64::is_finite)
            );
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(at in TOPICS, payload in prop::collection::vec(any::<u8>(), 0..256)) {
        check_decoded(&at, &payload);
    }

    #[test]
    fn arbitrary_json_gives_valid_names_and_finite_numbers(at in TOPICS, json in any_json()) {
        check_decoded(&at, json.to_string().as_bytes());
    }

    #[test]
    fn a_native_device_gets_the_command_that_was_given(id in ".{1,20}", value in any_value()) {
        let request = CommandRequest { id: &id, point: "pump", value: &value, at_ms: 0 };
        let sent = codec("native").encode("dev1", request, &CodecMemory::default()).unwrap();
        prop_assert_eq!(sent.topic.as_str(), "devices/dev1/commands/pump");
        let received: serde_json::Value = serde_json::from_slice(&sent.payload).unwrap();
        prop_assert_eq!(received["id"].as_str(), Some(id.as_str()));
        prop_assert_eq!(Value::from_json(received["value"].clone()), value);
    }
}
