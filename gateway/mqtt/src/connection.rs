//! One connection: its door, its timers, and the session behind it. It lives in a task of its own.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::BytesMut;
use roost_runtime::{BoxError, Context, PresenceGuard};
use tracing::{debug, info, warn};

use crate::broker::Broker;
use crate::codec::{self, CodecError, Connect, Incoming, Reason, Version};
use crate::lobby::Seat;
use crate::roster::Call;
use crate::session::{Close, Session};
use crate::stats::BrokerStats;
use crate::transport::Transport;
use crate::wire::{Handled, Next, WRITE_BYTES, Wire};

mod door;
mod guest;
mod hearing;
mod pause;
pub mod rehearsal;

use door::{Caller, admit};
use guest::{Guest, Stay, leave};
use hearing::{hear, last_heard};
use pause::Pause;

/// Serves one client from its first byte to its last.
///
/// Door and conversation are boxes of their own, one after the other: a connection is idle most of its life, and what
/// only its first second needed is given back.
pub(crate) enum Serving {
    /// Until its CONNECT was judged.
    Greeting(Pin<Box<dyn Future<Output = Option<Box<Visit>>> + Send>>),
    /// As long as it stays.
    Attending(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Serving {
    /// Serves whoever `greeting` lets in.
    pub(crate) fn new(greeting: impl Future<Output = Option<Box<Visit>>> + Send + 'static) -> Self {
        Self::Greeting(Box::pin(greeting))
    }
}

impl Future for Serving {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut *self {
                Self::Greeting(greeting) => match ready!(greeting.as_mut().poll(context)) {
                    Some(visit) => *self = Self::Attending(Box::pin(attend(visit))),
                    None => return Poll::Ready(Ok(())),
                },
                Self::Attending(attending) => return attending.as_mut().poll(context).map(Ok),
            }
        }
    }
}

/// A connection that has come, and its seat in the lobby until its CONNECT was judged.
pub(crate) struct Arrival {
    pub(crate) transport: Transport,
    pub(crate) peer: SocketAddr,
    pub(crate) seat: Seat,
}

/// A client that was let in, with its socket.
pub(crate) struct Visit {
    wire: Wire,
    stay: Stay,
    context: Context,
}

/// Waits for the CONNECT and decides about it.
pub(crate) async fn greet(broker: Arc<Broker>, arrival: Arrival, context: Context) -> Option<Box<Visit>> {
    let Arrival {
        transport,
        peer,
        seat,
    } = arrival;
    let mut wire = Wire::new(broker, transport);
    let greeting = tokio::select! {
        greeting = tokio::time::timeout_at(seat.deadline, first_packet(&mut wire)) => greeting,
        () = context.shutdown.requested() => return None,
    };
    let (version, connect) = match greeting {
        Ok(Ok(connect)) => connect,
        Ok(Err(None)) => return None,
        Ok(Err(Some(error))) => {
            BrokerStats::count(&wire.broker.stats().violations);
            debug!(%peer, %error, "no CONNECT");
            if matches!(error, CodecError::Protocol(_)) {
                // Section 3.1.2.2: a client of another version is told so, in the words of 3.1.1.
                refuse(wire, Version::V4, Reason::UnsupportedProtocolVersion).await;
            }
            return None;
        }
        Err(_) => {
            BrokerStats::count(&wire.broker.stats().violations);
            debug!(%peer, "no CONNECT in time");
            return None;
        }
    };
    let caller = Caller {
        certificate: wire.stream.peer_name(),
        peer,
    };
    let broker = Arc::clone(&wire.broker);
    match admit(&broker, &mut wire.out, caller, version, connect).await {
        Ok(guest) => {
            let stay = Stay::of(guest);
            Some(Box::new(Visit { wire, stay, context }))
        }
        Err(reason) => {
            BrokerStats::count(&wire.broker.stats().refused);
            refuse(wire, version, reason).await;
            None
        }
    }
}

