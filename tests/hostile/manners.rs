//! Clients that do not keep to the format or the order of packets.

use crate::packets::{self, Hello};
use crate::peer::Peer;
use crate::witness::{FEW, Scene};

#[test]
fn a_packet_that_is_cut_anywhere_ends_its_own_connection_only() {
    let scene = Scene::set(FEW);
    for version in [4, 5] {
        for whole in packets::one_of_each(version, "evil") {
            for cut in 1..whole.len() {
                let mut peer = Peer::enter_as(&scene.program, version, scene.evil(), "cut");
                assert!(peer.try_send(&whole[..cut]));
                peer.finish();
                while peer.packet().is_some() {}
            }
            for cut in 2..whole.len() {
                // Its length says that it ends here: fields go beyond it.
                let mut peer = Peer::enter_as(&scene.program, version, scene.evil(), "short");
                assert!(peer.try_send(&packets::packet(whole[0], &whole[2..cut])));
                peer.settled();
            }
        }
    }
    scene.end();
}

#[test]
fn a_connect_that_is_cut_or_changed_anywhere_ends_its_own_connection_only() {
    let scene = Scene::set(FEW);
    for version in [4, 5] {
        let properties: &[u8] = if version == 5 {
            &[17, 0, 0, 0, 9, 33, 0, 5]
        } else {
            &[]
        };
        let hello = Hello {
            version,
            id: "x",
            login: scene.evil(),
            clean: true,
            will: Some(("devices/evil/telemetry/gone", b"1")),
            properties,
            ..Hello::default()
        };
        let whole = packets::connect(&hello);
        for at in 0..whole.len() {
            let mut peer = Peer::dial(&scene.program);
            peer.send(&whole[..at]);
            peer.finish();
            while peer.packet().is_some() {}
            let mut changed = whole.clone();
            changed[at] ^= 0x81;
            let mut peer = Peer::dial(&scene.program);
            peer.try_send(&changed);
            peer.finish();
            while peer.packet().is_some() {}
        }
    }
    scene.end();
}

#[test]
fn reserved_types_and_flags_end_their_own_connection_only() {
    let scene = Scene::set(FEW);
    for version in [4, 5] {
        for first in 0..=255 {
            let mut peer = Peer::enter_as(&scene.program, version, scene.evil(), "flags");
            assert!(peer.try_send(&[first, 0]));
            let listens = peer.settled();
            assert_eq!(listens, first == 0xc0, "{first:#x}");
        }
    }
    scene.end();
}

#[test]
fn the_reason_for_the_end_is_said_to_a_client_of_version_5() {
    let scene = Scene::set("max_connections = 100\nmax_packet_bytes = 4096");
    let own = "devices/evil/telemetry/x";
    let again = packets::connect(&Hello {
        version: 5,
        id: "x",
        login: scene.evil(),
        ..Hello::default()
    });
    let flood: Vec<u8> = (1..=101)
        .flat_map(|id| packets::publish(5, own, 0x04, id, b"1"))
        .collect();
    let cases = [
        ("a second CONNECT", again, 0x82),
        ("a length of 256 MB", vec![0x30, 0xff, 0xff, 0xff, 0x7f], 0x95),
        (
            "a length of five bytes",
            vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
            0x81,
        ),
        ("QoS 3", packets::publish(5, own, 0x06, 1, b"1"), 0x81),
        (
            "the packet identifier 0",
            packets::publish(5, own, 0x02, 0, b"1"),
            0x81,
        ),
        ("a CONNACK", packets::packet(0x20, &[0, 0]), 0x82),
        ("an AUTH", packets::packet(0xf0, &[]), 0x82),
        (
            "the alias 0",
            packets::publish_with(5, own, 0, 0, &[35, 0, 0], b"1"),
            0x94,
        ),
        (
            "an alias that is too high",
            packets::publish_with(5, own, 0, 0, &[35, 1, 0], b"1"),
            0x94,
        ),
        (
            "an unknown alias",
            packets::publish_with(5, "", 0, 0, &[35, 0, 1], b"1"),
            0x94,
        ),
        ("no topic at all", packets::publish(5, "", 0, 0, b"1"), 0x90),
        ("more of QoS 2 than is taken", flood, 0x93),
        (
            "a property twice",
            packets::publish_with(5, own, 0, 0, &[35, 0, 1, 35, 0, 1], b"1"),
            0x81,
        ),
        ("no filter", packets::packet(0x82, &[0, 1, 0]), 0x81),
    ];
    for (what, bytes, reason) in cases {
        let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
        assert!(peer.try_send(&bytes), "{what}");
        assert_eq!(peer.farewell(), Some(reason), "{what}");
    }
    scene.end();
}

