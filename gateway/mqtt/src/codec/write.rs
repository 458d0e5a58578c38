//! Writing packets: what a server says, and the little that a simulated device says.

use bytes::{BufMut, BytesMut};
use roost_runtime::QoS;

use super::{Reason, Version};

pub(super) fn put_length(out: &mut BytesMut, mut length: usize) {
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "the mask leaves seven bits")]
        let byte = (length & 0x7f) as u8;
        length >>= 7;
        out.put_u8(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

/// What a server of version 5 tells an accepted client about itself.
#[derive(Debug, Clone, Copy)]
pub struct Welcome<'a> {
    /// The name that was chosen for a client that gave none.
    pub assigned_client_id: Option<&'a str>,
    /// The largest packet this server takes, in bytes.
    pub maximum_packet: u32,
}

/// CONNACK of acceptance. Sessions end with their connection, so none is ever present.
pub fn put_welcome(out: &mut BytesMut, version: Version, welcome: Welcome<'_>) {
    match version {
        Version::V4 => out.put_slice(&[0x20, 2, 0, 0]),
        Version::V5 => {
            let mut properties = BytesMut::new();
            properties.put_u8(0x11); // session expiry interval: 0
            properties.put_u32(0);
            properties.put_slice(&[0x24, 1]); // maximum QoS: 1
            properties.put_u8(0x27); // maximum packet size
            properties.put_u32(welcome.maximum_packet);
            properties.put_slice(&[0x29, 0, 0x2a, 0]); // no subscription identifiers, no shared subscriptions
            if let Some(id) = welcome.assigned_client_id {
                properties.put_u8(0x12);
                put_text(&mut properties, id);
            }
            out.put_u8(0x20);
            let mut body = BytesMut::new();
            body.put_slice(&[0, 0]);
            put_length(&mut body, properties.len());
            put_length(out, body.len() + properties.len());
            out.put_slice(&body);
            out.put_slice(&properties);
        }
    }
}

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
    out.put_slice(text.as_bytes());
}

/// CONNACK of refusal. Nothing is written where 3.1.1 has no code for the reason.
pub fn put_refusal(out: &mut BytesMut, version: Version, reason: Reason) {
    match (version, reason.connack_v4()) {
        (Version::V5, _) => out.put_slice(&[0x20, 3, 0, reason as u8, 0]),
        (Version::V4, Some(code)) => out.put_slice(&[0x20, 2, 0, code]),
        (Version::V4, None) => {}
    }
}

/// DISCONNECT, which in 3.1.1 a server does not send. It says in words what the code says in numbers: whoever sets up
/// a device reads them, and there are clients that overlook a code without properties.
pub fn put_disconnect(out: &mut BytesMut, version: Version, reason: Reason) {
    if version == Version::V5 {
        let text = reason.words();
        out.put_u8(0xe0);
        put_length(out, 2 + 3 + text.len());
        out.put_u8(reason as u8);
        put_length(out, 3 + text.len());
        out.put_u8(0x1f); // reason string
        put_text(out, text);
    }
}

/// PUBACK. In 3.1.1 it cannot carry a refusal.
pub fn put_puback(out: &mut BytesMut, version: Version, id: u16, reason: Reason) {
    match (version, reason) {
        (Version::V5, Reason::Success) | (Version::V4, _) => {
            out.put_slice(&[0x40, 2]);
            out.put_u16(id);
        }
        (Version::V5, reason) => {
            out.put_slice(&[0x40, 3]);
            out.put_u16(id);
            out.put_u8(reason as u8);
        }
    }
}

/// SUBACK or UNSUBACK (`first` is the fixed header's first byte). In 3.1.1 an UNSUBACK has no codes.
fn put_codes(out: &mut BytesMut, version: Version, first: u8, id: u16, codes: &[u8]) {
    let properties: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    out.put_u8(first);
    put_length(out, 2 + properties.len() + codes.len());
    out.put_u16(id);
    out.put_slice(properties);
    out.put_slice(codes);
}

/// What becomes of one wanted filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// Subscribed with this QoS.
    Yes(QoS),
    /// Refused.
    No(Reason),
}

/// SUBACK.
pub fn put_suback(out: &mut BytesMut, version: Version, id: u16, granted: &[Granted]) {
    let code = |granted: &Granted| match (granted, version) {
        (Granted::Yes(qos), _) => *qos as u8,
        (Granted::No(_), Version::V4) => 0x80,
        (Granted::No(reason), Version::V5) => *reason as u8,
    };
    let codes: Vec<u8> = granted.iter().map(code).collect();
    put_codes(out, version, 0x90, id, &codes);
}

/// UNSUBACK; `removed` says of each filter whether it was there.
pub fn put_unsuback(out: &mut BytesMut, version: Version, id: u16, removed: &[bool]) {
    let code = |removed: &bool| {
        (if *removed {
            Reason::Success
        } else {
            Reason::NoSubscriptionExisted
        }) as u8
    };
    let codes: Vec<u8> = if version == Version::V5 {
        removed.iter().map(code).collect()
    } else {
        Vec::new()
    };
    put_codes(out, version, 0xb0, id, &codes);
}

/// PINGRESP.
pub fn put_pong(out: &mut BytesMut) {
    out.put_slice(&[0xd0, 0]);
}

/// Bytes that [`put_publish`] would write.
#[must_use]
pub fn publish_size(version: Version, topic: &str, body: &[u8], qos: QoS) -> usize {
    let length = publish_length(version, topic, body, qos);
    let digits = match length {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    };
    1 + digits + length
}

fn publish_length(version: Version, topic: &str, body: &[u8], qos: QoS) -> usize {
    let id = if qos == QoS::AtMostOnce { 0 } else { 2 };
    let properties = usize::from(version == Version::V5);
    2 + topic.len() + id + properties + body.len()
}

/// PUBLISH to a client; `id` counts for QoS 1 only. Written by hand because it is the hot path: the body goes from the
/// shared message straight into the connection's buffer.
pub fn put_publish(
    out: &mut BytesMut,
    version: Version,
    topic: &str,
    body: &[u8],
    qos: QoS,
    retain: bool,
    id: u16,
) {
    out.put_u8(0x30 | ((qos as u8) << 1) | u8::from(retain));
    put_length(out, publish_length(version, topic, body, qos));
    put_text(out, topic);
    if qos != QoS::AtMostOnce {
        out.put_u16(id);
    }
    if version == Version::V5 {
        out.put_u8(0);
    }
    out.put_slice(body);
}

/// CONNECT of a client of version 3.1.1 that wants a clean session: what simulated devices send.
pub fn put_connect(out: &mut BytesMut, client_id: &str, user: &str, password: &str, keep_alive_s: u16) {
    out.put_u8(0x10);
    put_length(out, 10 + 6 + client_id.len() + user.len() + password.len());
    put_text(out, "MQTT");
    out.put_slice(&[4, 0b1100_0010]);
    out.put_u16(keep_alive_s);
    for text in [client_id, user, password] {
        put_text(out, text);
    }
}

/// SUBSCRIBE of a client of version 3.1.1 to one filter.
pub fn put_subscribe(out: &mut BytesMut, id: u16, filter: &str, qos: QoS) {
    out.put_u8(0x82);
    put_length(out, 2 + 2 + filter.len() + 1);
    out.put_u16(id);
    put_text(out, filter);
    out.put_u8(qos as u8);
}
