//! A conversation without a socket: a client's bytes go in, the gateway's come out. For those who try
//! what bytes lead to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;

use super::{Caller, Guest, admit, handle, leave, refused};
use crate::broker::Broker;
use crate::codec::{self, Incoming};
use crate::ledger::Ledger;
use crate::session::Close;
use crate::wire::{CloseOr, WRITE_BYTES, frames};
use crate::{Access, Limits};
use roost_runtime::{Bus, Presence};

/// Where such a client calls from.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A client that was let in.
pub struct Visitor {
    broker: Arc<Broker>,
    guest: Guest,
}

/// Judges a CONNECT, and writes the answer. `None` if the client was not let in.
pub async fn enter(broker: &Arc<Broker>, connect: &[u8], out: &mut BytesMut) -> Option<Visitor> {
    let length = codec::frame(connect, broker.limits().connect_bytes).ok()??;
    let frame = &connect[..length];
    let version = codec::version_of(frame).ok()?;
    let Ok(Incoming::Connect(connect)) = codec::decode(version, frame) else {
        return None;
    };
    let caller = Caller {
        certificate: None,
        peer: PEER,
    };
    match admit(broker, out, caller, version, connect).await {
        Ok(guest) => Some(Visitor {
            broker: Arc::clone(broker),
            guest,
        }),
        Err(reason) => {
            codec::put_refusal(out, version, reason);
            None
        }
    }
}

impl Visitor {
    /// The client says something, and is sent what waits for it. Returns how many bytes were packets, and whether the
    /// connection goes on.
    pub fn say(&mut self, bytes: &[u8], out: &mut BytesMut) -> (usize, bool) {
        let limit = self.broker.limits().packet_bytes;
        let session = &mut self.guest.session;
        let (used, outcome) = frames(bytes, limit, out, &mut |frame, out| handle(session, frame, out));
        // Nobody waits here, not even for those who can't keep up.
        drop(session.take_pressure());
        let close = match outcome {
            Ok(()) => {
                session.drain(out, WRITE_BYTES);
                return (used, true);
            }
            Err(CloseOr::Close(close)) => close,
            Err(CloseOr::Error(error)) => refused(session, &error),
        };
        if let Close::Because(reason) = close {
            codec::put_disconnect(out, session.version, reason);
        }
        (used, false)
    }

    /// The connection ends: with a good-bye, or lost.
    pub fn leave(self, politely: bool) {
        let close = if politely {
            Close::Goodbye { with_will: false }
        } else {
            Close::Lost
        };
        leave(&self.broker, self.guest, close);
    }
}

/// What time does: sessions end, wills are published.
pub fn pass_time(broker: &Arc<Broker>) {
    for will in broker.ledger().sweep().wills {
        broker.publish_will(will);
    }
}

/// A broker that has found these records of an earlier run. It writes nothing down.
pub fn broker_of_records(bus: &Bus, access: Arc<Access>, limits: Limits, records: &[&[u8]]) -> Arc<Broker> {
    let ledger = Ledger::of_records(&limits, bus, records);
    let presence = Presence::new(bus.clone());
    Broker::with(bus.clone(), presence, access, limits, ledger)
}

/// What a broker would write down of itself, as records.
#[must_use]
pub fn records_of(broker: &Arc<Broker>) -> Vec<Vec<u8>> {
    broker.ledger().to_records(broker.bus())
}
