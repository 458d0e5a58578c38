//! The codec against arbitrary bytes, and against itself.

use proptest::prelude::*;

use ::bytes::{BufMut, BytesMut};

use super::write::put_length;
use super::*;

fn length_of(bytes: &[u8]) -> Result<Option<usize>, CodecError> {
    frame(bytes, 1000)
}

#[test]
fn a_frame_is_complete_when_its_length_says_so() {
    assert_eq!(length_of(&[]), Ok(None));
    assert_eq!(length_of(&[0xc0]), Ok(None));
    assert_eq!(length_of(&[0xc0, 0]), Ok(Some(2)));
    assert_eq!(length_of(&[0x30, 3, 0, 1]), Ok(None));
    assert_eq!(length_of(&[0x30, 3, 0, 1, b'a', 0xc0]), Ok(Some(5)));
    assert!(matches!(
        length_of(&[0x30, 0xff, 0x7f]),
        Err(CodecError::TooLarge {
            size: 16_383,
            limit: 1000
        })
    ));
    assert!(matches!(
        length_of(&[0x30, 0xff, 0xff, 0xff, 0xff]),
        Err(CodecError::Malformed(_))
    ));
    assert!(
        matches!(length_of(&[0x36, 0]), Err(CodecError::Malformed(_))),
        "QoS 3"
    );
    assert!(
        matches!(length_of(&[0x80, 0]), Err(CodecError::Malformed(_))),
        "SUBSCRIBE without its flag"
    );
}

#[test]
fn a_truncated_property_length_is_an_error_and_not_a_reason_to_wait() {
    assert!(matches!(
        decode(Version::V5, &[0x30, 4, 0, 1, b'a', 0x80]),
        Err(CodecError::Malformed(_))
    ));
}

/// Packets worth mutating: one of each kind that a client sends.
fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test".to_vec(),
        b"\x10\x1c\x00\x04MQTT\x05\xc6\x00\x3c\x00\x00\x01c\x00\x00\x01t\x00\x01m\x00\x01u\x00\x01p".to_vec(),
        b"\x32\x0a\x00\x03a/b\x00\x01\x00hi".to_vec(),
        b"\x82\x09\x00\x01\x00\x00\x03a/b\x01".to_vec(),
        b"\xa2\x08\x00\x01\x00\x00\x03a/b".to_vec(),
        b"\x40\x04\x00\x01\x00\x00".to_vec(),
        b"\xe0\x02\x04\x00".to_vec(),
        b"\xc0\x00".to_vec(),
    ]
}

fn both(bytes: &[u8]) {
    if let Ok(Some(length)) = frame(bytes, 1 << 20) {
        for version in [Version::V4, Version::V5] {
            let _ = decode(version, &bytes[..length]);
        }
        let _ = version_of(&bytes[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(
        kind in 1_u8..15,
        flags in 0_u8..16,
        body in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = BytesMut::new();
        bytes.put_u8(kind << 4 | flags);
        put_length(&mut bytes, body.len());
        bytes.put_slice(&body);
        both(&bytes);
    }

    #[test]
    fn mutated_packets_never_panic(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = seed;
        for (index, byte) in changes {
            *index.get_mut(&mut bytes) = byte;
        }
        both(&bytes);
    }

    #[test]
    fn what_is_written_is_read_back(
        topic in "[a-zé]{1,20}(/[a-z]{0,8}){0,4}",
        body in prop::collection::vec(any::<u8>(), 0..20_000),
        qos in 0_u8..3,
        retain: bool,
        id in 1_u16..,
        five: bool,
        alias in prop::option::of(1_u16..),
        expiry_s in prop::option::of(any::<u32>()),
        content_type in prop::option::of("[a-z/]{0,300}"),
    ) {
        let version = if five { Version::V5 } else { Version::V4 };
        let qos = super::qos(qos).unwrap();
        let mut properties = BytesMut::new();
        if let Some(text) = content_type.filter(|_| five) {
            properties.put_u8(0x03);
            properties.put_u16(u16::try_from(text.len()).unwrap());
            properties.put_slice(text.as_bytes());
        }
        let (alias, expiry_s) = (alias.filter(|_| five), expiry_s.filter(|_| five));
        let id = if qos == QoS::AtMostOnce { 0 } else { id };
        let head = Head {
            topic: &topic,
            qos,
            retain,
            id,
            properties: &properties,
            expiry_s,
            alias,
            ..Head::default()
        };
        let mut bytes = BytesMut::new();
        put_publish(&mut bytes, version, &head, &body);
        prop_assert_eq!(bytes.len(), head.size(version, body.len()));
        prop_assert_eq!(frame(&bytes, usize::MAX), Ok(Some(bytes.len())));
        let expected = Publish {
            topic: &topic,
            body: &body,
            qos,
            retain,
            id,
            alias,
            expiry_s,
            properties: properties.to_vec().into(),
        };
        prop_assert_eq!(decode(version, &bytes), Ok(Incoming::Publish(expected)));
    }
}

#[test]
fn properties_come_once_each_where_they_belong() {
    let publish = |properties: &[u8]| {
        let mut bytes = vec![0x30, 0, 0, 1, b'a', u8::try_from(properties.len()).unwrap()];
        bytes.extend_from_slice(properties);
        bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
        decode(Version::V5, &bytes).map(|_| ())
    };
    assert!(publish(&[0x26, 0, 1, b'k', 0, 1, b'v', 0x26, 0, 1, b'k', 0, 1, b'w']).is_ok());
    for bad in [
        &[0x01, 1, 0x01, 1][..],         // twice
        &[0x01, 2],                      // neither 0 nor 1
        &[0x0b, 1],                      // only servers send subscription identifiers
        &[0x08, 0, 3, b'a', b'/', b'#'], // a response topic with a wildcard
        &[0x03, 0, 2, 0xff, 0xff],       // not UTF-8
        &[0x7f],
    ] {
        assert!(publish(bad).is_err(), "{bad:x?}");
    }
}

#[test]
fn a_disconnect_may_leave_out_what_it_does_not_need() {
    for (bytes, will, expiry) in [
        (&[0xe0, 0][..], false, None),
        (&[0xe0, 1, 4], true, None),
        (&[0xe0, 2, 0, 0], false, None),
        (&[0xe0, 7, 0, 5, 0x11, 0, 0, 0, 9], false, Some(9)),
    ] {
        let expected = Incoming::Disconnect {
            with_will: will,
            session_expiry_s: expiry,
        };
        assert_eq!(decode(Version::V5, bytes), Ok(expected));
    }
}
