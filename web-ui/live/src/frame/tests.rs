//! Vectors of both versions, and what no client may do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text(wire: &Wire) -> Value {
    serde_json::from_slice(&wire.body()).unwrap()
}

fn push<'a>(join_ref: &'a Ref, topic: &'a str, event: &'a str, payload: &'a Payload) -> Outgoing<'a> {
    Outgoing::Push {
        join_ref,
        reference: &Ref::NULL,
        topic,
        event,
        payload,
    }
}

fn answer<'a>(join_ref: &'a Ref, reference: &'a Ref, topic: &'a str, reply: &'a Reply) -> Outgoing<'a> {
    Outgoing::Reply {
        join_ref,
        reference,
        topic,
        reply,
    }
}

fn decode(version: Version, frame: &str) -> Result<Incoming, Malformed> {
    decode_text(version, &Bytes::copy_from_slice(frame.as_bytes()))
}

#[test]
fn a_push_a_reply_and_a_broadcast_are_arrays_of_five() {
    let (one, two) = (Ref::text("1"), Ref::text("2"));
    let payload: Payload = json!({"m": 1}).into();
    let wire = encode(Version::V2, push(&one, "t", "e", &payload)).unwrap();
    assert_eq!(text(&wire), json!(["1", null, "t", "e", {"m": 1}]));
    let reply = Reply::ok(payload.clone());
    let wire = encode(Version::V2, answer(&one, &two, "t", &reply)).unwrap();
    let response = json!({"status": "ok", "response": {"m": 1}});
    assert_eq!(text(&wire), json!(["1", "2", "t", "phx_reply", response]));
    let message = Outgoing::Broadcast {
        topic: "t",
        event: "e",
        payload: &payload,
    };
    let wire = encode(Version::V2, message).unwrap();
    assert_eq!(text(&wire), json!([null, null, "t", "e", {"m": 1}]));
}

#[test]
fn in_version_1_messages_are_objects() {
    let (one, two) = (Ref::text("1"), Ref::text("2"));
    let payload: Payload = json!({"m": 1}).into();
    let wire = encode(Version::V1, push(&one, "t", "e", &payload)).unwrap();
    assert_eq!(
        text(&wire),
        json!({"ref": null, "topic": "t", "event": "e", "payload": {"m": 1}})
    );
    let reply = Reply::error(payload);
    let wire = encode(Version::V1, answer(&one, &two, "t", &reply)).unwrap();
    let payload = json!({"status": "error", "response": {"m": 1}});
    assert_eq!(
        text(&wire),
        json!({"ref": "2", "topic": "t", "event": "phx_reply", "payload": payload})
    );
    let message = decode(
        Version::V1,
        r#"{"topic":"t","event":"e","payload":{"a":1},"ref":"7","more":[1]}"#,
    )
    .unwrap();
    assert_eq!(message.payload.value(), json!({"a": 1}));
    assert_eq!((message.join_ref, message.reference), (Ref::NULL, Ref::text("7")));
    for missing in ["topic", "event", "payload", "ref"] {
        let mut message = json!({"topic": "t", "event": "e", "payload": {}, "ref": null});
        message.as_object_mut().unwrap().remove(missing);
        assert!(decode(Version::V1, &message.to_string()).is_err(), "{missing}");
    }
    assert_eq!(
        decode_binary(Version::V1, &Bytes::from_static(&[0; 9])),
        Err(Malformed::Binary)
    );
}

#[test]
fn the_payload_of_a_push_or_a_broadcast_is_an_object_and_that_of_a_reply_is_anything() {
    let one = Ref::text("1");
    for other in [json!([1]), json!("text"), json!(1), json!(null)] {
        let payload = Payload::from(other.clone());
        for version in [Version::V1, Version::V2] {
            let pushed = encode(version, push(&one, "t", "e", &payload));
            assert_eq!(pushed, Err(PayloadError::NotAnObject));
            let message = Outgoing::Broadcast {
                topic: "t",
                event: "e",
                payload: &payload,
            };
            assert_eq!(encode(version, message), Err(PayloadError::NotAnObject));
        }
        let reply = Reply::new("custom", payload);
        let wire = encode(Version::V2, answer(&one, &one, "t", &reply)).unwrap();
        assert_eq!(text(&wire)[4], json!({"status": "custom", "response": other}));
    }
}