async fn refuse(mut wire: Wire, version: Version, reason: Reason) {
    codec::put_refusal(&mut wire.out, version, reason);
    wire.last_word().await;
    wire.linger().await;
}

/// The client's CONNECT; `Err(None)` if it left before.
async fn first_packet(wire: &mut Wire) -> Result<(Version, Box<Connect>), Option<CodecError>> {
    loop {
        if let Some(frame) = wire.next_frame(wire.broker.limits().connect_bytes)? {
            let version = codec::version_of(&frame)?;
            return match codec::decode(version, &frame)? {
                Incoming::Connect(connect) => Ok((version, connect)),
                _ => Err(Some(CodecError::Malformed(
                    "the first packet is not CONNECT".into(),
                ))),
            };
        }
        wire.stream.readable().await.map_err(|_| None)?;
        wire.try_read().map_err(|_| None)?;
    }
}

/// Serves a client that was let in until its connection ends, then says why and publishes the will if it is due.
async fn attend(mut visit: Box<Visit>) {
    let close = {
        let Visit { wire, stay, context } = &mut *visit;
        match stay.guest() {
            Some(guest) => converse(wire, guest, context).await,
            None => Close::Lost,
        }
    };
    Box::pin(farewell(visit, close)).await;
}

/// Says why the connection ends. Everything that others wait for comes first: a dead peer takes its time to show that
/// it will not read its last word.
async fn farewell(visit: Box<Visit>, close: Close) {
    let Visit {
        mut wire,
        stay,
        context,
    } = *visit;
    let Some(guest) = stay.end() else { return };
    if let Close::Because(reason) = close {
        if !matches!(
            reason,
            Reason::SessionTakenOver | Reason::ServerShuttingDown | Reason::AdministrativeAction
        ) {
            BrokerStats::count(&wire.broker.stats().violations);
            info!(client = %guest.session.grant.identity, ?reason, "connection ended");
        }
        codec::put_disconnect(&mut wire.out, guest.session.version, reason);
    }
    leave(&wire.broker, guest, close);
    wire.last_word().await;
    if matches!(close, Close::Because(_)) {
        tokio::select! {
            () = wire.linger() => {}
            () = context.shutdown.requested() => {}
        }
    }
}

async fn converse(wire: &mut Wire, guest: &mut Guest, context: &Context) -> Close {
    guest.place.heard(wire.broker.clock().now());
    guest.place.set_silence(guest.silence);
    let mut pause = Pause::default();
    let mut readable = false;
    loop {
        if let Err(close) = exchange(wire, guest, !pause.is_on(), readable) {
            return close;
        }
        readable = false;
        if let Some(barrier) = guest.session.barrier()
            && let Err(close) = Box::pin(written(wire, &guest.session, barrier)).await
        {
            return close;
        }
        if let Err(close) = wire.try_write().and_then(|()| wire.count_buffers()) {
            return close;
        }
        pause.look(&wire.broker, guest);
        tokio::task::coop::consume_budget().await;
        // Whoever has much to say takes turns with the others.
        if guest.session.take_crowded() | wire.take_more() {
            roost_runtime::give_way().await;
        }
        let may_read = !pause.is_on();
        if wire.out.is_empty() && (guest.session.may_replay() || (may_read && wire.has_frame())) {
            // The last round stopped because its batch was full, the socket took all of it, and no event will come
            // of what is left.
            if context.shutdown.is_requested() {
                return Close::Because(Reason::ServerShuttingDown);
            }
            continue;
        }
        let room = wire.out.len() < WRITE_BYTES;
        let may_send = room && guest.session.window_open() && !guest.session.has_replay();
        tokio::select! {
            biased;
            () = context.shutdown.requested() => return Close::Because(Reason::ServerShuttingDown),
            call = guest.place.called() => match call {
                Call::Leave(reason) => return Box::pin(last_heard(wire, guest, reason)).await,
                Call::Probe(probe) => wire.probe(probe),
            },
            writable = wire.stream.writable(), if !wire.out.is_empty() => {
                if writable.is_err() {
                    return Close::Lost;
                }
            }
            // A client that does not read its answers, or that others can't keep up with, is not read from either.
            ready = wire.stream.readable(), if room && may_read => {
                if ready.is_err() {
                    return Close::Lost;
                }
                readable = true;
            }
            () = guest.session.woken(), if may_send => {
                if guest.session.is_overflowed() {
                    return Close::Because(Reason::QuotaExceeded);
                }
            }
            () = guest.session.overflowed(), if !may_send => return Close::Because(Reason::QuotaExceeded),
            () = pause.over(), if !may_read => {
                guest.place.heard(wire.broker.clock().now());
                guest.place.set_silence(guest.silence);
            }
        }
    }
}

