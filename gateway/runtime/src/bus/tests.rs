//! The bus: matching against the plain definition, limits, retained messages, requests.

mod families;
mod sharing;

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

fn filter(text: &str) -> Filter {
    Filter::new(text).unwrap()
}

fn message(at: &str, body: &'static str) -> Message {
    Message::new(topic(at), body)
}

fn bodies(subscription: &Subscription) -> Vec<String> {
    std::iter::from_fn(|| subscription.try_recv())
        .map(|delivery| String::from_utf8(delivery.message.body.to_vec()).unwrap())
        .collect()
}

#[test]
fn publish_returns_how_many_took_it() {
    let bus = Bus::default();
    assert_eq!(bus.publish(message("a/b", "1")), 0);
    let one = bus.subscribe(filter("a/+"), 10, Policy::DropOldest);
    let two = bus.subscribe(filter("#"), 10, Policy::DropOldest);
    assert_eq!(bus.publish(message("a/b", "2")), 2);
    assert_eq!(
        (bodies(&one), bodies(&two)),
        (vec!["2".to_owned()], vec!["2".to_owned()])
    );
}

#[test]
fn takers_share_one_encoded_body() {
    let bus = Bus::default();
    let one = bus.subscribe(filter("a"), 10, Policy::DropOldest);
    let two = bus.subscribe(filter("a"), 10, Policy::DropOldest);
    bus.publish(Message::new(topic("a"), Bytes::from(vec![7; 100])));
    let (one, two) = (one.try_recv().unwrap(), two.try_recv().unwrap());
    assert!(Arc::ptr_eq(&one.message, &two.message));
}

#[test]
fn overlapping_filters_of_one_taker_deliver_once_with_the_highest_qos() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    taker.add(filter("a/#"), QoS::AtMostOnce);
    taker.add(filter("a/b"), QoS::AtLeastOnce);
    assert_eq!(bus.publish(message("a/b", "x").at_least_once()), 1);
    assert_eq!(taker.try_recv().unwrap().qos, QoS::AtLeastOnce);
    assert!(taker.try_recv().is_none());
    bus.publish(message("a/b", "x"));
    assert_eq!(
        taker.try_recv().unwrap().qos,
        QoS::AtMostOnce,
        "a publisher's QoS is never raised"
    );
}

#[test]
fn a_dropped_subscription_leaves_nothing_behind() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    for text in ["a/b/c", "a/+/c", "a/#", "#", "+/b"] {
        taker.add(filter(text), QoS::AtMostOnce);
    }
    assert_eq!(bus.stats().filters, 5);
    drop(taker);
    assert_eq!(bus.stats().filters, 0);
    assert!(bus.0.read().is_bare());
    assert_eq!(bus.publish(message("a/b/c", "x")), 0);
}

#[test]
fn each_policy_does_what_it_says_when_the_queue_is_full() {
    let bus = Bus::default();
    let oldest = bus.subscribe(filter("a"), 2, Policy::DropOldest);
    let newest = bus.subscribe(filter("a"), 2, Policy::DropNewest);
    for body in ["1", "2", "3"] {
        bus.publish(message("a", body));
    }
    assert_eq!(bodies(&oldest), ["2", "3"]);
    assert_eq!(bodies(&newest), ["1", "2"]);
    assert_eq!(
        (oldest.dropped(), newest.dropped(), bus.stats().dropped),
        (1, 1, 2)
    );
}

#[test]
fn a_session_queue_sheds_qos_0_first_and_closes_before_it_loses_qos_1() {
    let bus = Bus::default();
    let session = bus.subscribe(filter("a"), 2, Policy::ShedThenClose);
    bus.publish(message("a", "reliable 1").at_least_once());
    bus.publish(message("a", "live"));
    bus.publish(message("a", "reliable 2").at_least_once());
    assert_eq!(bus.publish(message("a", "live again")), 0);
    assert!(!session.is_closed());
    assert_eq!(
        bus.publish(message("a", "reliable 3").at_least_once()),
        0,
        "it was not taken, and the publisher knows"
    );
    assert!(session.is_closed());
    assert_eq!(bodies(&session), ["reliable 1", "reliable 2"]);
}

