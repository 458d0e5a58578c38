//! Writing packets: what a server says, and the little that a simulated device says.

use bytes::{BufMut, BytesMut};
use roost_runtime::QoS;

use super::properties as ids;
use super::{AckKind, Reason, Version};

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

/// What a server tells an accepted client; all but the first for version 5 only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Welcome<'a> {
    /// Whether the client finds its session of before.
    pub session_present: bool,
    /// Seconds that the session outlives the connection, if that is less than the client asked for.
    pub session_expiry_s: Option<u32>,
    /// The name that was chosen for a client that gave none.
    pub assigned_client_id: Option<&'a str>,
    /// The largest packet this server takes, in bytes.
    pub maximum_packet: u32,
    /// Messages of QoS 2 that may be under way to this server.
    pub receive_maximum: u16,
    /// Highest topic alias that this server takes.
    pub topic_alias_maximum: u16,
    /// Seconds of silence that this server allows, if that is less than the client said.
    pub keep_alive: Option<u16>,
    /// Where answers to the client's requests may go, if it asked.
    pub response_information: Option<&'a str>,
}

/// CONNACK of acceptance.
pub fn put_welcome(out: &mut BytesMut, version: Version, welcome: Welcome<'_>) {
    let present = u8::from(welcome.session_present);
    if version == Version::V4 {
        out.put_slice(&[0x20, 2, present, 0]);
        return;
    }
    let mut properties = BytesMut::new();
    if let Some(seconds) = welcome.session_expiry_s {
        properties.put_u8(ids::SESSION_EXPIRY);
        properties.put_u32(seconds);
    }
    properties.put_u8(ids::RECEIVE_MAXIMUM);
    properties.put_u16(welcome.receive_maximum);
    properties.put_u8(ids::MAXIMUM_PACKET);
    properties.put_u32(welcome.maximum_packet);
    properties.put_u8(ids::TOPIC_ALIAS_MAXIMUM);
    properties.put_u16(welcome.topic_alias_maximum);
    if let Some(seconds) = welcome.keep_alive {
        properties.put_u8(ids::SERVER_KEEP_ALIVE);
        properties.put_u16(seconds);
    }
    if let Some(id) = welcome.assigned_client_id {
        properties.put_u8(ids::ASSIGNED_CLIENT_ID);
        put_text(&mut properties, id);
    }
    if let Some(text) = welcome.response_information {
        properties.put_u8(ids::RESPONSE_INFORMATION);
        put_text(&mut properties, text);
    }
    out.put_u8(0x20);
    put_length(out, 2 + digits(properties.len()) + properties.len());
    out.put_slice(&[present, 0]);
    put_length(out, properties.len());
    out.put_slice(&properties);
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

/// PUBACK, PUBREC, PUBREL or PUBCOMP. In 3.1.1 they cannot carry a refusal.
pub fn put_ack(out: &mut BytesMut, version: Version, kind: AckKind, id: u16, reason: Reason) {
    let says_more = version == Version::V5 && reason != Reason::Success;
    out.put_slice(&[kind as u8, 2 + u8::from(says_more)]);
    out.put_u16(id);
    if says_more {
        out.put_u8(reason as u8);
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

fn digits(length: usize) -> usize {
    match length {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    }
}

/// Everything of a PUBLISH but its body.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// Where; empty if the client knows the alias.
    pub topic: &'a str,
    /// How surely.
    pub qos: QoS,
    /// Whether it was retained.
    pub retain: bool,
    /// Whether it may have been sent before.
    pub dup: bool,
    /// Packet identifier; counts above QoS 0 only.
    pub id: u16,
    /// Version 5: properties that pass through, encoded.
    pub properties: &'a [u8],
    /// Version 5: seconds that it is still worth something.
    pub expiry_s: Option<u32>,
    /// Version 5: number that stands for the topic.
    pub alias: Option<u16>,
    /// Version 5: identifiers of the subscriptions that select it.
    pub identifiers: &'a [u32],
}

impl Head<'_> {
    fn properties_length(&self) -> usize {
        let identifiers = self.identifiers.iter().map(|id| 1 + digits(*id as usize));
        self.properties.len()
            + self.expiry_s.map_or(0, |_| 5)
            + self.alias.map_or(0, |_| 3)
            + identifiers.sum::<usize>()
    }

    fn length(&self, version: Version, body: usize) -> usize {
        let id = if self.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = match version {
            Version::V4 => 0,
            Version::V5 => {
                let length = self.properties_length();
                digits(length) + length
            }
        };
        2 + self.topic.len() + id + properties + body
    }

    /// Bytes of the packet with a body of so many.
    #[must_use]
    pub fn size(&self, version: Version, body: usize) -> usize {
        let length = self.length(version, body);
        1 + digits(length) + length
    }
}

/// PUBLISH up to its body, of which only the length counts here.
pub fn put_head(out: &mut BytesMut, version: Version, head: &Head<'_>, body: usize) {
    out.put_u8(0x30 | u8::from(head.dup) << 3 | (head.qos as u8) << 1 | u8::from(head.retain));
    put_length(out, head.length(version, body));
    put_text(out, head.topic);
    if head.qos != QoS::AtMostOnce {
        out.put_u16(head.id);
    }
    if version == Version::V4 {
        return;
    }
    put_length(out, head.properties_length());
    out.put_slice(head.properties);
    if let Some(seconds) = head.expiry_s {
        out.put_u8(ids::MESSAGE_EXPIRY);
        out.put_u32(seconds);
    }
    if let Some(alias) = head.alias {
        out.put_u8(ids::TOPIC_ALIAS);
        out.put_u16(alias);
    }
    for id in head.identifiers {
        out.put_u8(ids::SUBSCRIPTION_ID);
        put_length(out, *id as usize);
    }
}

/// PUBLISH.
pub fn put_publish(out: &mut BytesMut, version: Version, head: &Head<'_>, body: &[u8]) {
    out.reserve(head.size(version, body.len()));
    put_head(out, version, head, body.len());
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
