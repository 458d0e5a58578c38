//! Any bytes as what a client of channels sends: taken apart without a panic and within the limits, and what was
//! understood comes back as it was said.

use bytes::Bytes;
use roost_live::frame::{Incoming, Outgoing, Payload, Reply, Version, decode_binary, decode_text, encode};
use roost_live::socket::rehearse;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Largest message that is taken.
const LIMIT: usize = 512;

/// Takes `data` for the bytes on a WebSocket, cut into pieces as its first byte says, and for a message in itself.
pub fn live_frame(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    for (body, binary) in rehearse(rest, usize::from(*first) + 1, LIMIT) {
        assert!(body.len() <= LIMIT);
        message(&body, binary);
    }
    for binary in [false, true] {
        message(&Bytes::copy_from_slice(rest), binary);
    }
}

fn message(body: &Bytes, binary: bool) {
    for version in [Version::V1, Version::V2] {
        let decoded = if binary {
            decode_binary(version, body)
        } else {
            decode_text(version, body)
        };
        if let Ok(message) = decoded {
            echo(version, &message, body);
        }
    }
}

/// The client gets its own payload back, under its own references.
fn echo(version: Version, message: &Incoming, body: &Bytes) {
    let reply = Reply::ok(message.payload.clone());
    let answer = Outgoing::Reply {
        join_ref: &message.join_ref,
        reference: &message.reference,
        topic: &message.topic,
        reply: &reply,
    };
    let wire = encode(version, answer).expect("a reply takes any payload");
    match &message.payload {
        Payload::Binary(bytes) => {
            assert!(wire.is_binary() && wire.body().ends_with(bytes));
        }
        Payload::Json(_) => {
            let valid = serde_json::from_slice::<IgnoredAny>(&wire.body());
            assert!(valid.is_ok(), "{:?}", wire.body());
            // Numbers beyond what Rust holds, and the last level of nesting, are passed on but can't be compared.
            let said = serde_json::from_slice::<Value>(body);
            let (Ok(said), Ok(answered)) = (said, serde_json::from_slice::<Value>(&wire.body())) else {
                return;
            };
            let (payload, response) = match version {
                Version::V1 => (&said["payload"], &answered["payload"]["response"]),
                Version::V2 => (&said[4], &answered[4]["response"]),
            };
            assert_eq!(payload, response);
        }
    }
}