/// Waits until the log has what the answers promise.
async fn written(wire: &Wire, session: &Session, barrier: u64) -> Result<(), Close> {
    let written = wire.broker.ledger().until_written(barrier).await;
    written.map_err(|error| {
        warn!(client = %session.grant.identity, %error, "a session could not be written down");
        Close::Because(Reason::ImplementationSpecificError)
    })
}

/// Handles every packet that was read, and adds what waits for the client.
fn exchange(wire: &mut Wire, guest: &mut Guest, may_read: bool, readable: bool) -> Result<(), Close> {
    wire.begin_batch();
    if may_read {
        hear(wire, guest, readable)?;
    }
    guest.session.drain(&mut wire.out, WRITE_BYTES);
    Ok(())
}

/// Handles one packet. Whoever is too fast for its takers is stopped at once, not after all that was read at a time.
fn handle(session: &mut Session, frame: &[u8], out: &mut BytesMut) -> Handled {
    let packet = codec::decode(session.version, frame).map_err(|error| refused(session, &error))?;
    session.handle(packet, out)?;
    Ok(if session.take_held() {
        Next::Again
    } else if session.is_pressed() || session.is_crowded() {
        Next::Later
    } else {
        Next::AtOnce
    })
}

/// How a connection ends whose client sent something that is no packet.
fn refused(session: &Session, error: &CodecError) -> Close {
    debug!(client = %session.grant.identity, %error, "packet refused");
    Close::Because(match error {
        CodecError::TooLarge { .. } => Reason::PacketTooLarge,
        CodecError::Protocol(_) | CodecError::Malformed(_) => Reason::MalformedPacket,
    })
}

/// Counts a connection among those that are here, if there is room for one more.
struct Counted(Arc<Broker>);

impl Counted {
    fn new(broker: &Arc<Broker>) -> Option<Self> {
        BrokerStats::count(&broker.stats().connected);
        let counted = Self(Arc::clone(broker));
        if BrokerStats::get(&broker.stats().connected) > broker.limits().connections as u64 {
            return None;
        }
        BrokerStats::count(&broker.stats().accepted);
        Some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        BrokerStats::uncount(&self.0.stats().connected);
    }
}

/// A device that is connected: present, and said so on `devices/<id>/status`. Dropping it says the opposite, whatever
/// way the connection ended.
struct Present {
    broker: Arc<Broker>,
    guard: Option<PresenceGuard>,
}

impl Present {
    fn new(broker: &Arc<Broker>, identity: &Arc<str>, version: Version) -> Self {
        let guard = broker.enter(identity, version);
        Self {
            broker: Arc::clone(broker),
            guard: Some(guard),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            self.broker.leave(guard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<F: Future>(_: impl FnOnce(Box<Visit>) -> F) -> (usize, usize) {
        (size_of::<F>(), size_of::<Visit>())
    }

    #[test]
    fn what_ten_thousand_idle_connections_keep_is_small() {
        let (task, visit) = size(attend);
        assert!(task <= 216 && visit <= 480, "{task} and {visit} bytes");
    }
}
