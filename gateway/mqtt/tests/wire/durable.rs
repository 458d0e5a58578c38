//! Sessions that outlive their connections, and the broker.

use roost_mqtt::Limits;

use crate::gateway::Gateway;
use crate::packets::{Entry, V4, V5};

const COMMANDS: &str = "devices/boiler/commands/#";

fn entry<'a>(version: u8, secret: &'a str) -> Entry<'a> {
    Entry {
        version,
        id: "kept",
        login: Some(("boiler", secret)),
        clean: false,
        expiry_s: Some(3600),
        ..Entry::default()
    }
}

fn body(packet: &[u8]) -> String {
    // Each body is four digits.
    String::from_utf8_lossy(&packet[packet.len() - 4..]).into_owned()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{number:04}")).collect()
}

#[tokio::test]
async fn what_waits_for_a_client_that_is_away_comes_in_order_after_a_restart_of_the_broker() {
    for version in [V4, V5] {
        let mut gateway = Gateway::start(Limits::default()).await;
        let secret = gateway.add_device("boiler", true);
        let (mut client, present) = gateway.open(&entry(version, &secret)).await;
        assert!(!present);
        client.subscribe(COMMANDS, 1).await;
        client.goodbye().await;
        gateway
            .publish_numbers("devices/boiler/commands/x", 0..1000)
            .await;
        gateway = gateway.restart().await;
        let (mut client, present) = gateway.open(&entry(version, &secret)).await;
        assert!(present);
        let mut seen = Vec::new();
        for _ in 0..1000 {
            seen.push(String::from_utf8(client.message().await.1).unwrap());
        }
        assert_eq!(seen, numbers(0..1000));
        // The client's acknowledgements have been read when its ping is answered.
        client.ping().await;
        gateway = gateway.restart().await;
        let (mut client, _) = gateway.open(&entry(version, &secret)).await;
        gateway
            .publish_numbers("devices/boiler/commands/x", 1000..1001)
            .await;
        assert_eq!(client.message().await.1, b"1000", "nothing comes twice");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_message_of_qos_2_keeps_its_identifier_over_restarts_until_it_is_finished() {
    let mut gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let (mut client, _) = gateway.open(&entry(V4, &secret)).await;
    client.subscribe(COMMANDS, 2).await;
    gateway.publish_qos_2("devices/boiler/commands/x", b"0000").await;
    let first = client.packet().await;
    assert_eq!(first[0], 0x34);
    let id = client.id_of(&first);
    gateway = gateway.restart().await;
    let (mut client, _) = gateway.open(&entry(V4, &secret)).await;
    let again = client.packet().await;
    assert_eq!((again[0], client.id_of(&again)), (0x3c, id), "as a duplicate");
    assert_eq!(body(&again), "0000");
    client.send(&[0x50, 2, id[0], id[1]]).await;
    assert_eq!(client.packet().await, [0x62, 2, id[0], id[1]]);
    gateway = gateway.restart().await;
    let (mut client, _) = gateway.open(&entry(V4, &secret)).await;
    assert_eq!(
        client.packet().await,
        [0x62, 2, id[0], id[1]],
        "only the end of it is missing"
    );
    client.send(&[0x70, 2, id[0], id[1]]).await;
    client.ping().await;
    gateway = gateway.restart().await;
    let (mut client, _) = gateway.open(&entry(V4, &secret)).await;
    client.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_packet_of_qos_2_is_taken_once_however_often_it_comes() {
    let mut gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/boiler/telemetry/#", 2).await;
    let (mut client, _) = gateway.open(&entry(V4, &secret)).await;
    for round in 0..2 {
        for _ in 0..2 {
            client
                .publish_as("devices/boiler/telemetry/x", b"0000", 2, 7)
                .await;
            assert_eq!(client.packet().await, [0x50, 2, 0, 7]);
        }
        if round == 0 {
            assert_eq!(listener.message().await.1, b"0000");
            gateway = gateway.restart().await;
            listener = gateway.service(V5).await;
            listener.subscribe("devices/boiler/telemetry/#", 2).await;
            client = gateway.open(&entry(V4, &secret)).await.0;
        }
    }
    client.send(&[0x62, 2, 0, 7]).await;
    assert_eq!(client.packet().await, [0x70, 2, 0, 7]);
    client
        .publish_as("devices/boiler/telemetry/x", b"0001", 2, 7)
        .await;
    assert_eq!(client.packet().await, [0x50, 2, 0, 7]);
    assert_eq!(
        listener.message().await.1,
        b"0001",
        "the first came before the restart"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_its_time_or_when_its_client_wants_a_new_one() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let (mut client, _) = gateway.open(&entry(V5, &secret)).await;
    client.subscribe(COMMANDS, 1).await;
    client.goodbye().await;
    let fresh = Entry {
        clean: true,
        expiry_s: Some(0),
        ..entry(V5, &secret)
    };
    let (client, present) = gateway.open(&fresh).await;
    assert!(!present);
    client.goodbye().await;
    let (client, present) = gateway.open(&entry(V5, &secret)).await;
    assert!(!present, "the new one ended with its connection");
    client.goodbye_for(0).await;
    let (_client, present) = gateway.open(&entry(V5, &secret)).await;
    assert!(!present, "its client said so when it left");
    gateway.stop().await;
}

#[tokio::test]
async fn a_will_waits_for_its_client_and_for_no_longer_than_its_session() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let with_will = |delay_s, expiry_s| Entry {
        will: Some(("devices/boiler/telemetry/will", "gone")),
        will_delay_s: Some(delay_s),
        expiry_s: Some(expiry_s),
        ..entry(V5, &secret)
    };
    drop(gateway.open(&with_will(3600, 3600)).await);
    gateway.until(|stats| stats.connected == 1).await;
    let (client, _) = gateway.open(&with_will(3600, 3600)).await;
    assert_eq!(gateway.stats().wills, 0, "it was back in time");
    drop(client);
    gateway.until(|stats| stats.connected == 1).await;
    let fresh = Entry {
        clean: true,
        ..entry(V5, &secret)
    };
    let (client, _) = gateway.open(&fresh).await;
    assert_eq!(listener.message().await.1, b"gone", "its session was over");
    client.goodbye().await;
    drop(gateway.open(&with_will(1, 3600)).await);
    assert_eq!(listener.message().await.1, b"gone", "its time had come");
    drop(gateway.open(&with_will(3600, 1)).await);
    assert_eq!(listener.message().await.1, b"gone", "its session had ended");
    gateway.stop().await;
}

#[tokio::test]
async fn retained_messages_of_clients_are_there_after_a_restart_and_cleared_ones_are_not() {
    let mut gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    for (topic, body) in [("a", "1"), ("b", "1"), ("a", "2"), ("b", "")] {
        let topic = format!("devices/boiler/telemetry/{topic}");
        device.publish_retained(&topic, body.as_bytes()).await;
    }
    device.ping().await;
    gateway = gateway.restart().await;
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let message = listener.message().await;
    assert_eq!(message, ("devices/boiler/telemetry/a".to_owned(), b"2".to_vec()));
    listener.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_that_holds_too_much_loses_its_oldest_and_no_more() {
    let gateway = Gateway::start(Limits {
        session_messages: 10,
        ..Limits::default()
    })
    .await;
    let secret = gateway.add_device("boiler", true);
    let (mut client, _) = gateway.open(&entry(V5, &secret)).await;
    client.subscribe(COMMANDS, 1).await;
    client.goodbye().await;
    gateway.publish_numbers("devices/boiler/commands/x", 0..25).await;
    let (mut client, _) = gateway.open(&entry(V5, &secret)).await;
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(String::from_utf8(client.message().await.1).unwrap());
    }
    assert_eq!(seen, numbers(15..25));
    client.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_will_that_waits_is_published_after_a_restart() {
    let gateway = Gateway::start(Limits::default()).await;
    // What comes while it is away is kept for it, so that it does not matter how fast it returns.
    let listens = Entry {
        id: "listens",
        login: Some(("roost", "token")),
        ..entry(V5, "")
    };
    let (mut listener, _) = gateway.open(&listens).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    listener.goodbye().await;
    let secret = gateway.add_device("boiler", true);
    let entry = Entry {
        will: Some(("devices/boiler/telemetry/gone", "lost")),
        will_delay_s: Some(2),
        ..entry(V5, &secret)
    };
    drop(gateway.open(&entry).await);
    gateway.until(|stats| stats.connected == 0).await;
    let gateway = gateway.restart().await;
    let (mut listener, present) = gateway.open(&listens).await;
    assert!(present);
    assert_eq!(listener.message().await.1, b"lost");
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_may_change_its_filters_so_often_and_one_that_changes_nothing_is_not_written_down() {
    let limits = Limits {
        filter_changes: 10,
        ..Limits::default()
    };
    let gateway = Gateway::start(limits).await;
    let secret = gateway.add_device("boiler", true);
    let (mut client, _) = gateway.open(&entry(V5, &secret)).await;
    for _ in 0..50 {
        assert_eq!(client.subscribe_code(COMMANDS, 1).await, 1);
    }
    let mut codes = Vec::new();
    for change in 0..50 {
        codes.push(client.subscribe_code(COMMANDS, change % 2).await);
    }
    assert!(codes.contains(&0x97), "{codes:?}");
    gateway.publish_numbers("devices/boiler/commands/x", 0..1).await;
    assert_eq!(client.message().await.1, b"0000", "it has the filter still");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_without_a_name_is_given_one_that_was_nobodys_before_a_restart() {
    let mut gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let nameless = Entry {
        id: "",
        ..entry(V5, &secret)
    };
    for _ in 0..2 {
        let (client, present) = gateway.open(&nameless).await;
        assert!(!present, "the session of another one");
        client.goodbye().await;
        gateway = gateway.restart().await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_good_bye_keeps_no_session_for_longer_than_is_allowed_and_none_that_was_to_end() {
    let limits = Limits {
        session_expiry: std::time::Duration::from_secs(1),
        ..Limits::default()
    };
    let gateway = Gateway::start(limits).await;
    let secret = gateway.add_device("boiler", true);
    let (client, _) = gateway.open(&entry(V5, &secret)).await;
    client.goodbye_for(u32::MAX).await;
    let ended = async {
        while gateway.broker().kept().0 > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::gateway::PATIENCE, ended)
        .await
        .expect("the session ends");

    let (client, _) = gateway.open(&entry(V5, &secret)).await;
    drop(client);
    let until_its_end = Entry {
        expiry_s: Some(0),
        ..entry(V5, &secret)
    };
    let (mut client, _) = gateway.open(&until_its_end).await;
    client.send(&[0xe0, 7, 0, 5, 0x11, 0, 0, 0x0e, 0x10]).await;
    assert_eq!(client.disconnect_reason().await, 0x82);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_retained_comes_whole_although_the_connection_ends_in_the_middle_of_it() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let topic = |number: usize| format!("devices/boiler/commands/{number:04}");
    for number in 0..300 {
        let message = roost_runtime::Message::new(roost_model::Topic::new(topic(number)).unwrap(), "x");
        gateway.bus().publish(message.at_least_once().retained());
    }
    let (mut client, _) = gateway.open(&entry(V5, &secret)).await;
    client.subscribe(COMMANDS, 1).await;
    // It is sent as many as may be under way, acknowledges none and is gone.
    let first = client.packet().await;
    assert_eq!(first[0] & 0xf0, 0x30, "a message");
    drop(client);
    gateway.until(|stats| stats.connected == 0).await;
    let (mut client, present) = gateway.open(&entry(V5, &secret)).await;
    assert!(present, "it does not subscribe again");
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 300 {
        seen.insert(client.message().await.0);
    }
    assert_eq!(seen.first(), Some(&topic(0)));
    client.ping().await;
    gateway.stop().await;
}
