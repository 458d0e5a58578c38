//! Tests of what the ledger holds at most.

use std::sync::Arc;
use std::time::Duration;

use roost_model::Topic;
use roost_runtime::{Bus, Ledger as _, Message, QoS};

use super::record::Record;
use super::times::Era;
use super::*;

fn name(identity: &str, client_id: &str) -> Name {
    Name {
        identity: identity.into(),
        client_id: client_id.into(),
    }
}

fn message(bytes: usize) -> Arc<Message> {
    let topic = Topic::new("a").unwrap();
    Arc::new(Message::new(topic, vec![0; bytes]).at_least_once())
}

#[test]
fn one_identity_has_so_many_sessions_and_another_still_gets_its_own() {
    let limits = Limits {
        sessions: 5,
        sessions_each: 2,
        ..Limits::default()
    };
    let (bus, ledger) = (Bus::default(), Ledger::new(&limits));
    let enter = |identity: &str, id: &str| {
        ledger
            .enter(&bus, &name(identity, id), 60)
            .map(|(known, _)| known)
    };
    assert_eq!(enter("evil", "1"), Ok(false));
    assert_eq!(enter("evil", "2"), Ok(false));
    assert_eq!(enter("evil", "3"), Err(Reason::QuotaExceeded));
    assert_eq!(enter("evil", "2"), Ok(true));
    assert_eq!(enter("well", "1"), Ok(false));
    ledger.end_of(&name("evil", "1"));
    assert_eq!(enter("evil", "3"), Ok(false));
    ledger.forget("evil");
    assert_eq!((enter("evil", "4"), enter("evil", "5")), (Ok(false), Ok(false)));
    assert_eq!((enter("a", "1"), enter("b", "1")), (Ok(false), Ok(false)));
    assert_eq!(enter("c", "1"), Err(Reason::ServerBusy));
}

#[test]
fn all_sessions_together_hold_what_they_may_and_each_its_share() {
    let limits = Limits {
        sessions: 10,
        sessions_bytes: 100_000,
        ..Limits::default()
    };
    let (bus, ledger) = (Bus::default(), Ledger::new(&limits));
    let key = |id: &str| ledger.enter(&bus, &name("d", id), 60).unwrap().1.key;
    let keys: Vec<u64> = (0..10).map(|number| key(&number.to_string())).collect();
    for _ in 0..200 {
        ledger.take(&message(1_000), &[(keys[0], QoS::AtLeastOnce)], None);
    }
    assert!((98_000..=100_000).contains(&ledger.lock().bytes));
    for round in 0..200 {
        for key in &keys[1..] {
            // Small and large ones: what comes must not be larger than what goes for it.
            let size = [1, 9_000][round % 2];
            ledger.take(&message(size), &[(*key, QoS::AtLeastOnce)], None);
        }
    }
    let books = ledger.lock();
    assert!(books.bytes <= 200_000, "{}", books.bytes);
    assert_eq!(
        books.bytes,
        books.sessions.values().map(|book| book.bytes).sum::<usize>()
    );
    assert!(books.sessions.values().all(|book| !book.pending.is_empty()));
}

#[test]
fn a_message_that_the_log_refused_is_sent_all_the_same_and_promised_to_nobody() {
    let (bus, directory) = (Bus::default(), tempfile::tempdir().unwrap());
    let ledger = Ledger::open(directory.path(), &Limits::default(), &bus).unwrap();
    let key = ledger.enter(&bus, &name("d", "1"), 60).unwrap().1.key;
    ledger.journal.close();
    let taken = ledger.take(&message(10), &[(key, QoS::ExactlyOnce)], None);
    assert!(!Journal::has(taken.barrier), "its publisher hears of no success");
    assert!(
        !Journal::has(ledger.end()),
        "nor when it says again what is known already"
    );
    let Some(Due::Message { barrier, .. }) = ledger.next(key) else {
        panic!("it is due");
    };
    assert!(barrier <= ledger.written(), "its taker waits for nothing");
}

#[test]
fn what_the_log_refused_is_in_a_snapshot_as_soon_as_there_is_room() {
    let (bus, directory) = (Bus::default(), tempfile::tempdir().unwrap());
    // One record has room, another one while that waits has none.
    let options = RecordLogOptions {
        pending_bytes: 1,
        ..RecordLogOptions::default()
    };
    let ledger = Ledger::open_with(directory.path(), options, &Limits::default(), &bus).unwrap();
    let key = ledger.enter(&bus, &name("d", "1"), 60).unwrap().1.key;
    while ledger.journal.refused() == 0 {
        ledger.take(&message(100), &[(key, QoS::AtLeastOnce)], None);
    }
    let waiting = ledger.counts().1;
    while ledger.journal.refused() > 0 {
        ledger.keep(&bus, false);
        std::thread::yield_now();
    }
    ledger.close();
    drop(ledger);
    let ledger = Ledger::open(directory.path(), &Limits::default(), &Bus::default()).unwrap();
    assert_eq!(ledger.counts(), (1, waiting));
}

