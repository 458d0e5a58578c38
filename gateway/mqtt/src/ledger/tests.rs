//! Tests of what the ledger holds at most.

use std::sync::Arc;

use roost_model::Topic;
use roost_runtime::{Bus, Ledger as _, Message, QoS};

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
    ledger.end(&name("evil", "1"));
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
        ledger.keep(&bus, &mut Pace::default(), false);
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
    let will = Message::new(Topic::new("gone").unwrap(), "1");
    let left = ledger.leave(
        found.key,
        found.subscription,
        Some((will, Duration::from_millis(20))),
    );
    assert!(left.is_none());
    let ledger = again(&ledger);
    let said = loop {
        let overdue = ledger.sweep();
        if let Some(will) = overdue.wills.into_iter().next() {
            break will;
        }
        std::thread::yield_now();
    };
    assert_eq!(said.topic.as_str(), "gone");
    assert!(again(&ledger).sweep().wills.is_empty());
}
