//! The door: who is let in, and with which session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tracing::debug;

use super::{Counted, Guest, Present};
use crate::access::{Access, Credentials, Grant, Presented, Refusal};
use crate::broker::Broker;
use crate::clock::ticks;
use crate::codec::{self, Connect, Reason, Version, Welcome, Will};
use crate::ledger::{Found, Name};
use crate::roster::Place;
use crate::session::{Kept, Opening, Session};
use crate::unknown::Unknown;
use crate::will::LastWill;

/// What is said to a client about where answers to its requests may go.
const RESPONSES: &str = "responses";

/// What is known of a client but its CONNECT.
pub(super) struct Caller {
    /// The name in the certificate that it has shown.
    pub(super) certificate: Option<String>,
    pub(super) peer: SocketAddr,
}

/// Lets a client in, and writes its welcome.
pub(super) async fn admit(
    broker: &Arc<Broker>,
    out: &mut BytesMut,
    caller: Caller,
    version: Version,
    mut connect: Box<Connect>,
) -> Result<Guest, Reason> {
    let Caller { certificate, peer } = caller;
    let limits = broker.limits();
    if connect.wants_authentication {
        return Err(Reason::BadAuthenticationMethod);
    }
    let asked_id = connect.client_id.clone();
    let granted = grant(broker, &connect, certificate.as_deref(), &asked_id, peer).await?;
    let counted = Counted::new(broker).ok_or(Reason::ServerBusy)?;
    let nameless = connect.client_id.is_empty();
    if connect.client_id.contains('\0') || (version == Version::V4 && nameless && !connect.clean) {
        return Err(Reason::ClientIdentifierNotValid);
    }
    if kept_bytes(&connect) > limits.kept_bytes {
        return Err(Reason::PacketTooLarge);
    }
    let will = will(&granted, connect.will.take())?;
    if granted.is_quarantined {
        // Nothing of it outlives its connection: whoever has no record gets no place on the disk.
        connect.clean = true;
        connect.session_expiry_s = 0;
    }
    if nameless {
        connect.client_id = broker.new_client_id();
    }
    let place = place(broker, &granted.identity, &connect.client_id).await?;
    // A device that was removed between the first look and the place in the roster was not found there to be ended.
    let granted = grant(broker, &connect, certificate.as_deref(), &asked_id, peer).await?;
    let identity = Arc::clone(&granted.identity);
    debug!(%peer, %identity, connect.client_id, ?version, "connected");
    let (session_present, session) = open(broker, granted, version, &connect)?;
    let present = session
        .grant
        .is_device
        .then(|| Present::new(broker, &identity, version));
    let unknown = Unknown::new(broker.bus(), &session.grant, &asked_id, peer);
    let seconds = keep_alive(broker, version, connect.keep_alive);
    let responses = responses(&session, &connect);
    let welcome = Welcome {
        session_present,
        session_expiry_s: (expiry_s(broker, &connect) < connect.session_expiry_s)
            .then(|| expiry_s(broker, &connect)),
        assigned_client_id: nameless.then_some(connect.client_id.as_str()),
        maximum_packet: u32::try_from(limits.packet_bytes + 5).unwrap_or(u32::MAX),
        receive_maximum: limits.receive_maximum,
        topic_alias_maximum: limits.topic_aliases,
        keep_alive: (seconds != connect.keep_alive).then_some(seconds),
        response_information: responses.as_deref(),
    };
    codec::put_welcome(out, version, welcome);
    Ok(Guest {
        session,
        will,
        // Section 3.1.2.10: one and a half times the keep-alive; 0 switches it off.
        silence: ticks(Duration::from_millis(u64::from(seconds) * 1500)),
        _present: present,
        _unknown: unknown,
        place,
        _counted: counted,
    })
}

/// A place among those that are here, if the client may have one more. Dashboards and programs share the service
/// account, which is the owner's own: it may have any number.
async fn place(broker: &Broker, identity: &Arc<str>, client_id: &str) -> Result<Place, Reason> {
    let limits = broker.limits();
    let most = match &**identity {
        Access::SERVICE => usize::MAX,
        _ => limits.connections_each,
    };
    let place = broker
        .roster()
        .take(identity, client_id, most, limits.takeover_within)
        .await;
    place.ok_or(Reason::QuotaExceeded)
}

