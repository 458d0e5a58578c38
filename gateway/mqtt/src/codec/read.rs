//! Reading packets. Nothing of a PUBLISH is copied here: the hot path copies its body once, into the message.

use roost_runtime::QoS;

use super::bytes::Reader;
use super::properties::{self, each};
use super::{
    Ack, AckKind, CodecError, Incoming, Publish, RetainHandling, Version, Wanted, connect, malformed, qos,
};

/// Reads one complete frame.
///
/// # Errors
/// [`CodecError::Malformed`].
pub fn decode(version: Version, frame: &[u8]) -> Result<Incoming<'_>, CodecError> {
    let mut reader = Reader(frame);
    let first = reader.byte()?;
    let body = reader.block()?;
    reader.end()?;
    match first >> 4 {
        1 => connect::read(version, body).map(|connect| Incoming::Connect(Box::new(connect))),
        3 => publish(version, first, body).map(Incoming::Publish),
        4 => ack(version, AckKind::PubAck, body),
        5 => ack(version, AckKind::PubRec, body),
        6 => ack(version, AckKind::PubRel, body),
        7 => ack(version, AckKind::PubComp, body),
        8 => subscribe(version, body),
        10 => unsubscribe(version, body),
        12 => body.end().map(|()| Incoming::Ping),
        14 => disconnect(version, body),
        15 if version == Version::V5 => Ok(Incoming::Unexpected("AUTH")),
        2 | 9 | 11 | 13 => Ok(Incoming::Unexpected("a packet that only servers send")),
        _ => Err(malformed("a packet type that is reserved")),
    }
}

fn publish(version: Version, first: u8, mut body: Reader<'_>) -> Result<Publish<'_>, CodecError> {
    let qos = qos((first >> 1) & 3)?;
    let dup = first & 0x08 != 0;
    if dup && qos == QoS::AtMostOnce {
        return Err(malformed("QoS 0 that was sent before"));
    }
    let topic = body.text()?;
    let id = if qos == QoS::AtMostOnce { 0 } else { body.id()? };
    let found = match version {
        Version::V4 => properties::OfMessage::default(),
        Version::V5 => properties::of_publish(body.block()?)?,
    };
    Ok(Publish {
        topic,
        body: body.rest(),
        qos,
        retain: first & 1 != 0,
        id,
        alias: found.alias,
        expiry_s: found.expiry_s,
        properties: found.passed.into(),
    })
}

const OF_ACK: &[u8] = &[properties::REASON_STRING, properties::USER_PROPERTY];

fn ack(version: Version, kind: AckKind, mut body: Reader<'_>) -> Result<Incoming<'_>, CodecError> {
    let id = body.id()?;
    let mut reason = 0;
    // Version 5 lets reason and properties be left out (section 3.4.2.1).
    if version == Version::V5 && !body.is_empty() {
        reason = body.byte()?;
        if !body.is_empty() {
            each(body.block()?, OF_ACK, |_, _, _| Ok(()))?;
        }
    }
    body.end()?;
    Ok(Incoming::Ack(Ack {
        kind,
        id,
        failed: reason >= 0x80,
    }))
}

fn subscribe(version: Version, mut body: Reader<'_>) -> Result<Incoming<'_>, CodecError> {
    let id = body.id()?;
    let mut identifier = None;
    if version == Version::V5 {
        let allowed = &[properties::SUBSCRIPTION_ID, properties::USER_PROPERTY];
        each(body.block()?, allowed, |id, value, _| {
            if id == properties::SUBSCRIPTION_ID {
                if value.int() == 0 {
                    return Err(malformed("a subscription identifier of 0"));
                }
                identifier = Some(value.int());
            }
            Ok(())
        })?;
    }
    let mut filters = Vec::new();
    while !body.is_empty() {
        let filter = body.text()?;
        filters.push(wanted(version, filter, body.byte()?)?);
    }
    if filters.is_empty() {
        return Err(malformed("a SUBSCRIBE without filters"));
    }
    Ok(Incoming::Subscribe {
        id,
        filters,
        identifier,
    })
}

/// One filter with its options (section 3.8.3.1).
fn wanted(version: Version, filter: &str, options: u8) -> Result<Wanted<'_>, CodecError> {
    let reserved = if version == Version::V4 { 0xfc } else { 0xc0 };
    if options & reserved != 0 {
        return Err(malformed("reserved bits of a subscription"));
    }
    let retained = match (options >> 4) & 3 {
        0 => RetainHandling::Always,
        1 => RetainHandling::IfNew,
        2 => RetainHandling::Never,
        _ => return Err(malformed("a retain handling that is none")),
    };
    Ok(Wanted {
        filter,
        qos: qos(options & 3)?,
        retained,
        no_local: options & 0x04 != 0,
        retain_as_published: options & 0x08 != 0,
    })
}

fn unsubscribe(version: Version, mut body: Reader<'_>) -> Result<Incoming<'_>, CodecError> {
    let id = body.id()?;
    if version == Version::V5 {
        each(body.block()?, &[properties::USER_PROPERTY], |_, _, _| Ok(()))?;
    }
    let mut filters = Vec::new();
    while !body.is_empty() {
        filters.push(body.text()?);
    }
    if filters.is_empty() {
        return Err(malformed("an UNSUBSCRIBE without filters"));
    }
    Ok(Incoming::Unsubscribe { id, filters })
}

fn disconnect(version: Version, mut body: Reader<'_>) -> Result<Incoming<'_>, CodecError> {
    let (mut reason, mut session_expiry_s) = (0, None);
    // Reason and properties may be left out (section 3.14.2.1).
    if version == Version::V5 && !body.is_empty() {
        reason = body.byte()?;
        if !body.is_empty() {
            let allowed = &[
                properties::SESSION_EXPIRY,
                properties::REASON_STRING,
                properties::USER_PROPERTY,
            ];
            each(body.block()?, allowed, |id, value, _| {
                if id == properties::SESSION_EXPIRY {
                    session_expiry_s = Some(value.int());
                }
                Ok(())
            })?;
        }
    }
    body.end()?;
    Ok(Incoming::Disconnect {
        // 0x00 is the only reason that keeps the will back.
        with_will: reason != 0,
        session_expiry_s,
    })
}