#[tokio::test]
async fn a_closed_session_queue_ends_after_its_last_delivery() {
    let bus = Bus::default();
    let session = bus.subscribe(filter("a"), 1, Policy::ShedThenClose);
    bus.publish(message("a", "1").at_least_once());
    bus.publish(message("a", "2").at_least_once());
    assert!(session.recv().await.is_some());
    assert!(session.recv().await.is_none());
}

#[test]
fn retained_messages_come_first_to_later_subscribers_and_an_empty_one_clears() {
    let bus = Bus::default();
    bus.publish(message("a/b", "old").retained());
    bus.publish(message("a/b", "new").retained());
    bus.publish(message("a/b", "passing"));
    let late = bus.subscribe(filter("a/#"), 10, Policy::DropOldest);
    let delivery = late.try_recv().unwrap();
    assert!(delivery.retained);
    assert_eq!(delivery.message.body, "new");
    bus.publish(message("a/b", ""));
    assert_eq!(
        bus.stats().retained,
        1,
        "an empty message that is not to be retained clears nothing"
    );
    bus.publish(message("a/b", "").retained());
    assert_eq!(bus.stats().retained, 0);
}

#[test]
fn any_number_of_retained_messages_reaches_a_new_subscriber() {
    let bus = Bus::default();
    for index in 0..30_000 {
        bus.publish(Message::new(topic(&format!("devices/d{index}/points/t")), "1").retained());
    }
    let mut taker = bus.subscriber(10, Policy::ShedThenClose);
    assert_eq!(
        taker.add(filter("devices/+/points/#"), QoS::AtMostOnce).len(),
        30_000
    );
    assert_eq!(
        taker.add(filter("devices/d77/points/#"), QoS::AtMostOnce).len(),
        1
    );
}

#[test]
fn retained_limits_bind_clients_and_never_the_gateways_own_words() {
    let bus = Bus::new(BusLimits {
        retained_messages: 1,
        retained_bytes: 20,
        ..BusLimits::default()
    });
    let foreign = |at: &str, body: &'static str| Message {
        own: false,
        ..message(at, body).retained()
    };
    bus.publish(foreign("a", "1"));
    bus.publish(foreign("b", "1"));
    bus.publish(foreign("a", "more than twenty bytes"));
    assert_eq!(bus.retained(&filter("#")).len(), 1);
    assert_eq!(bus.retained_at(&topic("a")).unwrap().body, "1");
    assert_eq!(bus.stats().retain_refused, 2);
    bus.publish(message("c", "a reading of more than twenty bytes").retained());
    assert_eq!(
        bus.stats().retained,
        2,
        "others have filled the space, and the reading is kept"
    );
    bus.publish(foreign("a", ""));
    bus.publish(foreign("b", "1"));
    assert!(
        bus.retained_at(&topic("b")).is_some(),
        "space that was given back is there again"
    );
}

