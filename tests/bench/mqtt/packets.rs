//! The few packets of MQTT 3.1.1 that the load is made of (OASIS MQTT 3.1.1 section 3).

/// Bytes of a body that say when it was sent, by whom and as which of its messages.
pub(super) const MARK_BYTES: usize = 20;

/// Kinds of packets that a client gets.
pub(super) const CONNACK: u8 = 2;
pub(super) const PUBLISH: u8 = 3;
pub(super) const PUBACK: u8 = 4;
pub(super) const SUBACK: u8 = 9;

/// What is written into the body of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// When it was sent, in microseconds of the load's own clock.
    pub(super) sent_us: u64,
    /// Which of its publisher's messages it is.
    pub(super) number: u64,
    pub(super) publisher: u32,
}

/// A packet that came: its kind, the low bits of its first byte, and what follows its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) rest: &'a [u8],
}

/// The packet at the beginning of `bytes`, and how long it is in all; `None` if it is not complete.
pub(super) fn first(bytes: &[u8]) -> Option<(Packet<'_>, usize)> {
    let (first, mut at, mut length, mut shift) = (*bytes.first()?, 1, 0_usize, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let rest = bytes.get(at..at + length)?;
    let packet = Packet {
        kind: first >> 4,
        flags: first & 0x0f,
        rest,
    };
    Some((packet, at + length))
}

/// A message that came: its packet identifier (0 for QoS 0) and its mark.
pub(super) fn message(packet: Packet<'_>) -> Option<(u16, Mark)> {
    let rest = packet.rest;
    let topic = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    let mut body = rest.get(2 + topic..)?;
    let mut id = 0;
    if packet.flags & 0b0110 != 0 {
        id = u16::from_be_bytes(*body.first_chunk()?);
        body = body.get(2..)?;
    }
    let mark = Mark {
        sent_us: u64::from_be_bytes(*body.first_chunk()?),
        number: u64::from_be_bytes(*body.get(8..)?.first_chunk()?),
        publisher: u32::from_be_bytes(*body.get(16..)?.first_chunk()?),
    };
    Some((id, mark))
}

/// One publisher's PUBLISH, made once; identifier and mark are filled in for each message.
#[derive(Debug, Clone)]
pub(super) struct Template {
    bytes: Vec<u8>,
    /// Where the identifier is; `None` for QoS 0.
    id_at: Option<usize>,
    body_at: usize,
}

impl Template {
    /// `body` is the length of the body in bytes, at least [`MARK_BYTES`].
    pub(super) fn new(topic: &str, qos: u8, body: usize) -> Self {
        let body = body.max(MARK_BYTES);
        let id = if qos == 0 { 0 } else { 2 };
        let mut bytes = vec![0x30 | qos << 1];
        put_length(&mut bytes, 2 + topic.len() + id + body);
        put_text(&mut bytes, topic);
        let id_at = (qos > 0).then_some(bytes.len());
        let body_at = bytes.len() + id;
        bytes.resize(body_at + body, b'x');
        Self {
            bytes,
            id_at,
            body_at,
        }
    }

    /// The packet for one message.
    pub(super) fn fill(&mut self, id: u16, mark: Mark) -> &[u8] {
        if let Some(at) = self.id_at {
            self.bytes[at..at + 2].copy_from_slice(&id.to_be_bytes());
        }
        let body = &mut self.bytes[self.body_at..];
        body[..8].copy_from_slice(&mark.sent_us.to_be_bytes());
        body[8..16].copy_from_slice(&mark.number.to_be_bytes());
        body[16..20].copy_from_slice(&mark.publisher.to_be_bytes());
        &self.bytes
    }
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        out.push(low | if length > 0 { 0x80 } else { 0 });
        if length == 0 {
            return;
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// CONNECT with a clean session.
pub(super) fn connect(client_id: &str, user: &str, password: &str) -> Vec<u8> {
    const KEEP_ALIVE_S: u16 = 600;
    let mut rest = Vec::with_capacity(64);
    put_text(&mut rest, "MQTT");
    rest.extend_from_slice(&[4, 0b1100_0010]);
    rest.extend_from_slice(&KEEP_ALIVE_S.to_be_bytes());
    for text in [client_id, user, password] {
        put_text(&mut rest, text);
    }
    packet(0x10, &rest)
}

/// SUBSCRIBE to one filter.
pub(super) fn subscribe(filter: &str, qos: u8) -> Vec<u8> {
    let mut rest = vec![0, 1];
    put_text(&mut rest, filter);
    rest.push(qos);
    packet(0x82, &rest)
}

/// PUBACK.
pub(super) fn put_puback(out: &mut Vec<u8>, id: u16) {
    out.extend_from_slice(&[0x40, 2]);
    out.extend_from_slice(&id.to_be_bytes());
}

fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    put_length(&mut out, rest.len());
    out.extend_from_slice(rest);
    out
}
