//! Reading packets, with the codec of rumqttc. The only file that names that crate.

use bytes::{Bytes, BytesMut};
use roost_runtime::QoS;
use rumqttc::mqttbytes as codec_v4;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes as codec_v5;
use rumqttc::v5::mqttbytes::v5;

use super::{CodecError, Connect, Incoming, Publish, RetainHandling, Version, Wanted, Will, malformed};

/// Reads one complete frame.
///
/// # Errors
/// [`CodecError`].
pub fn decode(version: Version, frame: BytesMut) -> Result<Incoming, CodecError> {
    match version {
        Version::V4 => decode_v4(frame),
        Version::V5 => decode_v5(frame),
    }
}

fn decode_v4(mut frame: BytesMut) -> Result<Incoming, CodecError> {
    let packet = v4::Packet::read(&mut frame, usize::MAX).map_err(malformed)?;
    Ok(match packet {
        v4::Packet::Connect(connect) => Incoming::Connect(Box::new(Connect {
            client_id: connect.client_id,
            clean: connect.clean_session,
            keep_alive: connect.keep_alive,
            login: connect.login.map(|login| (login.username, login.password)),
            will: connect.last_will.map(|will| Will {
                topic: will.topic,
                body: Bytes::copy_from_slice(&will.message),
                qos: qos_v4(will.qos),
                retain: will.retain,
            }),
            receive_maximum: None,
            maximum_packet: None,
        })),
        v4::Packet::Publish(publish) => Incoming::Publish(Publish {
            body: Bytes::copy_from_slice(&publish.payload),
            qos: qos_v4(publish.qos),
            retain: publish.retain,
            id: publish.pkid,
            topic: publish.topic,
            has_alias: false,
        }),
        v4::Packet::PubAck(ack) => Incoming::PubAck(ack.pkid),
        v4::Packet::Subscribe(subscribe) => Incoming::Subscribe {
            id: subscribe.pkid,
            filters: subscribe
                .filters
                .into_iter()
                .map(|wanted| Wanted {
                    filter: wanted.path,
                    qos: qos_v4(wanted.qos),
                    retained: RetainHandling::Always,
                })
                .collect(),
            has_identifier: false,
        },
        v4::Packet::Unsubscribe(unsubscribe) => Incoming::Unsubscribe {
            id: unsubscribe.pkid,
            filters: unsubscribe.topics,
        },
        v4::Packet::PingReq => Incoming::Ping,
        v4::Packet::Disconnect => Incoming::Disconnect { with_will: false },
        v4::Packet::PubRec(_) | v4::Packet::PubRel(_) | v4::Packet::PubComp(_) => {
            Incoming::Unexpected("QoS 2")
        }
        _ => Incoming::Unexpected("a packet that only servers send"),
    })
}

fn decode_v5(mut frame: BytesMut) -> Result<Incoming, CodecError> {
    // The codec asks for a reason, which the specification lets a client leave out (section 3.14.2.1).
    if frame[..] == [0xe0, 0] {
        return Ok(Incoming::Disconnect { with_will: false });
    }
    let packet = v5::Packet::read(&mut frame, None).map_err(malformed)?;
    Ok(match packet {
        v5::Packet::Connect(connect, will, login) => connect_v5(connect, will, login)?,
        v5::Packet::Publish(publish) => Incoming::Publish(Publish {
            topic: text(&publish.topic)?,
            body: Bytes::copy_from_slice(&publish.payload),
            qos: qos_v5(publish.qos),
            retain: publish.retain,
            id: publish.pkid,
            has_alias: publish
                .properties
                .is_some_and(|properties| properties.topic_alias.is_some()),
        }),
        v5::Packet::PubAck(ack) => Incoming::PubAck(ack.pkid),
        v5::Packet::Subscribe(subscribe) => Incoming::Subscribe {
            id: subscribe.pkid,
            has_identifier: subscribe
                .properties
                .is_some_and(|properties| properties.id.is_some()),
            filters: subscribe
                .filters
                .into_iter()
                .map(|wanted| Wanted {
                    retained: match wanted.retain_forward_rule {
                        v5::RetainForwardRule::OnEverySubscribe => RetainHandling::Always,
                        v5::RetainForwardRule::OnNewSubscribe => RetainHandling::IfNew,
                        v5::RetainForwardRule::Never => RetainHandling::Never,
                    },
                    qos: qos_v5(wanted.qos),
                    filter: wanted.path,
                })
                .collect(),
        },
        v5::Packet::Unsubscribe(unsubscribe) => Incoming::Unsubscribe {
            id: unsubscribe.pkid,
            filters: unsubscribe.filters,
        },
        v5::Packet::PingReq(_) => Incoming::Ping,
        v5::Packet::Disconnect(disconnect) => Incoming::Disconnect {
            with_will: disconnect.reason_code == v5::DisconnectReasonCode::DisconnectWithWillMessage,
        },
        v5::Packet::PubRec(_) | v5::Packet::PubRel(_) | v5::Packet::PubComp(_) => {
            Incoming::Unexpected("QoS 2")
        }
        _ => Incoming::Unexpected("a packet that only servers send"),
    })
}

fn connect_v5(
    connect: v5::Connect,
    will: Option<v5::LastWill>,
    login: Option<v5::Login>,
) -> Result<Incoming, CodecError> {
    let properties = connect.properties.as_ref();
    let receive_maximum = properties.and_then(|properties| properties.receive_maximum);
    if receive_maximum == Some(0) {
        return Err(malformed("a receive maximum of 0"));
    }
    let will = match will {
        None => None,
        Some(will) => Some(Will {
            topic: text(&will.topic)?,
            body: Bytes::copy_from_slice(&will.message),
            qos: qos_v5(will.qos),
            retain: will.retain,
        }),
    };
    Ok(Incoming::Connect(Box::new(Connect {
        receive_maximum,
        maximum_packet: properties.and_then(|properties| properties.max_packet_size),
        client_id: connect.client_id,
        clean: connect.clean_start,
        keep_alive: connect.keep_alive,
        login: login.map(|login| (login.username, login.password)),
        will,
    })))
}

fn text(bytes: &[u8]) -> Result<String, CodecError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| malformed("a topic that is not UTF-8"))
}

fn qos_v4(qos: codec_v4::QoS) -> QoS {
    match qos {
        codec_v4::QoS::AtMostOnce => QoS::AtMostOnce,
        codec_v4::QoS::AtLeastOnce => QoS::AtLeastOnce,
        codec_v4::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn qos_v5(qos: codec_v5::QoS) -> QoS {
    match qos {
        codec_v5::QoS::AtMostOnce => QoS::AtMostOnce,
        codec_v5::QoS::AtLeastOnce => QoS::AtLeastOnce,
        codec_v5::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}
