//! Any bytes as MQTT packets: reading never panics, and what is read can be written and is read again as the same.

use bytes::BytesMut;
use roost_mqtt::codec::{self, Ack, Head, Incoming, Publish, Reason, Version};

const LIMIT: usize = 256 << 10;

/// Cuts the first packet out of `data` and reads it as either version.
pub fn mqtt_decode(data: &[u8]) {
    let Ok(Some(length)) = codec::frame(data, LIMIT) else {
        let _ = codec::version_of(data);
        return;
    };
    assert!((2..=data.len()).contains(&length));
    let frame = &data[..length];
    for shorter in 0..length.min(16) {
        let cut = codec::frame(&frame[..shorter], LIMIT);
        assert_eq!(cut, Ok(None), "a packet has one length");
    }
    let _ = codec::version_of(frame);
    for version in [Version::V4, Version::V5] {
        match codec::decode(version, frame) {
            Ok(Incoming::Publish(publish)) => written_and_read(version, &publish),
            Ok(Incoming::Ack(ack)) => acknowledged_and_read(version, ack),
            Ok(Incoming::Subscribe { filters, .. }) => assert!(!filters.is_empty()),
            Ok(Incoming::Unsubscribe { filters, .. }) => assert!(!filters.is_empty()),
            _ => {}
        }
    }
}

fn written_and_read(version: Version, publish: &Publish<'_>) {
    let head = Head {
        topic: publish.topic,
        qos: publish.qos,
        retain: publish.retain,
        dup: false,
        id: publish.id,
        properties: &publish.properties,
        expiry_s: publish.expiry_s,
        alias: publish.alias,
        identifiers: &[],
    };
    let mut out = BytesMut::new();
    codec::put_publish(&mut out, version, &head, publish.body);
    assert_eq!(out.len(), head.size(version, publish.body.len()));
    assert_eq!(codec::frame(&out, 2 * LIMIT), Ok(Some(out.len())));
    let again = codec::decode(version, &out);
    assert_eq!(again.as_ref(), Ok(&Incoming::Publish(publish.clone())));
}

fn acknowledged_and_read(version: Version, ack: Ack) {
    let failed = ack.failed && version == Version::V5;
    let reason = if failed {
        Reason::PacketIdentifierNotFound
    } else {
        Reason::Success
    };
    let mut out = BytesMut::new();
    codec::put_ack(&mut out, version, ack.kind, ack.id, reason);
    let again = codec::decode(version, &out);
    assert_eq!(again, Ok(Incoming::Ack(ack)));
}