#[test]
fn a_will_that_waits_is_in_a_snapshot_until_it_was_published() {
    let (bus, limits) = (Bus::default(), Limits::default());
    let again = |ledger: &Ledger| {
        let records = ledger.to_records(&bus);
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        Ledger::of_records(&limits, &Bus::default(), &records)
    };
    let ledger = Ledger::new(&limits);
    let found = ledger.enter(&bus, &name("d", "1"), 60).unwrap().1;
    let will = LastWill {
        message: Message::new(Topic::new("gone").unwrap(), "1"),
        lifetime_s: Some(60),
    };
    let kept = crate::session::Kept {
        key: found.key,
        subscription: found.subscription,
        replay: None,
    };
    let left = ledger.leave(kept, Some((will, Duration::from_millis(20))));
    assert!(left.is_none());
    let ledger = again(&ledger);
    let said = loop {
        let overdue = ledger.sweep();
        if let Some(will) = overdue.wills.into_iter().next() {
            break will;
        }
        std::thread::yield_now();
    };
    assert_eq!((said.message.topic.as_str(), said.lifetime_s), ("gone", Some(60)));
    assert!(again(&ledger).sweep().wills.is_empty());
}

fn retained(topic: &str, body: &'static str) -> Message {
    Message {
        own: false,
        ..Message::new(Topic::new(topic).unwrap(), body).retained()
    }
}

#[test]
fn what_is_retained_for_a_moment_and_changed_or_cleared_is_so_after_a_kill() {
    let (bus, directory) = (Bus::default(), tempfile::tempdir().unwrap());
    let ledger = Arc::new(Ledger::open(directory.path(), &Limits::default(), &bus).unwrap());
    bus.set_ledger(Arc::clone(&ledger) as Arc<dyn roost_runtime::Ledger>);
    for (topic, body) in [("a", "on"), ("b", "on"), ("a", "off"), ("b", "")] {
        bus.publish(retained(topic, body));
        ledger.keep(&bus, false);
    }
    // As a kill leaves it: nothing more is kept, but what was handed to the system is there.
    ledger.close();
    drop((bus, ledger));
    let bus = Bus::default();
    let _ledger = Ledger::open(directory.path(), &Limits::default(), &bus).unwrap();
    let bodies = |topic: &str| {
        bus.retained_at(&Topic::new(topic).unwrap())
            .map(|message| message.body.clone())
    };
    assert_eq!((bodies("a"), bodies("b")), (Some("off".into()), None));
}

#[test]
fn topics_that_are_cleared_and_never_held_anything_leave_nothing_in_the_log() {
    let (bus, directory) = (Bus::default(), tempfile::tempdir().unwrap());
    let ledger = Arc::new(Ledger::open(directory.path(), &Limits::default(), &bus).unwrap());
    bus.set_ledger(Arc::clone(&ledger) as Arc<dyn roost_runtime::Ledger>);
    let before = ledger.end();
    for number in 0..1000 {
        let topic = format!("a/{number}");
        bus.publish(retained(&topic, ""));
        bus.publish(retained(&topic, "1"));
        bus.publish(retained(&topic, ""));
    }
    ledger.keep(&bus, false);
    assert_eq!(ledger.end(), before);
}

#[test]
fn a_message_that_was_published_before_a_client_lost_a_right_is_not_given_to_it() {
    let (bus, limits) = (Bus::default(), Limits::default());
    let ledger = Ledger::new(&limits);
    let key = ledger.enter(&bus, &name("d", "1"), 60).unwrap().1.key;
    for topic in ["secret", "a", "secret", "a"] {
        let message = Arc::new(Message::new(Topic::new(topic).unwrap(), "x").at_least_once());
        ledger.take(&message, &[(key, QoS::AtLeastOnce)], None);
    }
    ledger.withdraw(key, |topic| topic.as_str() != "secret");
    let mut given = Vec::new();
    while let Some(Due::Message { message, .. }) = ledger.next(key) {
        given.push(message.topic.to_string());
    }
    assert_eq!(given, ["a", "a"]);
    let books = ledger.lock();
    assert_eq!(books.bytes, books.sessions[&key].bytes);
}

#[test]
fn a_session_that_was_left_before_the_clock_was_set_lives_on_and_so_does_what_waits_in_it() {
    let limits = Limits::default();
    let clock = BoardClock::default();
    let uptime_ms = clock.uptime_ms();
    // The board took it for 1970 when all this was written.
    let unset = Era {
        boot: clock.boot().to_owned(),
        began_ms: 0,
    };
    let name = name("d", "1");
    let records = [
        Record::clock(&unset),
        Record::opened(1, &name, 3600),
        Record::Left {
            key: 1,
            at_ms: uptime_ms,
        },
        Record::WillSaid { key: 1 },
    ];
    let records: Vec<Vec<u8>> = records
        .iter()
        .map(|record| postcard::to_allocvec(record).unwrap())
        .collect();
    let restored = |records: &[Vec<u8>]| {
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let ledger = Ledger::of_records(&limits, &Bus::default(), &records);
        ledger.sweep();
        ledger.counts().0
    };
    assert_eq!(restored(&records), 1);
    assert_eq!(restored(&records[1..]), 0, "without the record of the clocks");
}
