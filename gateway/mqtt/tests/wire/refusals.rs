//! Who and what is refused, with which code, and that nobody else notices.

use std::time::Duration;

use roost_mqtt::Limits;

use crate::gateway::Gateway;
use crate::packets::{Entry, V4, V5, connect_as, framed, put_text};

const REFUSED_V4: [u8; 4] = [0x20, 2, 0, 4];
const REFUSED_V5: [u8; 5] = [0x20, 3, 0, 0x86, 0];

#[tokio::test]
async fn wrong_passwords_unknown_names_and_empty_hands_get_the_same_refusal() {
    let gateway = Gateway::start(Limits::default()).await;
    let wrong = [
        Some(("boiler", "wrong")),
        Some(("nobody", "wrong")),
        Some(("boiler", "")),
        None,
    ];
    for login in wrong {
        assert_eq!(gateway.knock(V4, "c", login).await, REFUSED_V4, "{login:?}");
        assert_eq!(gateway.knock(V5, "c", login).await, REFUSED_V5, "{login:?}");
    }
    assert_eq!(gateway.stats().refused, 8);
    gateway.stop().await;
}

#[tokio::test]
async fn a_disabled_device_is_refused_although_its_secret_is_right() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", false);
    assert_eq!(
        gateway.knock(V5, "c", Some(("boiler", &secret))).await,
        REFUSED_V5
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_foreign_topic_is_refused_with_the_code_of_the_version_and_nobody_else_notices() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut neighbour = gateway.device(V5, "lamp").await;
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/#", 1).await;

    let mut five = gateway.device(V5, "boiler").await;
    five.publish("devices/lamp/telemetry/x", b"forged", 1).await;
    assert_eq!(five.puback().await, 0x87, "version 5 has a word for it");
    five.publish("devices/lamp/telemetry/x", b"forged", 0).await;
    assert_eq!(five.disconnect_reason().await, 0x87);

    let mut four = gateway.device(V4, "boiler").await;
    four.publish("devices/lamp/telemetry/x", b"forged", 1).await;
    four.closed().await;

    neighbour.publish("devices/lamp/telemetry/x", b"mine", 1).await;
    assert_eq!(neighbour.puback().await, 0);
    assert_eq!(listener.message_at("devices/lamp/telemetry/x").await, b"mine");
    gateway.stop().await;
}

#[tokio::test]
async fn a_device_may_subscribe_to_its_own_topics_only() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    assert_eq!(device.subscribe_code("devices/boiler/commands/#", 1).await, 1);
    for foreign in [
        "#",
        "devices/#",
        "devices/+/commands/#",
        "devices/lamp/commands/#",
        "$SYS/#",
    ] {
        assert_eq!(device.subscribe_code(foreign, 1).await, 0x87, "{foreign}");
    }
    assert_eq!(device.subscribe_code("devices/boiler/#/x", 0).await, 0x8f);
    assert_eq!(
        device
            .subscribe_code("$share/g/devices/boiler/commands/#", 0)
            .await,
        0,
        "a group may share what its members may have"
    );
    assert_eq!(device.subscribe_code("$share/g/devices/#", 0).await, 0x87);
    assert_eq!(device.subscribe_code("$share/devices", 0).await, 0x8f);
    let mut old = gateway.device(V4, "lamp").await;
    assert_eq!(old.subscribe_code("devices/#", 0).await, 0x80);
    gateway.stop().await;
}