#[test]
fn an_alias_may_be_given_to_another_topic_at_any_time() {
    let scene = Scene::set(FEW);
    let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
    for round in 0..2_000_u32 {
        let topic = format!("devices/evil/telemetry/p{}", round % 7);
        peer.send(&packets::publish_with(
            5,
            &topic,
            0,
            0,
            &[35, 0, 1],
            round.to_string().as_bytes(),
        ));
        peer.send(&packets::publish_with(5, "", 0, 0, &[35, 0, 1], b"-1"));
    }
    let mut listener = Peer::enter_as(&scene.program, 5, scene.service(), "aliases");
    listener.send(&packets::subscribe(5, 1, &["devices/evil/telemetry/#"], 0));
    listener.packet_of(0x90);
    assert!(peer.settled());
    peer.send(&packets::publish_with(
        5,
        "devices/evil/telemetry/q",
        0,
        0,
        &[35, 0, 1],
        b"named",
    ));
    peer.send(&packets::publish_with(5, "", 0, 0, &[35, 0, 1], b"by number"));
    let by_number = loop {
        let packet = listener.packet_of(0x30);
        if packet.ends_with(b"by number") {
            break packet;
        }
    };
    let topic = &by_number[4..4 + usize::from(by_number[3])];
    assert_eq!(topic, b"devices/evil/telemetry/q");
    scene.end();
}

#[test]
fn a_packet_identifier_that_is_used_again_is_one_message_and_one_that_is_unknown_none() {
    let scene = Scene::set(FEW);
    let own = "devices/evil/telemetry/x";
    let mut listener = Peer::enter_as(&scene.program, 4, scene.service(), "ids");
    listener.send(&packets::subscribe(4, 1, &[own], 0));
    listener.packet_of(0x90);
    let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
    for body in [b"1", b"2", b"3"] {
        // Only the first of them is a message: the others are the same one sent again.
        peer.send(&packets::publish(5, own, 0x04, 7, body));
        assert_eq!(peer.packet_of(0x50)[2..4], [0, 7]);
    }
    peer.send(&packets::ack(0x62, 7));
    assert_eq!(peer.packet_of(0x70), packets::ack(0x70, 7));
    peer.send(&packets::ack(0x62, 7));
    assert_eq!(peer.packet_of(0x70)[2..5], [0, 7, 0x92]);
    peer.send(&packets::ack(0x50, 9));
    assert_eq!(peer.packet_of(0x62)[2..5], [0, 9, 0x92]);
    for body in [b"4", b"5"] {
        peer.send(&packets::publish(5, own, 0x02, 7, body));
        peer.packet_of(0x40);
    }
    let heard: Vec<u8> = (0..3)
        .map(|_| *listener.packet_of(0x30).last().unwrap())
        .collect();
    assert_eq!(heard, b"145");
    scene.end();
}

#[test]
fn a_client_that_is_silent_for_longer_than_it_said_is_hung_up_on() {
    let scene = Scene::set(FEW);
    let hello = Hello {
        version: 5,
        id: "quiet",
        login: scene.evil(),
        clean: true,
        keep_alive: 1,
        ..Hello::default()
    };
    let mut quiet = Peer::enter(&scene.program, &hello);
    let mut mumbling = Peer::enter(
        &scene.program,
        &Hello {
            id: "mumbling",
            ..hello
        },
    );
    // Half a packet is no sign of life.
    mumbling.send(&[0x30, 100]);
    assert_eq!(quiet.farewell(), Some(0x8d));
    assert_eq!(mumbling.farewell(), Some(0x8d));
    scene.end();
}
