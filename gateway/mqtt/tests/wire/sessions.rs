//! Publishing, subscribing, wills, take-over, retained messages, slow readers.

use roost_mqtt::Limits;
use roost_runtime::{Message, QoS};

use crate::client::Client;
use crate::gateway::Gateway;
use crate::packets::{V4, V5};

#[tokio::test]
async fn both_versions_publish_and_subscribe_on_one_port() {
    let gateway = Gateway::start(Limits::default()).await;
    for version in [V4, V5] {
        let mut listener = gateway.service(version).await;
        listener.subscribe("devices/+/telemetry/#", 1).await;
        let mut device = gateway.device(version, "boiler").await;
        device
            .publish("devices/boiler/telemetry/temperature", b"21.5", 1)
            .await;
        assert_eq!(device.puback().await, 0);
        let (topic, body) = listener.message().await;
        assert_eq!(
            (topic.as_str(), body.as_slice()),
            ("devices/boiler/telemetry/temperature", &b"21.5"[..])
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_client_takes_over_and_the_old_will_comes_before_anything_of_the_new_one() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let secret = gateway.add_device("boiler", true);
    let will = Some(("devices/boiler/telemetry/will", "gone"));
    let mut old = gateway.enter(V5, "same", "boiler", &secret, will, 60).await;
    let mut new = gateway.enter(V5, "same", "boiler", &secret, None, 60).await;
    assert_eq!(old.disconnect_reason().await, 0x8e);
    new.publish("devices/boiler/telemetry/x", b"new", 0).await;
    assert_eq!(listener.message().await.1, b"gone");
    assert_eq!(listener.message().await.1, b"new");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_counts_although_its_client_is_back_before_it_was_read() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let secret = gateway.add_device("boiler", true);
    let will = Some(("devices/boiler/telemetry/will", "lost"));
    let mut client = gateway.enter(V5, "same", "boiler", &secret, will, 60).await;
    // Which of the two is read first is for the threads to decide, so they are asked often.
    for _ in 0..300 {
        client.send(&[0xe0, 0]).await;
        client = gateway.enter(V5, "same", "boiler", &secret, will, 60).await;
    }
    client.publish("devices/boiler/telemetry/x", b"polite", 0).await;
    assert_eq!(listener.message().await.1, b"polite");
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_takes_over_a_session_of_another_identity() {
    let gateway = Gateway::start(Limits::default()).await;
    let (boiler, lamp) = (
        gateway.add_device("boiler", true),
        gateway.add_device("lamp", true),
    );
    let mut victim = gateway.enter(V5, "same/id", "boiler", &boiler, None, 60).await;
    let mut other = gateway.enter(V5, "same/id", "lamp", &lamp, None, 60).await;
    victim.ping().await;
    other.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_will_is_published_after_a_loss_and_not_after_a_goodbye() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V4).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let secret = gateway.add_device("boiler", true);
    let will = Some(("devices/boiler/telemetry/will", "lost"));
    for version in [V4, V5] {
        gateway
            .enter(version, "c", "boiler", &secret, will, 60)
            .await
            .goodbye()
            .await;
        drop(gateway.enter(version, "c", "boiler", &secret, will, 60).await);
        assert_eq!(listener.message().await.1, b"lost");
    }
    gateway.until(|stats| stats.connected == 1).await;
    assert_eq!(gateway.stats().wills, 2);
    gateway.stop().await;
}

#[tokio::test]
async fn silence_beyond_the_keep_alive_ends_a_client_and_zero_switches_that_off() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    let mut for_ever = gateway.enter(V5, "a", "boiler", &secret, None, 0).await;
    let mut short = gateway.enter(V5, "b", "boiler", &secret, None, 1).await;
    assert_eq!(short.disconnect_reason().await, 0x8d);
    for_ever.ping().await;
    gateway.stop().await;
}

#[tokio::test]
async fn retained_messages_reach_a_subscriber_in_any_number_whatever_its_queue_holds() {
    let gateway = Gateway::start(Limits {
        queue_messages: 10,
        in_flight: 5,
        ..Limits::default()
    })
    .await;
    for index in 0..3000 {
        let topic = roost_model::Topic::new(format!("devices/d{index}/points/t")).unwrap();
        gateway
            .bus()
            .publish(Message::new(topic, index.to_string()).at_least_once().retained());
    }
    let mut listener = gateway.service(V4).await;
    listener.subscribe("devices/+/points/#", 1).await;
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 3000 {
        seen.insert(listener.message().await.0);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn retained_megabytes_of_qos_0_arrive_without_a_word_from_the_subscriber() {
    let gateway = Gateway::start(Limits::default()).await;
    for index in 0..2000 {
        let topic = roost_model::Topic::new(format!("devices/d{index}/points/t")).unwrap();
        gateway
            .bus()
            .publish(Message::new(topic, vec![b'x'; 1000]).retained());
    }
    let mut listener = gateway.service(V5).await;
    listener.subscribe("devices/+/points/#", 0).await;
    for _ in 0..2000 {
        assert_eq!(listener.message().await.1.len(), 1000);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn any_number_of_packets_in_one_go_is_answered() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    let mut bytes = Vec::new();
    for id in 1..=20_000 {
        Client::put_publish(&mut bytes, V5, "devices/boiler/telemetry/x", b"1", 1, id);
    }
    let answers = async {
        device.send(&bytes).await;
        for _ in 0..20_000 {
            device.puback().await;
        }
    };
    answers.await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_device_is_told_in_version_5_when_nobody_takes_its_message() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    device.publish("devices/boiler/telemetry/x", b"1", 1).await;
    assert_eq!(device.puback().await, 0x10);
    gateway.stop().await;
}

#[tokio::test]
async fn a_subscriber_that_never_reads_is_ended_while_the_others_get_everything() {
    let gateway = Gateway::start(Limits {
        queue_messages: 50,
        in_flight: 10,
        ..Limits::default()
    })
    .await;
    let mut stuck = gateway.service(V5).await;
    stuck.subscribe_code("news", 1).await;
    let mut healthy = gateway.service(V5).await;
    healthy.subscribe("news", 1).await;
    for index in 0..200 {
        let topic = roost_model::Topic::new("news").unwrap();
        gateway
            .bus()
            .publish(Message::new(topic, index.to_string()).at_least_once());
        assert_eq!(healthy.message().await.1, index.to_string().as_bytes());
    }
    gateway.until(|stats| stats.connected == 1).await;
    gateway.stop().await;
}

#[tokio::test]
async fn odd_topics_and_client_ids_are_ordinary() {
    let gateway = Gateway::start(Limits::default()).await;
    let secret = gateway.add_device("boiler", true);
    for id in ["a/b", "a/b", "é/x", "+", "#", ""] {
        let mut device = gateway.enter(V5, id, "boiler", &secret, None, 60).await;
        device.publish("devices/boiler/telemetry/é/x", b"1", 1).await;
        assert_eq!(device.puback().await, 0x10, "{id}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_devices_status_says_whether_it_is_connected() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V4).await;
    listener.subscribe("devices/+/status", 1).await;
    let device = gateway.device(V4, "boiler").await;
    let connected =
        |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap()["connected"].clone();
    assert_eq!(connected(&listener.message().await.1), true);
    drop(device);
    assert_eq!(connected(&listener.message().await.1), false);
    gateway.stop().await;
}

#[tokio::test]
async fn stopping_tells_every_client_of_version_5() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    gateway.stop().await;
    assert_eq!(device.disconnect_reason().await, 0x8b);
}

#[tokio::test]
async fn a_message_is_delivered_with_the_lower_of_both_qualities() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V4).await;
    listener.subscribe("a", 0).await;
    let topic = roost_model::Topic::new("a").unwrap();
    gateway.bus().publish(Message {
        topic,
        body: "x".into(),
        qos: QoS::ExactlyOnce,
        retain: false,
        own: true,
        extra: None,
    });
    let packet = listener.packet().await;
    assert_eq!(packet[0], 0x30, "QoS 0, not retained");
    gateway.stop().await;
}

#[tokio::test]
async fn a_packet_in_single_bytes_is_a_packet() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut device = gateway.device(V5, "boiler").await;
    let mut bytes = Vec::new();
    Client::put_publish(&mut bytes, V5, "devices/boiler/telemetry/x", b"slowly", 1, 7);
    for byte in bytes {
        device.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(device.puback().await, 0x10);
    gateway.stop().await;
}

#[tokio::test]
async fn the_brokers_own_figures_are_there_for_who_asks_and_not_for_who_takes_everything() {
    let gateway = Gateway::start(Limits::default()).await;
    let mut listener = gateway.service(V5).await;
    listener.subscribe("$SYS/broker/version", 0).await;
    let version = listener.message_at("$SYS/broker/version").await;
    assert!(version.starts_with(b"roost "));
    let mut all = gateway.service(V5).await;
    all.subscribe("#", 0).await;
    all.send(&[0xc0, 0]).await;
    assert_eq!(
        all.packet().await,
        [0xd0, 0],
        "nothing retained comes before the answer"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_device_that_publishes_more_than_it_may_is_read_from_more_slowly_and_loses_nothing() {
    let gateway = Gateway::start(Limits {
        publishes_per_s: 5,
        ..Limits::default()
    })
    .await;
    let mut listener = gateway.service(V4).await;
    listener.subscribe("devices/boiler/telemetry/#", 1).await;
    let mut device = gateway.device(V4, "boiler").await;
    let begin = std::time::Instant::now();
    let mut bytes = Vec::new();
    for id in 1..=20 {
        Client::put_publish(&mut bytes, V4, "devices/boiler/telemetry/x", b"x", 1, id);
    }
    device.send(&bytes).await;
    for _ in 0..20 {
        device.puback().await;
    }
    device.publish("devices/boiler/telemetry/x", b"last", 1).await;
    device.puback().await;
    // Four seconds' worth of messages came, two may come at once: not a moment earlier, however late.
    assert!(begin.elapsed() >= std::time::Duration::from_secs(2));
    while listener.message().await.1 != b"last" {}
    gateway.stop().await;
}