#[test]
fn bytes_are_pushed_replied_and_broadcast_in_frames_of_their_own() {
    let (one, two) = (Ref::text("12"), Ref::text("123"));
    let payload = Payload::binary(vec![101, 102, 103]);
    let body = |message| encode(Version::V2, message).unwrap().body().to_vec();
    assert_eq!(
        body(push(&one, "topic", "event", &payload)),
        b"\0\x02\x05\x0512topiceventefg"
    );
    let reply = Reply::ok(payload.clone());
    assert_eq!(
        body(answer(&one, &two, "topic", &reply)),
        b"\x01\x02\x03\x05\x0212123topicokefg"
    );
    let message = Outgoing::Broadcast {
        topic: "topic",
        event: "event",
        payload: &payload,
    };
    assert_eq!(body(message), b"\x02\x05\x05topiceventefg");
    assert_eq!(encode(Version::V1, message), Err(PayloadError::NoBinary));
    // References that are numbers are written in decimal.
    let number = decode(Version::V2, r#"[17,3,"t","e",{}]"#).unwrap().join_ref;
    assert_eq!(body(push(&number, "t", "e", &payload)), b"\0\x02\x01\x0117teefg");
}

#[test]
fn headers_of_more_than_255_bytes_are_refused_and_shorter_ones_with_other_letters_are_not() {
    let (long, most) = ("é".repeat(128), "é".repeat(127));
    let payload = Payload::binary(vec![1]);
    let (short_ref, long_ref) = (Ref::text("1"), Ref::text(&long));
    let field = |message| match encode(Version::V2, message) {
        Err(PayloadError::TooLong { field }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(push(&long_ref, "t", "e", &payload)), "the join reference");
    assert_eq!(field(push(&short_ref, &long, "e", &payload)), "the topic");
    assert_eq!(field(push(&short_ref, "t", &long, &payload)), "the event");
    let reply = Reply::ok(payload.clone());
    assert_eq!(field(answer(&short_ref, &long_ref, "t", &reply)), "the reference");
    let reply = Reply::new(long.clone(), payload.clone());
    assert_eq!(field(answer(&short_ref, &short_ref, "t", &reply)), "the status");
    assert!(encode(Version::V2, push(&short_ref, &most, &most, &payload)).is_ok());
}

#[test]
fn a_binary_push_of_a_client_is_taken_apart() {
    let frame = Bytes::from_static(b"\0\x02\x03\x05\x0512123topiceventefg");
    let message = decode_binary(Version::V2, &frame).unwrap();
    assert_eq!(
        (message.join_ref, message.reference),
        (Ref::text("12"), Ref::text("123"))
    );
    assert_eq!(
        (message.topic.as_str(), message.event.as_str()),
        ("topic", "event")
    );
    assert_eq!(message.payload, Payload::binary(&b"efg"[..]));
    // Other kinds, and less than is announced.
    for frame in [
        &b"\x01\0\0\0\0"[..],
        b"\x02\0\0\0\0",
        b"\0",
        b"\0\0\0\x05\0ab",
        b"\0\x01\0\0\0\xff",
        b"",
    ] {
        let frame = Bytes::copy_from_slice(frame);
        assert_eq!(
            decode_binary(Version::V2, &frame),
            Err(Malformed::Binary),
            "{frame:?}"
        );
    }
}

#[test]
fn references_are_echoed_with_their_type() {
    let message = decode(Version::V2, r#"[1,"1","t","e",{}]"#).unwrap();
    assert_ne!(message.join_ref, message.reference);
    assert_eq!(
        (message.join_ref.json(), message.reference.json()),
        ("1", "\"1\"")
    );
    let message = decode(Version::V2, "[null,\"a\\\"\u{e9}\",\"t\",\"e\",{}]").unwrap();
    assert!(message.join_ref.is_null());
    assert_eq!(message.reference, Ref::text("a\"é"));
    let most = format!("\"{}\"", "r".repeat(255));
    let more = format!("\"{}\"", "r".repeat(256));
    assert!(decode(Version::V2, &format!(r#"[null,{most},"t","e",{{}}]"#)).is_ok());
    for other in ["[]", "{}", "true", &more] {
        assert!(decode(Version::V2, &format!(r#"[{other},null,"t","e",{{}}]"#)).is_err());
    }
}

#[test]
fn messages_may_be_longer_than_five_and_not_shorter() {
    assert!(decode(Version::V2, r#"[null,null,"t","e",[1],"more",{"x":1}]"#).is_ok());
    for short in [
        "[]",
        "nonsense",
        "",
        "{}",
        r#"[null,null,"t","e"]"#,
        r#"[null,null,"t","e",{}"#,
        r#"[null,null,1,"e",{}]"#,
    ] {
        assert!(decode(Version::V2, short).is_err(), "{short}");
    }
}

#[test]
fn deep_json_is_refused_before_anybody_follows_it() {
    let nested = |depth: usize| {
        format!(
            r#"[null,null,"t","e",{}{}]"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(
        decode(Version::V2, &nested(127))
            .unwrap()
            .payload
            .value()
            .is_array()
    );
    for depth in [128, 100_000] {
        assert_eq!(decode(Version::V2, &nested(depth)), Err(Malformed::TooDeep));
    }
    let quoted = format!(
        r#"[null,null,"t","e",["{}\"{}"]]"#,
        "[".repeat(500),
        "{".repeat(500)
    );
    assert!(
        decode(Version::V2, &quoted).is_ok(),
        "brackets in a string are no nesting"
    );
}

#[test]
fn the_version_is_two_point_nothing_or_one_point_nothing() {
    assert_eq!(Version::parse(None), Some(Version::V1));
    for (vsn, version) in [
        ("1.0.0", Version::V1),
        ("1.0.7", Version::V1),
        ("2.0.0", Version::V2),
        ("2.0.3", Version::V2),
    ] {
        assert_eq!(Version::parse(Some(vsn)), Some(version), "{vsn}");
    }
    for vsn in [
        "", "2", "2.0", "2.1.0", "1.1.0", "3.0.0", "2.0.0.0", "a.b.c", "2.0.x", "-2.0.0",
    ] {
        assert_eq!(Version::parse(Some(vsn)), None, "{vsn}");
    }
}

#[test]
fn a_wire_is_a_whole_frame_of_a_server() {
    let one = Ref::text("1");
    for (length, header) in [(0, 2), (80, 2), (200, 4), (70_000, 10)] {
        let payload = Payload::from(json!({"x": "y".repeat(length)}));
        let wire = encode(Version::V2, push(&one, "t", "e", &payload)).unwrap();
        let (frame, body) = (wire.frame(), wire.body());
        assert_eq!((frame[0], frame.len() - body.len()), (0x81, header));
        let length = match header {
            2 => u64::from(frame[1]),
            4 => u64::from(u16::from_be_bytes([frame[2], frame[3]])),
            _ => u64::from_be_bytes(frame[2..10].try_into().unwrap()),
        };
        assert_eq!(length, body.len() as u64);
        assert_eq!(frame[1] & 0x80, 0, "a server masks nothing");
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<u32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_client_says_comes_back_as_it_was(
        join_ref in scalar(), reference in scalar(), topic in ".{0,40}", event in ".{0,20}", payload in tree(),
    ) {
        let frame = json!([join_ref, reference, topic, event, payload]).to_string();
        let message = decode(Version::V2, &frame).unwrap();
        prop_assert_eq!((&message.topic, &message.event), (&topic, &event));
        let reply = Reply::new("ok", message.payload.clone());
        let wire = encode(Version::V2, answer(&message.join_ref, &message.reference, &message.topic, &reply)).unwrap();
        let expected = json!([join_ref, reference, topic, "phx_reply", {"status": "ok", "response": payload}]);
        prop_assert_eq!(text(&wire), expected);
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        for version in [Version::V1, Version::V2] {
            let _ = decode_text(version, &bytes);
            if let Ok(message) = decode_binary(version, &bytes) {
                prop_assert!(message.payload.bytes().is_some());
            }
        }
    }
}

#[test]
fn a_payload_keeps_nothing_of_a_frame_that_is_mostly_something_else() {
    let junk = "x".repeat(100_000);
    for (version, text) in [
        (Version::V2, format!(r#"[null,"1","t","e",{{}},"{junk}"]"#)),
        (
            Version::V1,
            format!(r#"{{"topic":"t","event":"e","ref":"1","payload":{{}},"more":"{junk}"}}"#),
        ),
    ] {
        let frame = Bytes::from(text);
        let Payload::Json(payload) = decode_text(version, &frame).unwrap().payload else {
            panic!("a frame of text has JSON");
        };
        assert_eq!(&payload[..], b"{}");
        assert!(payload.is_unique() && !frame.is_empty());
    }
}

#[test]
fn the_name_of_an_event_has_an_end() {
    let frame = |bytes| Bytes::from(format!(r#"[null,"1","t","{}",{{}}]"#, "e".repeat(bytes)));
    assert!(decode_text(Version::V2, &frame(EVENT_BYTES)).is_ok());
    assert_eq!(
        decode_text(Version::V2, &frame(EVENT_BYTES + 1)),
        Err(Malformed::Event)
    );
}
