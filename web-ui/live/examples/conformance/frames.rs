//! What went over a socket, for whoever asks the control: frames as the client's serializer decodes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use roost_live::frame::{Payload, Version, decode_binary};
use serde_json::{Value, json};

/// The five parts of a frame of text or of a client's bytes. A payload of bytes is `{"base64": "…"}`; so is a frame
/// that is none.
pub(crate) fn decoded(body: &Bytes, binary: bool) -> Value {
    let raw = |bytes: &[u8]| json!({ "base64": STANDARD.encode(bytes) });
    if !binary {
        return serde_json::from_slice(body).unwrap_or_else(|_| raw(body));
    }
    let Ok(frame) = decode_binary(Version::V2, body) else {
        return raw(body);
    };
    let reference = |json: &str| serde_json::from_str::<Value>(json).unwrap_or_default();
    let (join_ref, own) = (
        reference(frame.join_ref.json()),
        reference(frame.reference.json()),
    );
    let payload = match &frame.payload {
        Payload::Binary(bytes) => raw(bytes),
        Payload::Json(_) => frame.payload.value(),
    };
    json!([join_ref, own, frame.topic, frame.event, payload])
}
