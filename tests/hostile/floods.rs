//! Clients that send or leave behind more than there is room for, or that never read.

use roost_tests::wait_for;

use crate::packets;
use crate::peer::Peer;
use crate::witness::{FEW, Scene};

const OWN: &str = "devices/evil/telemetry/x";
/// Where the bystander speaks.
const TELEMETRY: &str = "devices/well/telemetry/#";

#[test]
fn a_subscriber_of_qos_0_that_never_reads_loses_messages_that_are_counted() {
    let scene = Scene::set("max_connections = 50\nqueue_messages = 100");
    let mut deaf = Peer::enter_as(&scene.program, 5, scene.service(), "deaf");
    deaf.send(&packets::subscribe(5, 1, &["devices/evil/#"], 0));
    deaf.packet_of(0x90);
    let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), "x");
    let body = vec![b'x'; 20_000];
    for _ in 0..1_000 {
        peer.send(&packets::publish(4, OWN, 0x00, 0, &body));
    }
    assert!(peer.settled());
    assert!(scene.program.api().metric("roost_bus_dropped_total") > 0);
    assert!(deaf.settled(), "it may read on whenever it likes");
    scene.end();
}

#[test]
fn a_subscriber_of_qos_1_that_never_reads_is_told_why_it_is_hung_up_on() {
    let scene = Scene::set("max_connections = 50\nqueue_messages = 100");
    let mut deaf = Peer::enter_as(&scene.program, 5, scene.service(), "deaf");
    deaf.send(&packets::subscribe(5, 1, &["devices/evil/#"], 1));
    deaf.packet_of(0x90);
    let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), "x");
    for id in 1..=400 {
        peer.send(&packets::publish(4, OWN, 0x02, id, b"1"));
        peer.packet_of(0x40);
    }
    assert_eq!(deaf.farewell(), Some(0x97));
    scene.end();
}

#[test]
fn answers_that_nobody_reads_stop_the_reading_and_nothing_else() {
    let scene = Scene::set("max_connections = 50");
    let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
    // Each asks for an answer. What the sockets hold is taken; then the gateway reads no more.
    let burst: Vec<u8> = (1..=2_000).flat_map(|id| packets::ack(0x62, id)).collect();
    peer.stop_when_full();
    while peer.try_send(&burst) {}
    scene.end();
}

#[test]
fn acknowledgements_of_nothing_are_nothing() {
    let scene = Scene::set(FEW);
    for version in [4, 5] {
        let mut peer = Peer::enter_as(&scene.program, version, scene.evil(), "x");
        for first in [0x40, 0x70] {
            let burst: Vec<u8> = (1..=10_000).flat_map(|id| packets::ack(first, id)).collect();
            for _ in 0..10 {
                peer.send(&burst);
            }
        }
        assert!(peer.settled());
    }
    scene.end();
}

#[test]
fn a_flood_of_retained_messages_ends_at_its_limit_and_the_gateways_own_words_are_kept() {
    let scene = Scene::set("max_connections = 50");
    let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), "x");
    let body = vec![b'x'; 250_000];
    for number in 0..300 {
        let topic = format!("devices/evil/telemetry/p{number}");
        peer.send(&packets::publish(4, &topic, 0x03, 1, &body));
        peer.packet_of(0x40);
    }
    assert!(scene.program.api().metric("roost_bus_retain_refused_total") > 0);
    let late = scene.program.add_device("late");
    let _late = Peer::enter_as(&scene.program, 4, ("late", &late), "late");
    let mut reader = Peer::enter_as(&scene.program, 4, scene.service(), "reader");
    reader.send(&packets::subscribe(4, 1, &["devices/late/status"], 1));
    let status = reader.packet_of(0x33);
    assert!(String::from_utf8_lossy(&status).contains("\"connected\":true"));
    scene.end();
}

#[test]
fn sessions_of_one_client_end_at_its_limit_and_others_still_get_theirs() {
    let scene = Scene::set(FEW);
    let hour = [17, 0, 0, 14, 16];
    let (mut taken, mut refused) = (0, 0);
    for number in 0..10_000 {
        let name = format!("s{number}");
        let hello = crate::packets::Hello {
            version: 5,
            id: &name,
            login: scene.evil(),
            properties: &hour,
            ..Default::default()
        };
        match Peer::hello(&scene.program, &hello).1.get(3) {
            Some(0) => taken += 1,
            Some(0x97) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    let most = roost_mqtt::Limits::default().sessions_each;
    assert_eq!((taken, refused), (most, 10_000 - most));
    let late = scene.program.add_device("late");
    for (version, id) in [(4, "one"), (5, "two")] {
        let hello = crate::packets::Hello {
            version,
            id,
            login: ("late", &late),
            properties: &hour,
            ..Default::default()
        };
        Peer::enter(&scene.program, &hello);
    }
    wait_for("the connections to end", || {
        (scene.program.api().metric("roost_mqtt_connected") == 2).then_some(())
    });
    scene.end();
}

#[test]
fn ten_thousand_sessions_that_are_begun_filled_and_ended_leave_room_for_the_next() {
    let scene = Scene::set(FEW);
    let client = serde_json::json!({ "id": "churn", "subscribes": [TELEMETRY] });
    let answer = scene.program.api().post("/api/v1/clients", &client);
    let secret = answer.body["secret"].as_str().unwrap().to_owned();
    for number in 0..10_000 {
        // Each begins where another one ends; meanwhile it takes what the bystander says.
        let name = format!("s{}", number % 50);
        let hello = crate::packets::Hello {
            version: 5,
            id: &name,
            login: ("churn", &secret),
            clean: true,
            properties: &[17, 0, 0, 14, 16],
            ..Default::default()
        };
        let mut peer = Peer::enter(&scene.program, &hello);
        peer.send(&packets::subscribe(5, 1, &[TELEMETRY], 1));
        assert_eq!(peer.packet_of(0x90).last(), Some(&1), "granted");
    }
    scene.end();
}

#[test]
fn packets_that_are_never_finished_take_what_there_is_for_them_and_no_more() {
    // All of one device, which would be let in a hundred times by default.
    let scene = Scene::set("max_connections = 1000\nmax_connections_per_client = 1000");
    let mut peers = Vec::new();
    for number in 0..600 {
        let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), &format!("half{number}"));
        let whole = packets::publish(4, OWN, 0x00, 0, &vec![b'x'; 200_000]);
        peer.try_send(&whole[..whole.len() - 1]);
        peers.push(peer);
    }
    let ended = || scene.program.api().metric("roost_mqtt_violations_total");
    wait_for("those who hold too much to be ended", || {
        (ended() > 0).then_some(())
    });
    scene.end();
}
