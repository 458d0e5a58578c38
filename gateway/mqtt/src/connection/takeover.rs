//! What a connection still hears when another takes its place.

use super::{Guest, hear, written};
use crate::codec::Reason;
use crate::session::Close;
use crate::wire::Wire;

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
