//! Frames of clients: whole, in pieces, and against the rules.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

/// A frame as a client sends it.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match body.len() {
        0..=125 => frame.push(0x80 | body.len() as u8),
        126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((body.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((body.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(body.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn all(bytes: &[u8], piece: usize) -> Result<Vec<Item>, Violation> {
    let mut inbound = Inbound::new(1000);
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        inbound.extend(piece);
        while let Some(item) = inbound.next()? {
            items.push(item);
        }
    }
    assert_eq!(inbound.bytes(), 0);
    Ok(items)
}

fn message(body: &'static [u8], binary: bool) -> Item {
    Item::Message(Bytes::from_static(body), binary)
}

#[test]
fn messages_come_whole_however_they_are_cut() {
    // Text in one frame, bytes in three with a ping between them, a close.
    let bytes = [
        frame(0x81, b"hello"),
        frame(0x02, b"a"),
        frame(0x00, b"b"),
        frame(0x89, b"ping"),
        frame(0x80, b"c"),
        frame(0x8a, b""),
        frame(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    for piece in [1, 2, 7, 1000] {
        let expected = [
            message(b"hello", false),
            Item::Ping(Bytes::from_static(b"ping")),
            message(b"abc", true),
            Item::Pong,
            Item::Close(Some(1000)),
        ];
        assert_eq!(all(&bytes, piece).unwrap(), expected, "pieces of {piece}");
    }
}

#[test]
fn a_client_that_breaks_the_rules_is_told_which() {
    let unmasked = vec![0x81, 0x01, b'a'];
    for (bytes, violation) in [
        (unmasked, Violation::Malformed),
        (frame(0xc1, b"compressed"), Violation::Malformed),
        (frame(0x83, b"no such kind"), Violation::Malformed),
        (frame(0x80, b"a continuation of nothing"), Violation::Malformed),
        (
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            Violation::Malformed,
        ),
        (frame(0x09, b"a ping in parts"), Violation::Malformed),
        (frame(0x89, &[0; 126]), Violation::Malformed),
        (frame(0x88, &[3]), Violation::Malformed),
        (frame(0x88, &1005_u16.to_be_bytes()), Violation::Malformed),
        (frame(0x81, &[0xff]), Violation::Utf8),
        (frame(0x82, &[0; 1001]), Violation::TooLarge),
        (
            [frame(0x02, &[0; 900]), frame(0x80, &[0; 101])].concat(),
            Violation::TooLarge,
        ),
        (
            vec![
                0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
            ],
            Violation::TooLarge,
        ),
    ] {
        assert_eq!(all(&bytes, bytes.len()), Err(violation), "{bytes:x?}");
    }
}

#[test]
fn of_a_long_message_only_what_has_come_is_held() {
    let mut inbound = Inbound::new(1 << 20);
    let bytes = frame(0x82, &[0; 100_000]);
    inbound.extend(&bytes[..2000]);
    assert_eq!((inbound.next(), inbound.bytes()), (Ok(None), 2000));
    assert!(inbound.held.capacity() < 5000);
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        let mut inbound = Inbound::new(100);
        'all: for piece in bytes.chunks(piece) {
            inbound.extend(piece);
            loop {
                match inbound.next() {
                    Ok(Some(Item::Message(body, _))) => prop_assert!(body.len() <= 100),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
            prop_assert!(inbound.bytes() <= 300);
        }
    }
}

#[test]
fn a_message_that_is_kept_keeps_nothing_of_what_came_with_it() {
    let (short, long) = (vec![b'a'; 10], vec![b'b'; 100_000]);
    let mut inbound = Inbound::new(1 << 20);
    let bytes = [
        frame(0x82, &short),
        frame(0x82, &long),
        frame(0x82, &short),
        frame(0x82, &long),
        frame(0x82, &short),
    ];
    inbound.extend(&bytes.concat());
    let mut kept = Vec::new();
    while let Some(Item::Message(body, _)) = inbound.next().unwrap() {
        kept.push(body);
    }
    let lengths: Vec<usize> = kept.iter().map(Bytes::len).collect();
    assert_eq!(lengths, [10, 100_000, 10, 100_000, 10]);
    for body in kept {
        let length = body.len();
        let memory = body.try_into_mut().expect("nobody else has it");
        // With what came before a long one, which is less than a read.
        assert!(memory.capacity() <= 2 * length + COPIED, "{length}");
        assert!(length > 10 || memory.capacity() <= 64, "{length}");
    }
}
