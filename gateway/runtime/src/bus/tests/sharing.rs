//! Groups that share a filter, takers that don't hear themselves, takers that make publishers wait, the ledger.

use std::sync::Mutex;
use std::time::Duration;

use super::*;

fn shared<'a>(group: &'a str) -> Terms<'a> {
    Terms {
        qos: QoS::AtLeastOnce,
        group: Some(group),
        ..Terms::default()
    }
}

#[test]
fn each_message_of_a_shared_filter_goes_to_one_member_of_each_group_in_turn() {
    let bus = Bus::default();
    let member = |group: &str, text: &str| {
        let mut taker = bus.subscriber(100, Policy::DropOldest);
        taker.add(filter(text), shared(group));
        taker
    };
    let (one, two, other) = (member("g", "a/#"), member("g", "a/#"), member("h", "a/#"));
    let plain = bus.subscribe(filter("a/b"), 100, Policy::DropOldest);
    for _ in 0..10 {
        assert_eq!(bus.publish(message("a/b", "x")), 3);
    }
    assert_eq!(
        [&one, &two, &other, &plain].map(Subscription::waiting),
        [5, 5, 10, 10]
    );
    one.set_online(false);
    bus.publish(message("a/b", "x"));
    bus.publish(message("a/b", "x"));
    assert_eq!(two.waiting(), 7, "a member that is away is passed over");
    drop((one, two, other, plain));
    assert!(bus.0.read().is_bare());
}

#[test]
fn a_taker_leaves_one_group_and_stays_in_another() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(100, Policy::DropOldest);
    taker.add(filter("a"), shared("g"));
    taker.add(filter("a"), shared("h"));
    taker.add(filter("a"), QoS::AtMostOnce);
    assert!(!taker.remove(&filter("a"), Some("i")));
    assert!(taker.remove(&filter("a"), Some("g")));
    assert_eq!(bus.publish(message("a", "x")), 2);
    assert_eq!(taker.filter_count(), 2);
}

#[test]
fn who_wants_nothing_of_its_own_gets_what_others_publish() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    taker.add(
        filter("a"),
        Terms {
            no_local: true,
            ..Terms::default()
        },
    );
    let own = Origin {
        publisher: Some(&taker),
        receipt: None,
    };
    assert_eq!(bus.publish_from(message("a", "mine"), own).takers, 0);
    assert_eq!(bus.publish(message("a", "yours")), 1);
    assert_eq!(bodies(&taker), ["yours"]);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_a_crowded_taker_and_not_for_one_that_does_not_move() {
    let bus = Bus::default();
    let session = bus.subscribe(filter("a"), 10, Policy::ShedThenClose);
    let publish = || bus.publish_from(message("a", "x").at_least_once(), Origin::default());
    let pressures: Vec<_> = (0..6).map(|_| publish().pressure).collect();
    assert!(pressures[..5].iter().all(Option::is_none));
    let pressure = publish().pressure.unwrap();
    let taking = async { while session.try_recv().is_some() {} };
    let begin = tokio::time::Instant::now();
    tokio::join!(pressure.relieved(Duration::from_secs(1)), taking);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    let pressed = (0..6).filter_map(|_| publish().pressure).next_back().unwrap();
    pressed.relieved(Duration::from_secs(1)).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert!(publish().pressure.is_none(), "it hurts itself from here on");
    assert!(session.try_recv().is_some() && session.try_recv().is_some() && session.try_recv().is_some());
    let pressed = (0..6).filter_map(|_| publish().pressure).next_back();
    assert!(pressed.is_some(), "it moves again");
}

#[test]
fn all_queues_together_hold_no_more_than_their_limit() {
    let bus = Bus::new(BusLimits {
        queued_bytes: 10_000,
        ..BusLimits::default()
    });
    let takers: Vec<_> = (0..10)
        .map(|_| bus.subscribe(filter("a"), 1000, Policy::DropOldest))
        .collect();
    for _ in 0..1000 {
        bus.publish(Message::new(topic("a"), vec![0; 100]));
    }
    let queued = bus.stats().queued_bytes;
    assert!((5_000..=10_500).contains(&queued), "{queued}");
    assert!(takers.iter().all(|taker| taker.waiting() > 1));
    drop(takers);
    assert_eq!(bus.stats().queued_bytes, 0);
}

