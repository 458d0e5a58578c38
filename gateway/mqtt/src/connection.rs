//! One connection: its door, its timers, and the session behind it. It lives in a task of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{Context, Message, PresenceGuard};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::access::{Credentials, Grant};
use crate::broker::Broker;
use crate::codec::{self, CodecError, Connect, Incoming, Reason, Version, Welcome};
use crate::roster::Place;
use crate::session::{Close, Session};
use crate::stats::BrokerStats;
use crate::transport::Transport;
use crate::wire::{WRITE_BYTES, Wire};

/// Serves one client from its first byte to its last.
///
/// Door and conversation are boxes of their own, one after the other: a connection is idle most of its life, and what
/// only its first second needed is given back.
pub(crate) async fn serve(broker: Arc<Broker>, stream: Transport, peer: SocketAddr, context: Context) {
    if let Some(visit) = Box::pin(greet(broker, stream, peer, context)).await {
        Box::pin(attend(visit)).await;
    }
}

/// A client that was let in, with its socket.
struct Visit {
    wire: Wire,
    guest: Guest,
    context: Context,
}

/// Waits for the CONNECT and decides about it.
async fn greet(
    broker: Arc<Broker>,
    stream: Transport,
    peer: SocketAddr,
    context: Context,
) -> Option<Box<Visit>> {
    let mut wire = Wire::new(broker, stream);
    let greeting = tokio::select! {
        greeting = tokio::time::timeout(wire.broker.limits().connect_within, first_packet(&mut wire)) => greeting,
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
    match admit(&mut wire, version, connect, peer).await {
        Ok(guest) => Some(Box::new(Visit { wire, guest, context })),
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
            return match codec::decode(version, frame)? {
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

/// A client that was let in. The order of the fields is the order in which they are dropped: a device has left before
/// its place is free, so that whoever takes over is the last to speak.
struct Guest {
    session: Session,
    will: Option<Message>,
    keep_alive: Option<Duration>,
    /// The client's presence and its status on the bus, if it is a device.
    _present: Option<Present>,
    place: Place,
    _counted: Counted,
}

/// What the directory says of a client, by what it presents.
fn grant(broker: &Broker, connect: &Connect, peer: SocketAddr) -> Result<Grant, Reason> {
    let login = connect.login.as_ref();
    let credentials = login.map(|(user, password)| Credentials { user, password });
    broker.access().admit(credentials).map_err(|refusal| {
        let user = login.map_or("", |(user, _)| user);
        // Debug, not info: whoever hammers the port must not fill the log.
        debug!(%peer, user, %refusal, "connection refused");
        Reason::BadUserNameOrPassword
    })
}

async fn admit(
    wire: &mut Wire,
    version: Version,
    mut connect: Box<Connect>,
    peer: SocketAddr,
) -> Result<Guest, Reason> {
    let broker = Arc::clone(&wire.broker);
    let limits = broker.limits();
    let granted = grant(&broker, &connect, peer)?;
    let counted = Counted::new(&broker).ok_or(Reason::ServerBusy)?;
    let nameless = connect.client_id.is_empty();
    if connect.client_id.contains('\0') || (version == Version::V4 && nameless && !connect.clean) {
        return Err(Reason::ClientIdentifierNotValid);
    }
    let will = connect.will.take();
    let will = will
        .map(|will| Session::accept_will(&granted, will))
        .transpose()?;
    let assigned = nameless.then(|| broker.new_client_id());
    let client_id = assigned.as_deref().unwrap_or(&connect.client_id);
    let roster = broker.roster();
    let place = roster
        .take(&granted.identity, client_id, limits.takeover_within)
        .await;
    // A device that was removed between the first look and the place in the roster was not found there to be ended.
    let granted = grant(&broker, &connect, peer)?;
    debug!(%peer, identity = %granted.identity, client_id, ?version, "connected");
    let present = granted
        .is_device
        .then(|| Present::new(&broker, &granted.identity, version));
    let maximum_packet = u32::try_from(limits.packet_bytes + 5).unwrap_or(u32::MAX);
    let assigned_client_id = assigned.as_deref();
    codec::put_welcome(
        &mut wire.out,
        version,
        Welcome {
            assigned_client_id,
            maximum_packet,
        },
    );
    let stats = Arc::clone(broker.stats());
    let session = Session::new(granted, version, &connect, broker.bus().clone(), stats, limits);
    // Section 3.1.2.10: one and a half times the keep-alive; 0 switches it off.
    let seconds = u64::from(connect.keep_alive);
    let keep_alive = (seconds > 0).then(|| Duration::from_millis(seconds * 1500));
    Ok(Guest {
        session,
        will,
        keep_alive,
        _present: present,
        place,
        _counted: counted,
    })
}

/// Serves a client that was let in until its connection ends, then says why and publishes the will if it is due.
async fn attend(mut visit: Box<Visit>) {
    let close = converse(&mut visit).await;
    Box::pin(farewell(visit, close)).await;
}

/// Says why the connection ends. Everything that others wait for comes first: a dead peer takes its time to show that
/// it will not read its last word.
async fn farewell(visit: Box<Visit>, close: Close) {
    let Visit {
        mut wire,
        mut guest,
        context,
    } = *visit;
    if let Close::Because(reason) = close {
        if !matches!(
            reason,
            Reason::SessionTakenOver | Reason::ServerShuttingDown | Reason::AdministrativeAction
        ) {
            guest.session.count(|stats| &stats.violations);
            info!(client = %guest.session.grant.identity, ?reason, "connection ended");
        }
        codec::put_disconnect(&mut wire.out, guest.session.version, reason);
    }
    let will_due = !matches!(close, Close::Goodbye { with_will: false });
    if let Some(will) = guest.will.take().filter(|_| will_due) {
        guest.session.publish_will(will);
    }
    drop(guest);
    wire.last_word().await;
    if matches!(close, Close::Because(_)) {
        tokio::select! {
            () = wire.linger() => {}
            () = context.shutdown.requested() => {}
        }
    }
}

async fn converse(visit: &mut Visit) -> Close {
    let Visit { wire, guest, context } = visit;
    let mut heard = Instant::now();
    let silence = tokio::time::sleep(guest.keep_alive.unwrap_or_default());
    tokio::pin!(silence);
    loop {
        if let Err(close) = exchange(wire, guest, &mut heard) {
            return close;
        }
        tokio::task::coop::consume_budget().await;
        if wire.out.is_empty() && (guest.session.may_replay() || wire.has_frame()) {
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
            reason = guest.place.evicted() => return Close::Because(reason),
            writable = wire.stream.writable(), if !wire.out.is_empty() => {
                if writable.is_err() {
                    return Close::Lost;
                }
            }
            // A client that does not read its answers is not read from either.
            readable = wire.stream.readable(), if room => {
                let read = readable.map_err(|_| Close::Lost).and_then(|()| wire.try_read());
                if let Err(close) = read {
                    return close;
                }
            }
            delivery = guest.session.next(), if may_send => match delivery {
                Some(delivery) => guest.session.send(&delivery.message, delivery.qos, delivery.retained, &mut wire.out),
                None => return Close::Because(Reason::QuotaExceeded),
            },
            () = guest.session.overflowed(), if !may_send => return Close::Because(Reason::QuotaExceeded),
            () = &mut silence, if guest.keep_alive.is_some() => {
                let limit = guest.keep_alive.unwrap_or_default();
                if heard.elapsed() >= limit {
                    return Close::Because(Reason::KeepAliveTimeout);
                }
                // Moving the timer at every packet would cost more than waking up once too often.
                silence.as_mut().reset(heard + limit);
            }
        }
    }
}

/// Handles every packet that was read, adds what waits for the client, and sends it in one go.
fn exchange(wire: &mut Wire, guest: &mut Guest, heard: &mut Instant) -> Result<(), Close> {
    let mut outcome = Ok(());
    while wire.out.len() < WRITE_BYTES && outcome.is_ok() {
        let packet = match wire.next_frame(wire.broker.limits().packet_bytes) {
            Ok(None) => break,
            Ok(Some(frame)) => {
                *heard = Instant::now();
                codec::decode(guest.session.version, frame)
            }
            Err(error) => Err(error),
        };
        outcome = match packet {
            Ok(packet) => guest.session.handle(packet, &mut wire.out),
            Err(error) => {
                debug!(client = %guest.session.grant.identity, %error, "packet refused");
                Err(Close::Because(match error {
                    CodecError::TooLarge { .. } => Reason::PacketTooLarge,
                    CodecError::Protocol(_) | CodecError::Malformed(_) => Reason::MalformedPacket,
                }))
            }
        };
    }
    outcome?;
    guest.session.drain(&mut wire.out, WRITE_BYTES);
    wire.try_write()
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
    identity: Arc<str>,
    guard: Option<PresenceGuard>,
}

impl Present {
    fn new(broker: &Arc<Broker>, identity: &Arc<str>, version: Version) -> Self {
        let guard = broker.enter(identity, version);
        Self {
            broker: Arc::clone(broker),
            identity: Arc::clone(identity),
            guard: Some(guard),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.broker.leave(&self.identity, self.guard.take());
    }
}