#[tokio::test]
async fn an_oversized_packet_ends_its_sender_before_it_is_read() {
    let gateway = Gateway::start(Limits {
        packet_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let mut neighbour = gateway.device(V4, "lamp").await;
    let mut device = gateway.device(V5, "boiler").await;
    // The header promises 10 MB; a single byte of it is enough for the answer.
    device.send(&[0x30, 0x80, 0xad, 0xe2, 0x04, 0]).await;
    assert_eq!(device.disconnect_reason().await, 0x95);
    device.closed().await;
    neighbour.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn garbage_ends_its_sender_with_malformed_packet_and_nobody_else() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut neighbour = gateway.device(V4, "lamp").await;
    for garbage in [
        &[0x00, 0x00][..],
        &[0xff; 64],
        &[0x82, 0x00],
        &[0x36, 0x02, 0, 0],
        &[0x32, 3, 0, 9, b'x'],
    ] {
        let mut device = gateway.device(V5, "boiler").await;
        device.send(garbage).await;
        assert_eq!(device.disconnect_reason().await, 0x81, "{garbage:x?}");
        device.closed().await;
        let mut stranger = gateway.connect().await;
        stranger.send(garbage).await;
        stranger.closed().await;
    }
    neighbour.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn http_on_the_mqtt_port_is_hung_up_on() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut browser = gateway.connect().await;
    browser.send(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n").await;
    browser.closed().await;
    gateway.stop().await;
}

#[tokio::test]
async fn other_protocol_versions_are_told_so() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut old = gateway.connect().await;
    old.send(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a").await;
    assert_eq!(old.exactly(4).await, [0x20, 2, 0, 1]);
    old.closed().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_hung_up_on_in_time() {
    let gateway = Gateway::start(Limits {
        connect_within: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let mut silent = gateway.connect().await;
    silent.closed().await;
    let mut half = gateway.connect().await;
    half.send(&[0x10, 0x20, 0, 4]).await;
    half.closed().await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_client_too_many_is_told_that_the_server_is_busy() {
    let gateway = Gateway::start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let first = gateway.device(V4, "boiler").await;
    let secret = gateway.add_device("lamp", true);
    assert_eq!(
        gateway.knock(V4, "c", Some(("lamp", &secret))).await,
        [0x20, 2, 0, 3]
    );
    assert_eq!(
        gateway.knock(V5, "c", Some(("lamp", &secret))).await,
        [0x20, 3, 0, 0x89, 0]
    );
    first.goodbye().await;
    gateway.until(|stats| stats.connected == 0).await;
    assert_eq!(
        gateway.knock(V4, "c", Some(("lamp", &secret))).await,
        [0x20, 2, 0, 0]
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_will_on_a_foreign_topic_is_refused_at_the_door() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let answer = gateway
        .knock_with_will(V5, "boiler", &secret, "devices/lamp/telemetry/x")
        .await;
    assert_eq!(answer, [0x20, 3, 0, 0x87, 0]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_connect_larger_than_strangers_may_send_is_hung_up_on() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut stranger = gateway.connect().await;
    stranger.send(&[0x10, 0xff, 0xff, 0x07, 0, 4, b'M']).await;
    stranger.closed().await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_never_subscribed_is_unsubscribed_with_an_answer() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    assert_eq!(device.subscribe_code("devices/boiler/commands/#", 2).await, 2);
    assert_eq!(device.unsubscribe_code("devices/boiler/other").await, 0x11);
    assert_eq!(device.unsubscribe_code("devices/boiler/commands/#").await, 0);
    gateway.stop().await;
}

#[tokio::test]
async fn removing_a_device_ends_its_connections() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    assert_eq!(gateway.evict("boiler"), 1);
    assert_eq!(device.disconnect_reason().await, 0x98);
    gateway.stop().await;
}

#[tokio::test]
async fn packets_that_are_never_finished_end_those_who_hold_too_much_and_nobody_else() {
    let gateway = Gateway::start(Limits {
        buffer_bytes: 100_000,
        ..Limits::default()
    })
    .await;
    let mut small = gateway.device(V5, "lamp").await;
    // A length of 200,000 bytes, of which 60,000 come: the first may, the second is over all that there is.
    let mut half = vec![0x30, 0xc0, 0x9a, 0x0c];
    half.resize(60_000, b'x');
    let mut first = gateway.device(V5, "boiler").await;
    first.send(&half).await;
    gateway.until_buffered(60_000).await;
    let mut second = gateway.device(V5, "pump").await;
    second.send(&half).await;
    assert_eq!(second.disconnect_reason().await, 0x97);
    small.publish("devices/lamp/telemetry/x", &[b'x'; 3_000], 1).await;
    assert_eq!(small.puback().await, 0x10);
    gateway.until_buffered(60_000).await;
    drop(first);
    gateway.until_buffered(0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn aliases_of_all_end_at_their_budget_and_each_client_has_its_share_of_it() {
    let gateway = Gateway::start(Limits {
        alias_bytes: 10_000,
        connections: 4,
        ..Limits::default()
    })
    .await;
    let name = |client: &str, alias: u8| {
        let mut body = Vec::new();
        put_text(
            &mut body,
            format!("devices/{client}/telemetry/{alias}{}", "x".repeat(800)).as_bytes(),
        );
        body.extend_from_slice(&[3, 0x23, 0, alias]);
        framed(0x30, &body)
    };
    let mut greedy = gateway.device(V5, "boiler").await;
    for alias in 1..=10 {
        greedy.send(&name("boiler", alias)).await;
    }
    greedy.ping().await;
    // What is over its own share of 2,500 bytes may not grow while nothing is left; two such names are within it.
    let mut modest = gateway.device(V5, "lamp").await;
    for alias in 1..=2 {
        modest.send(&name("lamp", alias)).await;
    }
    modest.ping().await;
    greedy.send(&name("boiler", 11)).await;
    assert_eq!(greedy.disconnect_reason().await, 0x97);
    gateway.until(|stats| stats.connected == 1).await;
    for alias in 3..=8 {
        modest.send(&name("lamp", alias)).await;
    }
    modest.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_identifier_and_a_will_that_are_too_much_to_be_kept_keep_the_client_out() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let (topic, long) = ("devices/boiler/telemetry/x", "x".repeat(4_000));
    for (will, refused) in [("gone", false), (long.as_str(), true)] {
        for version in [V4, V5] {
            let mut client = gateway.connect().await;
            let entry = Entry {
                version,
                id: &"n".repeat(100),
                login: Some(("boiler", &secret)),
                will: Some((topic, will)),
                clean: true,
                ..Entry::default()
            };
            client.send(&connect_as(&entry)).await;
            match (refused, version) {
                (true, V4) => client.closed().await,
                (true, _) => assert_eq!(client.packet().await, [0x20, 3, 0, 0x95, 0]),
                (false, _) => assert_eq!(client.packet().await[3], 0),
            }
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_of_3_1_1_that_never_releases_what_it_sends_by_qos_2_is_hung_up_on() {
    let limits = Limits {
        receive_maximum_v4: 3,
        ..Limits::default()
    };
    let gateway = Gateway::start(limits).await;
    let mut device = gateway.device(V4, "boiler").await;
    for id in 1..=3 {
        device.publish_as("devices/boiler/telemetry/x", b"1", 2, id).await;
        assert_eq!(device.packet().await[0], 0x50);
    }
    device.publish_as("devices/boiler/telemetry/x", b"1", 2, 4).await;
    device.closed().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_device_has_so_many_connections_and_the_service_account_as_many_as_it_likes() {
    let limits = Limits {
        connections_each: 2,
        ..Limits::default()
    };
    let gateway = Gateway::start(limits).await;
    let secret = gateway.add_device("boiler", true);
    let login = Some(("boiler", secret.as_str()));
    let mut first = gateway.enter(V5, "first", "boiler", &secret, None, 60).await;
    let _second = gateway.enter(V5, "second", "boiler", &secret, None, 60).await;
    assert_eq!(gateway.knock(V5, "third", login).await[3], 0x97);
    assert_eq!(gateway.knock(V4, "third", login).await[3], 3);
    let mut again = gateway.enter(V5, "first", "boiler", &secret, None, 60).await;
    assert_eq!(first.disconnect_reason().await, 0x8e, "it takes its own place");
    again.ping().await;
    again.goodbye().await;
    gateway.until(|stats| stats.connected == 1).await;
    let _third = gateway.enter(V5, "third", "boiler", &secret, None, 60).await;
    let _services = [gateway.service(V5).await, gateway.service(V4).await];
    for id in ["a", "b", "c"] {
        assert_eq!(gateway.knock(V5, id, Some(("roost", "token"))).await[3], 0);
    }
    gateway.stop().await;
}