#[test]
fn queues_that_are_empty_take_a_message_beyond_the_limit_but_not_without_end() {
    let bus = Bus::new(BusLimits {
        queued_bytes: 10_000,
        ..BusLimits::default()
    });
    for policy in [
        Policy::DropOldest,
        Policy::DropNewest,
        Policy::HoldThenShut,
        Policy::ShedThenClose,
    ] {
        let takers: Vec<_> = (0..100)
            .map(|number| bus.subscribe(filter(&format!("a/{number}")), 1000, policy))
            .collect();
        for number in 0..100 {
            let message = Message::new(topic(&format!("a/{number}")), vec![0; 1000]);
            bus.publish(message.at_least_once());
        }
        let queued = bus.stats().queued_bytes;
        assert!((10_000..22_000).contains(&queued), "{queued}");
        drop(takers);
        assert_eq!(bus.stats().queued_bytes, 0);
    }
}

type Written = (String, Vec<(u64, QoS)>, Option<Receipt>);

#[derive(Debug, Default)]
struct Book(Mutex<Vec<Written>>);

impl Ledger for Book {
    fn take(&self, message: &Arc<Message>, takers: &[(u64, QoS)], receipt: Option<Receipt>) -> Taken {
        let entry = (message.topic.to_string(), takers.to_vec(), receipt);
        lock(&self.0).push(entry);
        Taken {
            takers: takers.len(),
            barrier: 7,
        }
    }

    fn retained(&self, topic: &Topic) {
        lock(&self.0).push((format!("retained {topic}"), Vec::new(), None));
    }
}

#[test]
fn what_durable_takers_get_above_qos_0_goes_to_the_ledger_and_not_into_their_queue() {
    let bus = Bus::default();
    let book = Arc::new(Book::default());
    bus.set_ledger(Arc::clone(&book) as Arc<dyn Ledger>);
    let mut durable = bus.client_subscriber(&"c".into(), 3, 10, Policy::ShedThenClose);
    durable.add(filter("a"), QoS::AtLeastOnce);
    assert_eq!(bus.publish(message("a", "live")), 1);
    let published = bus.publish_from(message("a", "sure").at_least_once(), Origin::default());
    assert_eq!((published.takers, published.barrier), (1, 7));
    assert_eq!(bodies(&durable), ["live"]);
    let receipt = Some(Receipt {
        session: 9,
        packet: 1,
    });
    let origin = Origin {
        publisher: None,
        receipt,
    };
    assert_eq!(bus.publish_from(message("b", "x"), origin).barrier, 7);
    let foreign = Message {
        own: false,
        ..message("c", "x").retained()
    };
    bus.publish(foreign);
    let written = std::mem::take(&mut *lock(&book.0));
    assert_eq!(
        written,
        [
            ("a".to_owned(), vec![(3, QoS::AtLeastOnce)], None),
            ("b".to_owned(), vec![], receipt),
            ("retained c".to_owned(), vec![], None),
        ]
    );
}

#[test]
fn a_flood_of_qos_0_takes_nothing_from_a_device_that_was_to_be_acknowledged() {
    let bus = Bus::default();
    let inbox = bus.subscribe(filter("a"), 2, Policy::HoldThenShut);
    bus.publish(message("a", "answer").at_least_once());
    for _ in 0..10 {
        bus.publish(message("a", "flood"));
    }
    assert_eq!(bodies(&inbox), ["answer", "flood"]);
    for body in ["1", "2"] {
        bus.publish(message("a", body).at_least_once());
    }
    bus.publish(message("a", "flood"));
    assert_eq!(bodies(&inbox), ["1", "2"]);
    assert_eq!(inbox.dropped(), 10);
}

#[test]
fn an_inbox_that_is_full_says_so_until_there_is_room_and_drops_nothing_that_came_all_the_same() {
    let bus = Bus::default();
    let inbox = bus.subscribe(filter("a/+"), 2, Policy::HoldThenShut);
    let publish = |body: &'static str| {
        let message = message("a/1", body).at_least_once();
        bus.publish_from(message, Origin::default())
    };
    let is_shut = |name: &str| bus.shut_taker(&topic(name)).is_some();
    bus.publish(message("a/1", "flood"));
    assert!(!publish("1").denied);
    assert!(!is_shut("a/1"), "there is something to drop");
    assert!(!publish("2").denied);
    assert!(is_shut("a/1") && is_shut("a/2") && !is_shut("b"));
    // Others had looked before.
    assert!(!publish("3").denied && !publish("4").denied);
    let published = publish("5");
    assert!(published.denied && published.takers == 0);
    assert_eq!(inbox.dropped(), 1, "the flood; what was denied is not lost");
    assert!(inbox.try_recv().is_some() && inbox.try_recv().is_some() && is_shut("a/1"));
    assert!(inbox.try_recv().is_some() && !is_shut("a/1"));
    assert_eq!(bodies(&inbox), ["4"]);
    assert!(!publish("1").denied && !publish("2").denied && is_shut("a/1"));
    drop(inbox);
    let _next = bus.subscribe(filter("a/+"), 2, Policy::HoldThenShut);
    assert!(!is_shut("a/1"), "what was shut is gone");
}

