//! What is heard of a client, up to the last byte when another connection takes its place.

use bytes::BytesMut;

use super::{Guest, handle, refused, written};
use crate::codec::Reason;
use crate::session::{Close, Session};
use crate::wire::{CloseOr, Wire};

/// How often a client that is too fast for its takers goes on being heard: its messages come one at a time then.
const ROUNDS: usize = 100;

/// Why a connection ends that is to give way. What its client had said before it came a second time counts still, its
/// good-bye above all: the new connection may be through the door before the last bytes of the old one were read.
pub(super) async fn last_heard(wire: &mut Wire, guest: &mut Guest, reason: Reason) -> Close {
    if reason != Reason::SessionTakenOver {
        return Close::Because(reason);
    }
    let mut heard = hear(wire, guest, true);
    for _ in 0..ROUNDS {
        if heard.is_err() || guest.session.take_pressure().is_none() {
            break;
        }
        heard = hear(wire, guest, true);
    }
    if let Some(barrier) = guest.session.barrier()
        && let Err(close) = written(wire, &guest.session, barrier).await
    {
        return close;
    }
    match heard {
        Err(close @ Close::Goodbye { .. }) => close,
        _ => Close::Because(reason),
    }
}

/// Handles every packet that was read, or can be.
pub(super) fn hear(wire: &mut Wire, guest: &mut Guest, readable: bool) -> Result<(), Close> {
    let limit = wire.broker.limits().packet_bytes;
    let session = &mut guest.session;
    // A packet is a sign of life, a byte of one is not: else a dribble would keep a place for ever.
    let mut packets = 0_usize;
    let mut take = |session: &mut Session, frame: &[u8], out: &mut BytesMut| {
        packets += 1;
        handle(session, frame, out)
    };
    let mut outcome = wire.kept_frames(limit, |frame, out| take(session, frame, out));
    // What was read before comes before what is read now.
    if readable && outcome.is_ok() && !session.is_pressed() && !session.is_crowded() {
        let read = wire.read_frames(limit, |frame, out| take(session, frame, out));
        outcome = read.map(|_| ());
    }
    if packets > 0 {
        guest.place.heard(wire.broker.clock().now());
    }
    outcome.map_err(|error| match error {
        CloseOr::Close(close) => close,
        CloseOr::Error(error) => refused(session, &error),
    })
}