/// What the directory says of a client, by what it presents; `client_id` is what it called itself.
async fn grant(
    broker: &Broker,
    connect: &Connect,
    certificate: Option<&str>,
    client_id: &str,
    peer: SocketAddr,
) -> Result<Grant, Reason> {
    let login = connect.login.as_ref();
    let presented = Presented {
        login: login.map(|(user, password)| Credentials { user, password }),
        certificate,
        client_id: &connect.client_id,
    };
    let mut admitted = match login {
        Some((user, secret)) if user == Access::ONBOARD => {
            broker.access().admit_unknown(secret, client_id, peer.ip())
        }
        _ => broker.access().admit(presented),
    };
    if matches!(admitted, Err(Refusal::Unchecked)) {
        admitted = Box::pin(broker.access().check(presented, peer.ip())).await;
    }
    admitted.map_err(|refusal| {
        let user = login.map_or("", |(user, _)| user);
        // Debug, not info: whoever hammers the port must not fill the log.
        debug!(%peer, user, %refusal, "connection refused");
        match refusal {
            Refusal::Busy => Reason::ServerBusy,
            _ => Reason::BadUserNameOrPassword,
        }
    })
}

/// What of a CONNECT is kept for as long as the client is here.
fn kept_bytes(connect: &Connect) -> usize {
    let will = connect.will.as_ref();
    let will = will.map_or(0, |will| {
        will.topic.len() + will.body.len() + will.properties.len()
    });
    connect.client_id.len() + will
}

/// A will, if it is one that the client may publish.
fn will(granted: &Grant, will: Option<Will>) -> Result<Option<Box<(LastWill, Duration)>>, Reason> {
    let Some(will) = will else { return Ok(None) };
    let delay = Duration::from_secs(will.delay_s.into());
    let will = Session::accept_will(granted, will)?;
    Ok(Some(Box::new((will, delay))))
}

/// Seconds of silence that the client may keep; one of version 5 can be told to keep fewer.
fn keep_alive(broker: &Broker, version: Version, asked: u16) -> u16 {
    let most = u16::try_from(broker.limits().keep_alive_max.as_secs()).unwrap_or(u16::MAX);
    if version == Version::V5 && most > 0 && (asked == 0 || asked > most) {
        return most;
    }
    asked
}

/// Seconds that the session may outlive the connection.
fn expiry_s(broker: &Broker, connect: &Connect) -> u32 {
    let most = u32::try_from(broker.limits().session_expiry.as_secs()).unwrap_or(u32::MAX);
    connect.session_expiry_s.min(most)
}

/// Where answers to the client's requests may go (MQTT 5 section 4.10): a place that it may subscribe to.
fn responses(session: &Session, connect: &Connect) -> Option<String> {
    if !connect.wants_response_information || connect.client_id.contains(['/', '+', '#']) {
        return None;
    }
    let place = format!("{RESPONSES}/{}", connect.client_id);
    let filter = roost_model::Filter::new(format!("{place}/#")).ok()?;
    session.grant.may_subscribe(&filter).then_some(place)
}

/// The session of before, or a new one, and whether it is the one of before.
fn open(
    broker: &Arc<Broker>,
    granted: Grant,
    version: Version,
    connect: &Connect,
) -> Result<(bool, Session), Reason> {
    let ledger = broker.ledger();
    let name = Name {
        identity: Arc::clone(&granted.identity),
        client_id: Arc::from(connect.client_id.as_str()),
    };
    if connect.clean
        && let Some(will) = ledger.end_of(&name)
    {
        // The session that the will waited with is over.
        broker.publish_will(will);
    }
    let expiry_s = expiry_s(broker, connect);
    if expiry_s == 0 && !ledger.has(&name) {
        let opening = Opening {
            grant: granted,
            version,
            kept: None,
        };
        return Ok((false, Session::new(broker, opening, connect)));
    }
    let (present, found) = ledger.enter(broker.bus(), &name, expiry_s)?;
    let Found {
        key,
        subscription,
        options,
        replay,
    } = found;
    let opening = Opening {
        grant: granted,
        version,
        kept: Some(Kept {
            key,
            subscription,
            replay,
        }),
    };
    let mut session = Session::new(broker, opening, connect);
    for options in options {
        session.resume(options);
    }
    session.withdraw();
    Ok((present, session))
}
