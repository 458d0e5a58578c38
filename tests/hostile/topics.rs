//! Topics, filters and names that are long, deep, foreign or none.

use crate::packets::{self, Hello};
use crate::peer::Peer;
use crate::witness::{FEW, Scene};

#[test]
fn topics_that_are_none_or_not_ones_own_are_refused_by_name() {
    let scene = Scene::set(FEW);
    let deep = ["devices/evil/telemetry", &"/x".repeat(30)].concat();
    let long = format!("devices/evil/telemetry/{}", "x".repeat(1024));
    let cases = [
        ("é/x", 0x87),
        ("devices/well/telemetry/n", 0x87),
        ("devices/well/points/n/set", 0x87),
        ("$SYS/x", 0x87),
        ("devices/evil/telemetry/+", 0x90),
        ("devices/evil/#", 0x90),
        (&deep, 0x90),
        (&long, 0x90),
        ("/", 0x87),
    ];
    for (topic, reason) in cases {
        let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
        peer.send(&packets::publish(5, topic, 0x00, 0, b"1"));
        assert_eq!(peer.farewell(), Some(reason), "QoS 0 to {topic}");
        let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), "x");
        peer.send(&packets::publish(4, topic, 0x02, 1, b"1"));
        assert_eq!(peer.packet(), None, "3.1.1 to {topic}");
    }
    for topic in ["devices/evil/telemetry/\0", "devices/evil/telemetry/\u{d}"] {
        let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
        peer.send(&packets::publish(5, topic, 0x00, 0, b"1"));
        peer.settled();
    }
    scene.end();
}

#[test]
fn filters_that_are_none_or_not_ones_own_are_refused_one_by_one() {
    let scene = Scene::set(FEW);
    let deep = "x/".repeat(40);
    let long = "x".repeat(5_000);
    let filters = [
        "devices/evil/commands/+",
        "#",
        "+/+/commands/+",
        "é/x",
        "devices/evil/commands/a#",
        "",
        "$share//x",
        "$share/g",
        "$share/g/devices/evil/commands/+",
        &deep,
        &long,
    ];
    let mut peer = Peer::enter_as(&scene.program, 5, scene.evil(), "x");
    peer.send(&packets::subscribe(5, 1, &filters, 1));
    let suback = peer.packet_of(0x90);
    let codes = &suback[suback.len() - filters.len()..];
    assert_eq!(
        codes,
        [1, 0x87, 0x87, 0x87, 0x8f, 0x8f, 0x8f, 0x8f, 1, 0x8f, 0x8f]
    );
    assert!(peer.settled());
    scene.end();
}

#[test]
fn names_of_clients_may_hold_anything_but_more_than_a_connect_may() {
    let scene = Scene::set(FEW);
    let long = "n".repeat(4_000);
    for name in ["a/b", "a+b", "#", "é", "../../x", "a b", "$SYS", &long] {
        for version in [4, 5] {
            let mut first = Peer::enter_as(&scene.program, version, scene.evil(), name);
            let mut second = Peer::enter_as(&scene.program, version, scene.evil(), name);
            let expected = (version == 5).then_some(0x8e);
            assert_eq!(first.farewell(), expected, "the second takes over");
            assert!(second.settled(), "{name}");
        }
    }
    let too_long = "n".repeat(65_535);
    for version in [4, 5] {
        let hello = Hello {
            version,
            id: &too_long,
            login: scene.evil(),
            ..Hello::default()
        };
        let mut peer = Peer::dial(&scene.program);
        peer.try_send(&packets::connect(&hello));
        peer.finish();
        assert_eq!(peer.packet(), None);
    }
    scene.end();
}

#[test]
fn a_will_to_a_topic_that_is_not_ones_own_keeps_the_client_out() {
    let scene = Scene::set(FEW);
    for (topic, v4, v5) in [
        ("devices/well/telemetry/n", Some(5), 0x87),
        ("devices/well/points/n/set", Some(5), 0x87),
        ("é/x", Some(5), 0x87),
        ("devices/evil/#", None, 0x90),
        ("", None, 0x90),
    ] {
        for version in [4, 5] {
            let hello = Hello {
                version,
                id: "x",
                login: scene.evil(),
                clean: true,
                will: Some((topic, b"0")),
                ..Hello::default()
            };
            let (_, answer) = Peer::hello(&scene.program, &hello);
            let expected = if version == 4 { v4 } else { Some(v5) };
            assert_eq!(answer.get(3).copied(), expected, "{topic}");
        }
    }
    scene.end();
}

#[test]
fn thousands_of_filters_in_one_packet_are_answered_one_by_one_up_to_the_limit() {
    let scene = Scene::set("max_connections = 100\nmax_subscriptions = 50");
    let names: Vec<String> = (0..5_000).map(|number| format!("f/{number}")).collect();
    let filters: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut peer = Peer::enter_as(&scene.program, 5, scene.service(), "x");
    for round in 1..=3 {
        peer.send(&packets::subscribe(5, round, &filters, 1));
        let suback = peer.packet_of(0x90);
        let codes = &suback[suback.len() - filters.len()..];
        assert!(codes[..50].iter().all(|code| *code == 1) && codes[50..].iter().all(|code| *code == 0x97));
    }
    scene.end();
}

#[test]
fn asking_for_all_that_is_retained_thousands_of_times_brings_it_a_few_times_and_takes_no_memory() {
    let scene = Scene::set("max_connections = 50");
    let mut peer = Peer::enter_as(&scene.program, 4, scene.evil(), "x");
    for number in 0..1_000 {
        let topic = format!("devices/evil/telemetry/p{number}");
        peer.send(&packets::publish(4, &topic, 0x01, 0, b"x"));
    }
    assert!(peer.settled());
    let mut greedy = Peer::enter_as(&scene.program, 5, scene.service(), "greedy");
    let filters = vec!["#"; 20_000];
    for round in 1..=3 {
        // QoS 1, and not one is acknowledged: all of it would have to wait.
        greedy.send(&packets::subscribe(5, round, &filters, 1));
        greedy.packet_of(0x90);
    }
    scene.end();
}
