//! The codec against arbitrary bytes, and against itself.

use proptest::prelude::*;

use bytes::{BufMut, BytesMut};

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
    let publish = BytesMut::from(&[0x30, 4, 0, 1, b'a', 0x80][..]);
    assert!(matches!(
        decode(Version::V5, publish),
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
            let _ = decode(version, BytesMut::from(&bytes[..length]));
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
        reliable: bool,
        retain: bool,
        id in 1_u16..,
        five: bool,
    ) {
        let version = if five { Version::V5 } else { Version::V4 };
        let qos = if reliable { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let mut bytes = BytesMut::new();
        put_publish(&mut bytes, version, &topic, &body, qos, retain, id);
        prop_assert_eq!(bytes.len(), publish_size(version, &topic, &body, qos));
        prop_assert_eq!(frame(&bytes, usize::MAX), Ok(Some(bytes.len())));
        let id = if reliable { id } else { 0 };
        let expected = Publish { topic, body: body.into(), qos, retain, id, has_alias: false };
        prop_assert_eq!(decode(version, bytes), Ok(Incoming::Publish(expected)));
    }
}
