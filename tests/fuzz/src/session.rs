//! Any conversation of two clients with a broker: it never panics, it answers in packets, each packet identifier stands
//! for one message at a time, and no answer is larger than its cause and the limits allow.

use std::collections::HashSet;

use bytes::BytesMut;
use roost_mqtt::codec::{self, AckKind, Connect, Incoming, Version};
use roost_mqtt::rehearsal::{Visitor, enter, pass_time};

use super::stage;

/// Most bytes of a batch of answers; the connection stops there.
const BATCH_BYTES: usize = 64 << 10;
/// Most steps of one conversation.
const STEPS: usize = 200;

/// A client as it sees itself.
struct Client {
    visitor: Visitor,
    name: String,
    version: Version,
    window: usize,
    under_way: HashSet<u16>,
}

/// The bytes are steps: a byte that says who does what, and, for most, an MQTT packet.
pub fn mqtt_session(data: &[u8]) {
    let broker = stage::broker(&[]);
    let mut clients: [Option<Client>; 2] = [None, None];
    let mut rest = data;
    for _ in 0..STEPS {
        let Some((step, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        let place = usize::from(step >> 7);
        match step & 0x7f {
            0 | 1 => {
                if let Some(client) = clients[place].take() {
                    client.visitor.leave(step & 1 == 0);
                }
            }
            2 => pass_time(&broker),
            _ => {
                let Ok(Some(length)) = codec::frame(rest, 8192) else {
                    break;
                };
                let (frame, after) = rest.split_at(length);
                rest = after;
                clients[place] = match clients[place].take() {
                    Some(client) => converse(client, frame),
                    None => connect(&broker, &mut clients[1 - place], frame),
                };
            }
        }
    }
    broker.close();
}

fn connect(
    broker: &std::sync::Arc<roost_mqtt::Broker>,
    other: &mut Option<Client>,
    frame: &[u8],
) -> Option<Client> {
    let version = codec::version_of(frame).ok()?;
    let Ok(Incoming::Connect(wanted)) = codec::decode(version, frame) else {
        return None;
    };
    if other.as_ref().is_some_and(|other| other.name == wanted.client_id) {
        // It has to give way, as its own connection would see to.
        other.take()?.visitor.leave(false);
    }
    let Connect {
        client_id: name,
        receive_maximum,
        ..
    } = *wanted;
    let mut out = BytesMut::new();
    let visitor = stage::wait(enter(broker, frame, &mut out));
    let kinds: Vec<u8> = packets(&out).iter().map(|packet| packet[0]).collect();
    assert!(
        kinds == [0x20] || (visitor.is_none() && kinds.is_empty()),
        "a CONNECT is answered once: {kinds:x?}"
    );
    let window = stage::limits().in_flight.min(receive_maximum.unwrap_or(u16::MAX));
    Some(Client {
        visitor: visitor?,
        name,
        version,
        window: usize::from(window),
        under_way: HashSet::new(),
    })
}

fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let length = codec::frame(bytes, usize::MAX).expect("answers are packets");
        let (packet, rest) = bytes.split_at(length.expect("answers are whole"));
        packets.push(packet);
        bytes = rest;
    }
    packets
}

fn converse(mut client: Client, frame: &[u8]) -> Option<Client> {
    let said = codec::decode(client.version, frame);
    if let Ok(Incoming::Ack(ack)) = &said {
        let goes_on = ack.kind == AckKind::PubRel || (ack.kind == AckKind::PubRec && !ack.failed);
        if !goes_on {
            client.under_way.remove(&ack.id);
        }
    }
    let mut out = BytesMut::new();
    let (used, goes_on) = client.visitor.say(frame, &mut out);
    let most = BATCH_BYTES + 2 * stage::limits().packet_bytes + 2 * frame.len() + 128;
    assert!(out.len() <= most, "{} bytes of answers", out.len());
    let answers = packets(&out);
    if goes_on {
        assert_eq!(used, frame.len());
        answered(&said.expect("what is no packet ends the connection"), &answers);
    }
    for packet in &answers {
        heard(&mut client, packet);
    }
    if goes_on {
        return Some(client);
    }
    let polite = frame[0] >> 4 == 14;
    client.visitor.leave(polite);
    None
}

/// What is asked is answered, once.
fn answered(said: &Incoming<'_>, answers: &[&[u8]]) {
    let of = |kind: u8| answers.iter().filter(|packet| packet[0] == kind).count();
    match said {
        Incoming::Publish(publish) => {
            let expected = [(0, 0), (1, 0), (0, 1)][publish.qos as usize];
            assert_eq!((of(0x40), of(0x50)), expected, "acknowledgements of {publish:?}");
        }
        Incoming::Subscribe { filters, .. } => {
            let suback = answers.iter().find(|packet| packet[0] == 0x90).expect("a SUBACK");
            assert!(suback.ends_with(&suback[suback.len() - filters.len()..]) && of(0x90) == 1);
        }
        Incoming::Unsubscribe { .. } => assert_eq!(of(0xb0), 1),
        Incoming::Ping => assert_eq!(of(0xd0), 1),
        Incoming::Ack(ack) if ack.kind == AckKind::PubRel => assert_eq!(of(0x70), 1),
        _ => {}
    }
}

fn heard(client: &mut Client, packet: &[u8]) {
    match packet[0] >> 4 {
        3 => {
            let Ok(Incoming::Publish(publish)) = readable(client.version, packet) else {
                return;
            };
            if publish.qos as u8 > 0 {
                assert!(publish.id != 0, "{publish:?}");
                assert!(
                    client.under_way.insert(publish.id),
                    "the identifier is in use: {publish:?}"
                );
                assert!(
                    client.under_way.len() <= client.window,
                    "more than the client takes"
                );
            }
        }
        4..=7 | 9 | 11 | 13 | 14 => {}
        kind => panic!("a server does not send {kind}"),
    }
}

/// Subscription identifiers are the one thing that a client is sent and must not send.
fn readable(version: Version, packet: &[u8]) -> Result<Incoming<'_>, codec::CodecError> {
    let read = codec::decode(version, packet);
    let has_identifiers = || packet.contains(&0x0b);
    assert!(read.is_ok() || has_identifiers(), "{read:?} of {packet:x?}");
    read
}