fn is_pending(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context).is_pending()
}

#[tokio::test]
async fn a_full_inbox_that_was_inherited_makes_its_publishers_wait() {
    let bus = Bus::default();
    let before = bus.subscribe(filter("a"), 2, Policy::HoldThenShut);
    bus.publish(message("a", "1").at_least_once());
    bus.publish(message("a", "2").at_least_once());
    let inbox = bus.subscribe(filter("a"), 2, Policy::HoldThenShut);
    inbox.inherit(&before.bell());
    drop(before);
    let pressure = bus.shut_taker(&topic("a")).unwrap();
    let mut relieved = Box::pin(pressure.relieved(Duration::from_secs(3600)));
    assert!(is_pending(&mut relieved), "it is full");
    assert!(inbox.try_recv().is_some());
    relieved.await;
    assert!(bus.shut_taker(&topic("a")).is_none());
}

#[tokio::test]
async fn an_inbox_is_full_of_bytes_too_be_they_its_own_or_those_of_all() {
    let bus = Bus::new(BusLimits {
        queued_bytes: 10_000,
        ..BusLimits::default()
    });
    let capacity = |bytes| Capacity { messages: 100, bytes };
    let publish = |name: &str, bytes: usize| {
        let message = Message::new(topic(name), vec![0; bytes]).at_least_once();
        assert!(!bus.publish_from(message, Origin::default()).denied);
    };
    let is_shut = |name: &str| bus.shut_taker(&topic(name)).is_some();
    let small = bus.subscribe(filter("small"), capacity(1_000), Policy::HoldThenShut);
    let large = bus.subscribe(filter("large"), capacity(100_000), Policy::HoldThenShut);
    publish("small", 5_000);
    assert!(is_shut("small") && !is_shut("large"));
    publish("large", 6_000);
    publish("large", 100);
    assert!(is_shut("large"), "all hold more than the limit");
    let pressure = bus.shut_taker(&topic("large")).unwrap();
    let mut relieved = Box::pin(pressure.relieved(Duration::from_secs(3600)));
    assert!(is_pending(&mut relieved));
    assert!(large.try_recv().is_some() && large.try_recv().is_some());
    relieved.await;
    assert!(!is_shut("large") && is_shut("small"));
    assert!(small.try_recv().is_some() && !is_shut("small"));
}

#[test]
fn a_filter_that_wants_nothing_of_ones_own_takes_nothing_from_another_that_does() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    let elsewhere = Terms {
        qos: QoS::AtLeastOnce,
        no_local: true,
        group: None,
    };
    taker.add(filter("a/#"), elsewhere);
    taker.add(filter("a/b"), QoS::AtMostOnce);
    let own = Origin {
        publisher: Some(&taker),
        receipt: None,
    };
    assert_eq!(bus.publish_from(message("a/b", "mine"), own).takers, 1);
    assert_eq!(bus.publish_from(message("a/c", "mine"), own).takers, 0);
    assert_eq!(bodies(&taker), ["mine"]);
}

#[test]
fn a_client_takes_a_topic_and_the_gateways_own_takers_do_not_count() {
    let bus = Bus::default();
    let _own = bus.subscribe(filter("#"), 10, Policy::DropOldest);
    assert!(!bus.is_taken_by_client(&topic("a"), None));
    let mut boiler = bus.client_subscriber(&"boiler".into(), 0, 10, Policy::DropOldest);
    let mut dashboard = bus.client_subscriber(&"dashboard".into(), 0, 10, Policy::DropOldest);
    dashboard.listen(filter("+"), QoS::AtMostOnce);
    let takers =
        || [None, Some("dashboard"), Some("boiler")].map(|name| bus.is_taken_by_client(&topic("a"), name));
    assert_eq!(takers(), [true, true, false]);
    boiler.listen(filter("a"), shared("g"));
    assert_eq!(takers(), [true, true, true]);
}
