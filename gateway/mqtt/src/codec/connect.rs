//! Reading a CONNECT (OASIS MQTT 3.1.1 section 3.1, MQTT 5.0 section 3.1).

use bytes::Bytes;
use roost_runtime::QoS;

use super::bytes::Reader;
use super::properties::{self, each};
use super::{CodecError, Connect, Version, Will, malformed, qos};

const ALLOWED: &[u8] = &[
    properties::SESSION_EXPIRY,
    properties::AUTHENTICATION_METHOD,
    properties::AUTHENTICATION_DATA,
    properties::REQUEST_PROBLEM,
    properties::REQUEST_RESPONSE,
    properties::RECEIVE_MAXIMUM,
    properties::TOPIC_ALIAS_MAXIMUM,
    properties::USER_PROPERTY,
    properties::MAXIMUM_PACKET,
];

fn read_properties(connect: &mut Connect, block: Reader<'_>) -> Result<(), CodecError> {
    each(block, ALLOWED, |id, value, _| {
        match id {
            properties::SESSION_EXPIRY => connect.session_expiry_s = value.int(),
            properties::RECEIVE_MAXIMUM if value.int() == 0 => {
                return Err(malformed("a receive maximum of 0"));
            }
            properties::RECEIVE_MAXIMUM => connect.receive_maximum = Some(value.short()),
            properties::MAXIMUM_PACKET if value.int() == 0 => {
                return Err(malformed("a maximum packet size of 0"));
            }
            properties::MAXIMUM_PACKET => connect.maximum_packet = Some(value.int()),
            properties::TOPIC_ALIAS_MAXIMUM => connect.topic_alias_maximum = value.short(),
            properties::REQUEST_RESPONSE => connect.wants_response_information = value.flag()?,
            properties::REQUEST_PROBLEM => connect.wants_no_words = !value.flag()?,
            properties::AUTHENTICATION_METHOD => connect.wants_authentication = true,
            _ => {}
        }
        Ok(())
    })
}

fn read_will(version: Version, flags: u8, body: &mut Reader<'_>) -> Result<Option<Will>, CodecError> {
    let (has_will, will_qos, retain) = (flags & 0x04 != 0, (flags >> 3) & 3, flags & 0x20 != 0);
    if !has_will {
        return if will_qos == 0 && !retain {
            Ok(None)
        } else {
            Err(malformed("a will's flags without a will"))
        };
    }
    let found = match version {
        Version::V4 => properties::OfMessage::default(),
        Version::V5 => properties::of_will(body.block()?)?,
    };
    Ok(Some(Will {
        topic: body.text()?.to_owned(),
        body: Bytes::copy_from_slice(body.binary()?),
        qos: qos(will_qos)?,
        retain,
        properties: found.passed.into(),
        expiry_s: found.expiry_s,
        delay_s: found.delay_s,
    }))
}

/// Reads what comes after the fixed header.
pub(super) fn read(version: Version, mut body: Reader<'_>) -> Result<Connect, CodecError> {
    // The protocol's name and level, which have told the version.
    body.take(7)?;
    let flags = body.byte()?;
    if flags & 1 != 0 {
        return Err(malformed("a reserved flag in CONNECT"));
    }
    let mut connect = Connect {
        clean: flags & 0x02 != 0,
        keep_alive: body.u16()?,
        ..Connect::default()
    };
    match version {
        Version::V5 => read_properties(&mut connect, body.block()?)?,
        Version::V4 if !connect.clean => connect.session_expiry_s = u32::MAX,
        Version::V4 => {}
    }
    connect.client_id = body.text()?.to_owned();
    connect.will = read_will(version, flags, &mut body)?;
    let user = (flags & 0x80 != 0).then(|| body.text()).transpose()?;
    let password = (flags & 0x40 != 0).then(|| body.binary()).transpose()?;
    if version == Version::V4 && user.is_none() && password.is_some() {
        return Err(malformed("a password without a user name"));
    }
    if user.is_some() || password.is_some() {
        // A password that is no text can be none of ours.
        let password = password.map(String::from_utf8_lossy).unwrap_or_default();
        connect.login = Some((user.unwrap_or_default().to_owned(), password.into_owned()));
    }
    body.end()?;
    if connect
        .will
        .as_ref()
        .is_some_and(|will| will.qos > QoS::ExactlyOnce)
    {
        return Err(malformed("QoS 3"));
    }
    Ok(connect)
}
