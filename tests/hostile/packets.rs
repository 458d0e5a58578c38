//! Packets in bytes, right and wrong ones.

/// How a client connects.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hello<'a> {
    pub(crate) version: u8,
    pub(crate) id: &'a str,
    pub(crate) login: (&'a str, &'a str),
    /// Whether an earlier session is thrown away.
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    /// Topic and body.
    pub(crate) will: Option<(&'a str, &'a [u8])>,
    /// Encoded; version 5 only.
    pub(crate) properties: &'a [u8],
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend(text);
}

/// A packet of a body, with its length before it.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let more = length > 127;
        out.push((length % 128) as u8 | if more { 0x80 } else { 0 });
        length /= 128;
        if !more {
            break;
        }
    }
    out.extend(body);
    out
}

fn properties(out: &mut Vec<u8>, version: u8, encoded: &[u8]) {
    if version == 5 {
        out.push(u8::try_from(encoded.len()).unwrap());
        out.extend(encoded);
    }
}

pub(crate) fn connect(hello: &Hello<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, b"MQTT");
    let will = if hello.will.is_some() { 0x04 } else { 0 };
    body.extend([hello.version, 0xc0 | u8::from(hello.clean) << 1 | will]);
    body.extend(hello.keep_alive.to_be_bytes());
    properties(&mut body, hello.version, hello.properties);
    text(&mut body, hello.id.as_bytes());
    if let Some((topic, message)) = hello.will {
        properties(&mut body, hello.version, &[]);
        text(&mut body, topic.as_bytes());
        text(&mut body, message);
    }
    text(&mut body, hello.login.0.as_bytes());
    text(&mut body, hello.login.1.as_bytes());
    packet(0x10, &body)
}

/// PUBLISH; `flags` are QoS, retain and dup as in the first byte.
pub(crate) fn publish(version: u8, topic: &str, flags: u8, id: u16, body: &[u8]) -> Vec<u8> {
    publish_with(version, topic, flags, id, &[], body)
}

pub(crate) fn publish_with(
    version: u8,
    topic: &str,
    flags: u8,
    id: u16,
    encoded: &[u8],
    body: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, topic.as_bytes());
    if flags & 0x06 != 0 {
        out.extend(id.to_be_bytes());
    }
    properties(&mut out, version, encoded);
    out.extend(body);
    packet(0x30 | flags, &out)
}

pub(crate) fn subscribe(version: u8, id: u16, filters: &[&str], qos: u8) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    properties(&mut out, version, &[]);
    for filter in filters {
        text(&mut out, filter.as_bytes());
        out.push(qos);
    }
    packet(0x82, &out)
}

pub(crate) fn unsubscribe(version: u8, id: u16, filter: &str) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    properties(&mut out, version, &[]);
    text(&mut out, filter.as_bytes());
    packet(0xa2, &out)
}

pub(crate) fn ack(first: u8, id: u16) -> Vec<u8> {
    packet(first, &id.to_be_bytes())
}

pub(crate) const PING: [u8; 2] = [0xc0, 0];

/// One of each that a client may send, each with everything it can carry.
pub(crate) fn one_of_each(version: u8, own: &str) -> Vec<Vec<u8>> {
    let telemetry = format!("devices/{own}/telemetry/x");
    let commands = format!("devices/{own}/commands/+");
    let all: &[u8] = &[
        1, 1, 2, 0, 0, 0, 60, 8, 0, 1, b'r', 9, 0, 1, 7, 38, 0, 1, b'k', 0, 1, b'v',
    ];
    let mut packets = vec![
        publish_with(version, &telemetry, 0x00, 0, all, b"1"),
        publish_with(version, &telemetry, 0x02, 7, all, b"1"),
        publish_with(version, &telemetry, 0x05, 8, all, b"1"),
        subscribe(version, 1, &[&commands, "$share/g/x", &commands], 2),
        unsubscribe(version, 2, &commands),
        PING.to_vec(),
        packet(0xe0, &[]),
    ];
    packets.extend([0x40, 0x50, 0x62, 0x70].map(|first| ack(first, 8)));
    if version == 5 {
        packets.extend([0x40, 0x50, 0x62, 0x70].map(|first| packet(first, &[0, 8, 0x80, 4, 31, 0, 1, b'w'])));
        packets.push(packet(0xe0, &[4, 5, 17, 0, 0, 0, 60]));
        packets.push(packet(0xf0, &[0x18, 4, 21, 0, 1, b'm']));
    }
    packets
}
