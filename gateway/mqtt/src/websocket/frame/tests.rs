//! Frames as clients send them, in pieces of any size.

use proptest::prelude::*;

use super::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame, with as many bytes for the length as it needs.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_frame(&mut out, Opcode::Binary, payload);
    let header = out.len() - payload.len();
    out[0] = first;
    out[1] |= 0x80;
    let mut masked = payload.to_vec();
    unmask(&mut masked, MASK, 0);
    [&out[..header], &MASK, &masked].concat()
}

/// What a decoder makes of bytes that come in pieces.
fn decode(limit: u64, bytes: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>, Result<bool, Violation>) {
    let (mut decoder, mut out, mut answers) = (Decoder::new(limit), Vec::new(), BytesMut::new());
    for piece in bytes.chunks(piece.max(1)) {
        let mut buffer = piece.to_vec();
        match decoder.decode(&mut buffer, &mut answers) {
            Ok(decoded) => {
                out.extend_from_slice(&buffer[..decoded.bytes]);
                if decoded.closed {
                    return (out, answers.to_vec(), Ok(true));
                }
            }
            Err(violation) => return (out, answers.to_vec(), Err(violation)),
        }
    }
    (out, answers.to_vec(), Ok(false))
}

#[test]
fn the_masked_hello_of_the_rfc_is_read() {
    // Section 5.7, as a binary frame.
    let bytes = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    for piece in 1..=bytes.len() {
        assert_eq!(decode(100, &bytes, piece), (b"Hello".to_vec(), vec![], Ok(false)));
    }
}

#[test]
fn a_ping_between_the_frames_of_a_message_is_answered_at_once() {
    let bytes = [
        frame(0x02, b"Hel"),
        frame(0x89, b"there?"),
        frame(0x80, b"lo"),
        frame(0x8a, b""),
    ]
    .concat();
    for piece in 1..=bytes.len() {
        let (out, answers, outcome) = decode(5, &bytes, piece);
        assert_eq!((&out[..], outcome), (&b"Hello"[..], Ok(false)));
        assert_eq!(answers, b"\x8a\x06there?");
    }
}

#[test]
fn a_close_is_answered_with_its_status_and_nothing_after_it_is_read() {
    let bytes = [frame(0x82, b"x"), frame(0x88, b"\x03\xe8bye"), frame(0x82, b"y")].concat();
    assert_eq!(
        decode(9, &bytes, 99),
        (b"x".to_vec(), b"\x88\x02\x03\xe8".to_vec(), Ok(true))
    );
    assert_eq!(decode(9, &frame(0x88, b""), 1).1, b"\x88\x00");
}

#[test]
fn what_a_client_must_not_send_ends_it_with_the_status_for_it() {
    let long = [0u8; 126];
    for (bytes, status) in [
        (frame(0x81, b"text"), 1003),
        (vec![0x82, 5, b'H', b'e', b'l', b'l', b'o'], 1002),
        (frame(0xc2, b"compressed"), 1002),
        (frame(0x83, b"reserved"), 1002),
        (frame(0x80, b"continues nothing"), 1002),
        ([frame(0x02, b"a"), frame(0x82, b"not continued")].concat(), 1002),
        (frame(0x09, b"ping in pieces"), 1002),
        (frame(0x89, &long), 1002),
        (frame(0x88, b"x"), 1002),
        (vec![0x82, 0xfe, 0, 5, 0, 0, 0, 0], 1002),
        (vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], 1002),
        (
            vec![0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            1002,
        ),
        (
            vec![
                0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
            ],
            1009,
        ),
        (frame(0x82, &[0; 101]), 1009),
        ([frame(0x02, &[0; 60]), frame(0x80, &[0; 41])].concat(), 1009),
    ] {
        for piece in [1, 3, 1000] {
            let outcome = decode(100, &bytes, piece).2;
            assert_eq!(outcome.map_err(Violation::status), Err(status), "{bytes:x?}");
        }
    }
}

proptest! {
    #[test]
    fn what_was_put_into_frames_comes_out_whatever_the_pieces(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
        cut in 0_usize..300,
        piece in 1_usize..500,
    ) {
        let mut bytes = Vec::new();
        for message in &messages {
            let (head, tail) = message.split_at(cut.min(message.len()));
            bytes.extend(frame(0x02, head));
            bytes.extend(frame(0x80, tail));
        }
        prop_assert_eq!(decode(300, &bytes, piece), (messages.concat(), vec![], Ok(false)));
    }

    #[test]
    fn no_bytes_whatever_make_the_decoder_panic_or_answer_without_end(
        bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50,
    ) {
        let (out, answers, _) = decode(1000, &bytes, piece);
        prop_assert!(out.len() + answers.len() <= bytes.len());
    }
}
