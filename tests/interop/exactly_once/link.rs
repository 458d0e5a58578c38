//! The few packets of MQTT that a client of QoS 2 needs, in 3.1.1 and 5, over a connection that may end in any byte.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use roost_tests::{Door, PATIENCE};

/// What kind of packet the first byte says it is (MQTT 5 section 2.1.2).
pub(crate) const PUBLISH: u8 = 0x30;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
pub(crate) const SUBACK: u8 = 0x90;
const IDENTIFIER_NOT_FOUND: u8 = 0x92;

/// Seconds that the session outlives its connections (version 5).
const EXPIRY: [u8; 6] = [5, 0x11, 0, 0, 0x0e, 0x10];

/// Who connects.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) door: Door,
    pub(crate) id: String,
    /// 4 is 3.1.1.
    pub(crate) version: u8,
}

/// A connection.
pub(crate) struct Link {
    stream: TcpStream,
    version: u8,
}

/// A packet: its first byte, and what stands behind its length.
pub(crate) struct Packet {
    pub(crate) first: u8,
    body: Vec<u8>,
}

impl Packet {
    /// Kind, without the flags of a PUBLISH.
    pub(crate) fn kind(&self) -> u8 {
        if self.first & 0xf0 == PUBLISH {
            PUBLISH
        } else {
            self.first
        }
    }

    /// Identifier of an acknowledgement, which must not be a refusal.
    pub(crate) fn id(&self) -> u16 {
        // Whoever repeats a step after a cut may find it done (MQTT 5 section 4.13.2).
        let refused = |reason: &u8| *reason >= 0x80 && *reason != IDENTIFIER_NOT_FOUND;
        assert!(!self.body.get(2).is_some_and(refused), "refused");
        u16::from_be_bytes([self.body[0], self.body[1]])
    }

    /// Identifier and body of a PUBLISH of QoS 2.
    pub(crate) fn message(&self, version: u8) -> (u16, String) {
        assert_eq!(self.first & 0x06, 0x04, "QoS 2");
        let topic = 2 + usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let id = u16::from_be_bytes([self.body[topic], self.body[topic + 1]]);
        // The gateway adds no property to a message that has none.
        let body = topic + if version == 5 { 3 } else { 2 };
        (id, String::from_utf8(self.body[body..].to_vec()).expect("text"))
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
    out.extend(text.as_bytes());
}

impl Link {
    /// Connects with a session that is kept; also whether it was there.
    pub(crate) fn open(name: &Name) -> Result<(Self, bool)> {
        let stream = TcpStream::connect(name.door.at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut link = Self {
            stream,
            version: name.version,
        };
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', name.version, 0xc0, 0, 60];
        if name.version == 5 {
            body.extend(EXPIRY);
        }
        for part in [&name.id, &name.door.user, &name.door.password] {
            text(&mut body, part);
        }
        link.send(0x10, &body)?;
        let welcome = link.packet()?;
        assert_eq!((welcome.first, welcome.body[1]), (0x20, 0), "welcome");
        Ok((link, welcome.body[0] == 1))
    }

    fn send(&mut self, first: u8, body: &[u8]) -> Result<()> {
        let length = u8::try_from(body.len()).expect("a short packet");
        let mut packet = vec![first];
        if length >= 0x80 {
            packet.extend([length, 1]);
        } else {
            packet.push(length);
        }
        packet.extend(body);
        self.stream.write_all(&packet)
    }

    fn no_properties(&self, out: &mut Vec<u8>) {
        if self.version == 5 {
            out.push(0);
        }
    }

    /// Sends a message of QoS 2.
    pub(crate) fn publish(&mut self, topic: &str, id: u16, body: &str, again: bool) -> Result<()> {
        let mut packet = Vec::new();
        text(&mut packet, topic);
        packet.extend(id.to_be_bytes());
        self.no_properties(&mut packet);
        packet.extend(body.as_bytes());
        self.send(PUBLISH | 0x04 | u8::from(again) << 3, &packet)
    }

    /// Subscribes with QoS 2.
    pub(crate) fn subscribe(&mut self, filter: &str) -> Result<()> {
        let mut packet = vec![0, 1];
        self.no_properties(&mut packet);
        text(&mut packet, filter);
        packet.push(2);
        self.send(0x82, &packet)
    }

    /// Acknowledges.
    pub(crate) fn ack(&mut self, kind: u8, id: u16) -> Result<()> {
        self.send(kind, &id.to_be_bytes())
    }

    /// The next packet. Silence is a failure, an end is not.
    pub(crate) fn packet(&mut self) -> Result<Packet> {
        let first = self.byte()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).map_err(not_silent)?;
        Ok(Packet { first, body })
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map_err(not_silent)?;
        Ok(byte[0])
    }
}

fn not_silent(error: Error) -> Error {
    let silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    assert!(!silent, "waited in vain for a packet");
    error
}