#[tokio::test]
async fn a_request_is_answered_by_whoever_serves_the_topic() {
    let bus = Bus::default();
    let _listener = bus.subscribe(filter("#"), 10, Policy::DropOldest);
    let mut server = bus.subscriber(10, Policy::DropNewest);
    server.serve(filter("devices/d/points/+/set"));
    let asking = bus.request(
        topic("devices/d/points/relay/set"),
        "on".into(),
        Duration::from_secs(5),
    );
    let serving = async {
        let delivery = server.recv().await.unwrap();
        assert_eq!(delivery.message.topic.as_str(), "devices/d/points/relay/set");
        delivery.reply.unwrap().send("done");
    };
    assert_eq!(tokio::join!(asking, serving).0.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_request_fails_at_once_without_taker_and_in_time_with_a_silent_one() {
    let bus = Bus::default();
    let ask = || bus.request(topic("x/set"), Bytes::new(), Duration::from_secs(3));
    let _listener = bus.subscribe(filter("x/set"), 10, Policy::DropOldest);
    let before = tokio::time::Instant::now();
    assert_eq!(
        ask().await,
        Err(RequestError::NoTaker),
        "a mere listener does not answer"
    );
    assert_eq!(before.elapsed(), Duration::ZERO);
    let mut server = bus.subscriber(1, Policy::DropNewest);
    server.serve(filter("x/set"));
    assert_eq!(ask().await, Err(RequestError::Timeout));
    assert_eq!(ask().await, Err(RequestError::Busy));
    drop(server);
    let mut leaver = bus.subscriber(1, Policy::DropNewest);
    leaver.serve(filter("x/set"));
    let leaving = async {
        let asked = leaver.recv().await;
        drop((asked, leaver));
    };
    assert_eq!(tokio::join!(ask(), leaving).0, Err(RequestError::Dropped));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_trie_matches_as_the_plain_definition_does(
        filters in prop::collection::vec("(\\$x|a|b||\\+)(/(a|b||\\+)){0,4}(/#)?", 1..40),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        topics in prop::collection::vec("(\\$x|a|b)(/(a|b|)){0,5}", 1..20),
    ) {
        let bus = Bus::default();
        let mut takers: Vec<Option<(Filter, Subscription)>> = filters
            .iter()
            .filter_map(|text| Filter::new(text).ok())
            .map(|filter| (filter.clone(), bus.subscribe(filter, 1000, Policy::DropOldest)))
            .map(Some)
            .collect();
        prop_assume!(!takers.is_empty());
        for index in removed {
            *index.get_mut(&mut takers) = None;
        }
        for text in topics {
            let topic = Topic::new(&text).unwrap();
            let expected = takers.iter().flatten().filter(|(filter, _)| filter.matches(&topic)).count();
            prop_assert_eq!(bus.publish(Message::new(topic.clone(), "x")), expected);
            for (filter, taker) in takers.iter().flatten() {
                prop_assert_eq!(taker.try_recv().is_some(), filter.matches(&topic), "{} {}", filter, topic);
            }
        }
    }

    #[test]
    fn retained_messages_match_as_the_plain_definition_does(
        topics in prop::collection::btree_set("(\\$x|a|b|ab)(/(a|b||ab)){0,4}", 0..40),
        filter in "(\\$x|a|b|ab|\\+)(/(a|b||\\+)){0,3}(/#)?",
    ) {
        let bus = Bus::default();
        let filter = Filter::new(filter).unwrap();
        for text in &topics {
            bus.publish(Message::new(topic(text), "x").retained());
        }
        let expected: Vec<&String> = topics.iter().filter(|text| filter.matches(&topic(text))).collect();
        let found = bus.retained(&filter);
        let found: Vec<&str> = found.iter().map(|message| message.topic.as_str()).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn whoever_expects_a_taker_is_told_when_one_comes_and_not_after() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let (bus, told) = (Bus::default(), Arc::new(AtomicU32::new(0)));
    let tell = {
        let told = Arc::clone(&told);
        move || {
            told.fetch_add(1, Ordering::Relaxed);
        }
    };
    let topic = Topic::new("devices/boiler/commands/relay").unwrap();
    let expected = bus.expect(topic.clone(), tell);
    let mut taker = bus.subscriber(1, Policy::DropOldest);
    let mut count_after = |filter: &str| {
        taker.add(Filter::new(filter).unwrap(), QoS::AtLeastOnce);
        told.load(Ordering::Relaxed)
    };
    assert_eq!(count_after("devices/boiler2/commands/+"), 0);
    assert_eq!(count_after("devices/boiler/commands/valve"), 0);
    assert_eq!(count_after("devices/boiler/commands/+"), 1);
    assert_eq!(count_after("#"), 2);
    assert_eq!(count_after("+/boiler/#"), 3);
    assert_eq!(count_after("devices/boiler/commands/relay"), 4);
    drop(expected);
    assert_eq!(count_after("devices/#"), 4);
}

#[test]
fn what_was_retained_for_a_time_makes_room_when_that_has_passed() {
    let bus = Bus::new(BusLimits {
        retained_messages: 1,
        ..BusLimits::default()
    });
    let foreign = |at: &str, expires| Message {
        own: false,
        extra: Some(Arc::new(Extra {
            expires,
            ..Extra::default()
        })),
        ..message(at, "1").retained()
    };
    bus.publish(foreign("a", Some(std::time::Instant::now())));
    bus.publish(foreign("b", None));
    assert_eq!(bus.stats().retain_refused, 1);
    bus.remove_expired();
    assert_eq!(bus.stats().retained, 0);
    bus.publish(foreign("b", None));
    bus.remove_expired();
    assert_eq!((bus.stats().retained, bus.stats().retain_refused), (1, 1));
}
