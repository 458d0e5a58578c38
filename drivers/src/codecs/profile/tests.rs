//! Tests of the payload kinds, of words that are caught, and of numbers and words that are made of others.

use proptest::prelude::*;
use roost_model::{Topic, Value};

use super::*;

/// A family with a payload of each kind.
const FAMILY: &str = include_str!("mixed.toml");

fn family() -> Box<dyn Codec> {
    build(toml::from_str(FAMILY).unwrap()).unwrap()
}

fn read(topic: &str, payload: &[u8]) -> Result<Decoded, CodecError> {
    let incoming = Incoming {
        topic: &Topic::new(topic).unwrap(),
        payload,
        at_ms: 0,
    };
    family().decode("d1", incoming, &mut CodecMemory::default())
}

fn values(topic: &str, payload: &[u8]) -> Vec<(String, Value)> {
    let decoded = read(topic, payload).unwrap();
    assert_eq!(decoded.rejected, []);
    let value = |sample: crate::Sample| (sample.point, sample.value.unwrap());
    decoded.samples.into_iter().map(value).collect()
}

fn named(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn send(point: &str, value: Value) -> Result<Outgoing, CodecError> {
    let request = CommandRequest {
        id: "c1",
        point,
        value: &value,
        at_ms: 0,
    };
    family().encode("d1", request, &CodecMemory::default())
}

#[test]
fn bytes_at_fixed_places_become_numbers_and_bits() {
    assert_eq!(
        values("d1/frame", &[0xd7, 0x00, 0x3d, 0x80]),
        [
            named("flow", Value::Float(21.5)),
            named("temperature", Value::Int(21)),
            named("alarm", Value::Bool(true)),
        ]
    );
    let error = read("d1/frame", &[1]).unwrap_err();
    assert_eq!(error.to_string(), "d1/frame: flow expects more bytes than these");
}

#[test]
fn cbor_is_looked_into_by_the_pointers_of_json() {
    // {"t": 21.5, "p": [1, 2]}
    let payload = b"\xa2\x61t\xf9\x4d\x60\x61p\x82\x01\x02";
    assert_eq!(
        values("d1/cbor", payload),
        [
            named("cbor.t", Value::Float(21.5)),
            named("cbor.p1", Value::Int(1)),
            named("cbor.p2", Value::Int(2)),
        ]
    );
    let error = read("d1/cbor", b"{}").unwrap_err();
    assert_eq!(error.to_string(), "d1/cbor: cbor.t (at /t) expects CBOR");
}

#[test]
fn pairs_are_an_object_and_words_mean_what_the_map_says() {
    assert_eq!(
        values("d1/line", b"T: 21.5; S:open ;"),
        [
            named("line.t", Value::Float(21.5)),
            named("line.state", Value::Bool(true))
        ]
    );
    let stuck = read("d1/line", b"S:jammed").unwrap();
    assert_eq!(
        stuck.rejected[0].to_string(),
        "d1/line: line.state (at /S) expects a word of its map"
    );
    assert_eq!(
        values("d1/valve", b"1"),
        [named("valve", Value::Text("open".into()))]
    );
    assert!(read("d1/line", b"nothing").is_err());
}

#[test]
fn words_of_a_topic_name_the_point_and_come_back_in_its_command() {
    assert_eq!(
        values("d1/hall/wanted/value", b"2150"),
        [named("hall.wanted", Value::Float(21.5))]
    );
    let sent = send("hall.wanted", Value::Float(21.5)).unwrap();
    assert_eq!(
        (sent.topic.as_str(), sent.payload.as_slice()),
        ("d1/hall/wanted/set", &b"2150"[..])
    );
    assert_eq!(sent.confirm_point.as_deref(), Some("hall.actual"));
    let error = send("hall.wanted", Value::Int(51)).unwrap_err();
    assert_eq!(error.to_string(), "hall.wanted takes a number from 0 to 50");
    // The rule that names the point whole comes first.
    let sent = send("hall.fixed", Value::Int(7)).unwrap();
    assert_eq!(
        (sent.payload.as_slice(), sent.confirm_point),
        (&b"hall.fixed=7"[..], None)
    );
    assert!(send("plain", Value::Int(7)).is_err());
}

#[test]
fn what_all_may_hear_is_granted_to_each() {
    let access = family().access("d1");
    let subscribe: Vec<&str> = access.subscribe.iter().map(Filter::as_str).collect();
    assert_eq!(subscribe, ["d1/+/+/set", "plant/clock"]);
}

#[test]
fn a_rule_that_contradicts_itself_is_refused_with_its_place() {
    for (from, to, reason) in [
        (
            "point = \"{area}.{sensor}\", kind",
            "point = \"{room}.{sensor}\", kind",
            "{room}",
        ),
        ("binary = { at = 2, type = \"i8\" }, ", "", "binary"),
        (
            "topic = \"{device}/{area}/{sensor}/set\"",
            "topic = \"{device}/x{area}/y/set\"",
            "braces",
        ),
    ] {
        assert!(FAMILY.contains(from), "{from}");
        let profile = toml::from_str(&FAMILY.replacen(from, to, 1)).unwrap();
        let error = build(profile).err().unwrap().to_string();
        assert!(
            error.starts_with("profile mixed: ") && error.contains(reason),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        topic in "d1/(frame|cbor|line|valve|a/b/value)",
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let _ = read(&topic, &payload);
    }

    #[test]
    fn a_commanded_number_is_read_back_as_it_was_given(cents in 0i64..5000) {
        let shown = values("d1/hall/wanted/value", cents.to_string().as_bytes());
        let sent = send("hall.wanted", shown[0].1.clone()).unwrap();
        prop_assert_eq!(sent.payload, cents.to_string().into_bytes());
    }
}
