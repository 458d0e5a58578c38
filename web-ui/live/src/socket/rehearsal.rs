//! A connection's ear without a connection: for tests and for the fuzzer.

use bytes::Bytes;

use super::inbound::{Inbound, Item};

/// What the bytes of a client are understood as, if they come in pieces of so many: its messages, and whether each is
/// bytes, until it breaks a rule or closes.
#[must_use]
pub fn rehearse(bytes: &[u8], piece: usize, limit: usize) -> Vec<(Bytes, bool)> {
    let mut inbound = Inbound::new(limit);
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        inbound.extend(piece);
        loop {
            match inbound.next() {
                Ok(Some(Item::Message(body, binary))) => messages.push((body, binary)),
                Ok(Some(Item::Ping(_) | Item::Pong)) => {}
                Ok(None) => break,
                Ok(Some(Item::Close(_))) | Err(_) => return messages,
            }
        }
    }
    messages
}
