//! Packets as a client writes them, sound or not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) const V4: u8 = 4;
pub(crate) const V5: u8 = 5;

/// How a client connects.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) version: u8,
    pub(crate) id: &'a str,
    pub(crate) login: Option<(&'a str, &'a str)>,
    pub(crate) will: Option<(&'a str, &'a str)>,
    pub(crate) keep_alive: u16,
    pub(crate) clean: bool,
    /// Version 5 only, as all that follow.
    pub(crate) expiry_s: Option<u32>,
    pub(crate) will_delay_s: Option<u32>,
    /// Further properties, encoded.
    pub(crate) properties: &'a [u8],
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend_from_slice(text);
}

pub(crate) fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let byte = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

pub(crate) fn connect_packet(
    version: u8,
    id: &str,
    login: Option<(&str, &str)>,
    will: Option<(&str, &str)>,
    keep_alive: u16,
) -> Vec<u8> {
    connect_as(&Entry {
        version,
        id,
        login,
        will,
        keep_alive,
        clean: true,
        ..Entry::default()
    })
}

fn put_properties(body: &mut Vec<u8>, numbers: &[(u8, Option<u32>)], more: &[u8]) {
    let mut properties = Vec::new();
    for (id, number) in numbers {
        if let Some(number) = number {
            properties.push(*id);
            properties.extend_from_slice(&number.to_be_bytes());
        }
    }
    properties.extend_from_slice(more);
    body.push(u8::try_from(properties.len()).unwrap());
    body.extend(properties);
}

pub(crate) fn connect_as(entry: &Entry<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    put_text(&mut body, b"MQTT");
    let flag = |on: bool, bits: u8| if on { bits } else { 0 };
    let flags = flag(entry.clean, 2) | flag(entry.will.is_some(), 0x0c) | flag(entry.login.is_some(), 0xc0);
    body.extend_from_slice(&[entry.version, flags]);
    body.extend_from_slice(&entry.keep_alive.to_be_bytes());
    if entry.version == V5 {
        put_properties(&mut body, &[(0x11, entry.expiry_s)], entry.properties);
    }
    put_text(&mut body, entry.id.as_bytes());
    if let Some((topic, message)) = entry.will {
        if entry.version == V5 {
            put_properties(&mut body, &[(0x18, entry.will_delay_s)], &[]);
        }
        put_text(&mut body, topic.as_bytes());
        put_text(&mut body, message.as_bytes());
    }
    if let Some((user, password)) = entry.login {
        put_text(&mut body, user.as_bytes());
        put_text(&mut body, password.as_bytes());
    }
    framed(0x10, &body)
}
