//! rumqttc, the Rust client, in both versions: plain, inside TLS, by WebSocket, with sessions that are resumed.

use std::collections::VecDeque;

use roost_tests::{Door, PATIENCE, Program, Settings, Transport};

const ALL: &str = "devices/rumqtt/points/+/set";
const TOPIC: &str = "devices/rumqtt/points/x/set";

fn transport(door: &Door) -> rumqttc::Transport {
    match (&door.authority, door.transport) {
        (Some(authority), _) => rumqttc::Transport::tls(std::fs::read(authority).unwrap(), None, None),
        (None, Transport::WebSocket) => rumqttc::Transport::ws(),
        (None, _) => rumqttc::Transport::tcp(),
    }
}

/// What it connects to: an address, or for WebSocket a URL.
fn host(door: &Door) -> String {
    match door.transport {
        Transport::WebSocket => format!("ws://{}/mqtt", door.at),
        _ => door.at.ip().to_string(),
    }
}

/// The two versions are two sets of types with the same names: what is done with them is written once.
macro_rules! version {
    ($version:ident, $keep:expr, $($path:tt)+) => {
        mod $version {
            use super::*;
            use $($path)+;

            /// A client, and what it has heard.
            struct Peer {
                client: Client,
                connection: Connection,
                heard: VecDeque<(String, u8)>,
            }

            impl Peer {
                /// Connects; also whether its session was there.
                fn open(door: &Door, id: &str, keep: bool) -> (Self, bool) {
                    let mut options = MqttOptions::new(id, host(door), door.at.port());
                    options.set_credentials(&door.user, &door.password);
                    options.set_transport(transport(door));
                    let set_keep: fn(&mut MqttOptions, bool) = $keep;
                    set_keep(&mut options, keep);
                    let (client, connection) = Client::new(options, 100);
                    let heard = VecDeque::new();
                    let mut peer = Self { client, connection, heard };
                    let present = peer.until(|packet| match packet {
                        Packet::ConnAck(welcome) => Some(welcome.session_present),
                        _ => None,
                    });
                    (peer, present)
                }

                fn event(&mut self) -> Event {
                    let event = self.connection.recv_timeout(PATIENCE).expect("an event in time");
                    let event = event.expect("a connection that holds");
                    if let Event::Incoming(Packet::Publish(message)) = &event {
                        let body = String::from_utf8(message.payload.to_vec()).unwrap();
                        self.heard.push_back((body, message.qos as u8));
                    }
                    event
                }

                fn until<T>(&mut self, mut wanted: impl FnMut(Packet) -> Option<T>) -> T {
                    loop {
                        if let Event::Incoming(packet) = self.event()
                            && let Some(found) = wanted(packet)
                        {
                            return found;
                        }
                    }
                }

                fn subscribe(&mut self) {
                    self.client.subscribe(ALL, QoS::ExactlyOnce).unwrap();
                    self.until(|packet| matches!(packet, Packet::SubAck(_)).then_some(()));
                }

                fn publish(&mut self, body: &str, qos: QoS) {
                    self.client.publish(TOPIC, qos, false, body.to_owned()).unwrap();
                    match qos {
                        QoS::AtMostOnce => {}
                        QoS::AtLeastOnce => {
                            self.until(|packet| matches!(packet, Packet::PubAck(_)).then_some(()));
                        }
                        QoS::ExactlyOnce => {
                            self.until(|packet| matches!(packet, Packet::PubComp(_)).then_some(()));
                        }
                    }
                }

                fn message(&mut self) -> (String, u8) {
                    while self.heard.is_empty() {
                        self.event();
                    }
                    self.heard.pop_front().unwrap()
                }

                fn leave(mut self) {
                    self.client.disconnect().unwrap();
                    while !matches!(self.event(), Event::Outgoing(rumqttc::Outgoing::Disconnect)) {}
                }
            }

            const EVERY_QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

            #[test]
            fn every_qos_goes_and_comes_plain_inside_tls_and_by_websocket() {
                let program = Door::all();
                for transport in Transport::ALL {
                    let (mut peer, _) = Peer::open(&Door::of(&program, transport), "peer", false);
                    peer.subscribe();
                    for qos in EVERY_QOS {
                        let body = format!("{}{}", "x".repeat(5000), qos as u8);
                        peer.publish(&body, qos);
                        assert_eq!(peer.message(), (body, qos as u8));
                    }
                    peer.leave();
                }
            }

            #[test]
            fn a_session_goes_on_after_the_gateway_was_killed() {
                let mut program = Program::start(Settings::default());
                let door = Door::of(&program, Transport::Tcp);
                let (mut keeper, present) = Peer::open(&door, "kept", true);
                assert!(!present);
                keeper.subscribe();
                keeper.leave();
                let (mut sender, _) = Peer::open(&door, "sender", false);
                for number in 0..50 {
                    sender.publish(&number.to_string(), EVERY_QOS[1 + number % 2]);
                }
                sender.leave();
                program.kill();
                program.boot();
                let (mut keeper, present) = Peer::open(&door, "kept", true);
                assert!(present);
                for number in 0..50 {
                    assert_eq!(keeper.message(), (number.to_string(), 1 + u8::try_from(number % 2).unwrap()));
                }
                keeper.leave();
            }
        }
    };
}

version!(
    v3,
    |options, keep| {
        options.set_clean_session(!keep);
    },
    rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS}
);
version!(
    v5,
    |options, keep| {
        options
            .set_clean_start(!keep)
            .set_session_expiry_interval(keep.then_some(3600));
    },
    rumqttc::v5::{
        Client, Connection, Event, MqttOptions,
        mqttbytes::{QoS, v5::Packet}
    }
);
