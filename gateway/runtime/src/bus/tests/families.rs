//! Takers that differ in a name only: kept once for all of them, and heard as if each had filters of its own.

use std::collections::BTreeSet;

use super::*;

fn filters(texts: &[&str], name: &str) -> Vec<Filter> {
    texts
        .iter()
        .map(|text| filter(&text.replace("%", name)))
        .collect()
}

const PROFILE: [&str; 3] = ["devices/%/telemetry/#", "tele/%/+", "fixed/state"];

#[test]
fn members_hear_what_bears_their_name_and_nobody_elses() {
    let bus = Bus::default();
    let member = |name: &str| {
        let mut taker = bus.subscriber(10, Policy::DropOldest);
        taker.tune(name, &filters(&PROFILE, name));
        taker
    };
    let (plug, lamp) = (member("plug"), member("lamp"));
    assert_eq!(bus.stats().filters, 6);
    for (at, takers) in [
        ("devices/plug/telemetry", 1),
        ("devices/plug/telemetry/a/b", 1),
        ("tele/lamp/STATE", 1),
        ("tele/lamp/STATE/x", 0),
        ("devices/other/telemetry", 0),
        ("fixed/state", 2),
    ] {
        assert_eq!(bus.publish(message(at, "x")), takers, "{at}");
        assert_eq!(bus.has_takers(&topic(at)), takers > 0, "{at}");
    }
    assert_eq!((bodies(&plug).len(), bodies(&lamp).len()), (3, 2));
    drop(plug);
    assert_eq!(bus.publish(message("devices/plug/telemetry", "x")), 0);
    assert_eq!(bus.publish(message("devices/lamp/telemetry", "x")), 1);
    drop(lamp);
    assert!(bus.0.read().is_bare());
    assert_eq!((bus.stats().filters, bus.filter_bytes()), (0, 0));
}

#[test]
fn a_taker_that_is_tuned_anew_hears_what_is_new_and_nothing_else() {
    let bus = Bus::default();
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    taker.tune("plug", &filters(&["a/%", "b"], "plug"));
    taker.tune("plug", &filters(&["b", "c/%/#"], "plug"));
    let heard: Vec<usize> = ["a/plug", "b", "c/plug/x"]
        .into_iter()
        .map(|at| bus.publish(message(at, "x")))
        .collect();
    assert_eq!((heard, bus.stats().filters), (vec![0, 1, 1], 2));
    taker.tune("plug", &[]);
    assert!(bus.0.read().is_bare());
}

#[test]
fn two_takers_of_one_name_both_hear_it() {
    let bus = Bus::default();
    let taker = || {
        let mut taker = bus.subscriber(10, Policy::DropOldest);
        taker.tune("plug", &filters(&PROFILE, "plug"));
        taker
    };
    let (first, second) = (taker(), taker());
    assert_eq!(bus.publish(message("tele/plug/STATE", "x")), 2);
    drop(first);
    assert_eq!(bus.publish(message("tele/plug/STATE", "x")), 1);
    drop(second);
    assert!(bus.0.read().is_bare());
}

#[test]
fn whoever_expects_a_taker_is_told_when_one_is_tuned() {
    let bus = Bus::default();
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let expected = bus.expect(topic("a/plug"), move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut taker = bus.subscriber(10, Policy::DropOldest);
    taker.tune("lamp", &filters(&["a/%"], "lamp"));
    assert_eq!(told.load(Ordering::Relaxed), 0);
    taker.tune("plug", &filters(&["a/%"], "plug"));
    assert_eq!(told.load(Ordering::Relaxed), 1);
    drop(expected);
}

fn level() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "n", "m", "+"])
}

fn wanted() -> impl Strategy<Value = Vec<Filter>> {
    let text = (prop::collection::vec(level(), 1..4), any::<bool>())
        .prop_map(|(levels, below)| filter(&(levels.join("/") + if below { "/#" } else { "" })));
    prop::collection::vec(text, 0..4)
}

proptest! {
    #[test]
    fn tuned_takers_hear_exactly_what_their_filters_select(
        takers in prop::collection::vec((prop::sample::select(vec!["n", "m", "a"]), wanted(), wanted()), 1..5),
        published in prop::collection::vec(prop::collection::vec(level(), 1..5), 1..10),
    ) {
        let bus = Bus::default();
        let subscriptions: Vec<Subscription> = takers
            .iter()
            .map(|(name, before, wanted)| {
                let mut taker = bus.subscriber(100, Policy::DropOldest);
                taker.tune(*name, before);
                taker.tune(*name, wanted);
                taker
            })
            .collect();
        for levels in published {
            let at = topic(&levels.join("/").replace('+', "x"));
            bus.publish(Message::new(at.clone(), "x"));
            let heard: BTreeSet<usize> = (0..takers.len())
                .filter(|index| !bodies(&subscriptions[*index]).is_empty())
                .collect();
            let selected = takers.iter().enumerate().filter(|(_, (_, _, wanted))| {
                wanted.iter().any(|filter| filter.matches(&at))
            });
            prop_assert_eq!(heard, selected.map(|(index, _)| index).collect::<BTreeSet<_>>(), "{}", at);
        }
        drop(subscriptions);
        prop_assert!(bus.0.read().is_bare());
        prop_assert_eq!((bus.stats().filters, bus.filter_bytes()), (0, 0));
    }
}
