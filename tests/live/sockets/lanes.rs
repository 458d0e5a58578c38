//! Broadcasts to more than are written to at once: to clients of both versions, some of which read late.

use std::time::Duration;

use roost_live::endpoint::Limits;
use roost_live_tests::{Heard, Peer};
use serde_json::{Value, json};

use crate::channels::{joined, say};
use crate::stage::Stage;

/// Clients of version 2: with those of version 1, more than are written to at once.
const NEW: usize = 17;
const OLD: usize = 3;
/// More than the kernel takes for a client that does not read.
const BROADCASTS: usize = 100;
const BYTES: usize = 60_000;

/// A client of version 1 that has joined.
async fn old(stage: &Stage) -> Peer {
    let mut peer = Peer::connect(&stage.base, "/socket/websocket").await.unwrap();
    peer.json(&json!({"topic": "room:a", "event": "phx_join", "payload": {}, "ref": "1"}))
        .await;
    assert_eq!(peer.hear_json().await["event"], "phx_reply");
    assert_eq!(peer.hear_json().await["event"], "info");
    peer
}

/// Limits that let everything wait for whoever reads late.
fn patient() -> Limits {
    Limits {
        outbound_bytes: 1 << 30,
        waiting_bytes: 1 << 30,
        idle: Duration::from_secs(3600),
        ..Limits::default()
    }
}

/// So many clients of version 2 that have joined.
async fn new(stage: &Stage, count: usize) -> Vec<Peer> {
    let mut peers = Vec::new();
    for _ in 0..count {
        peers.push(joined(stage, "room:a").await);
    }
    peers
}

/// Broadcasts so many, each to all who have joined.
fn broadcast(stage: &Stage, count: usize, listeners: usize) {
    let fill = "y".repeat(BYTES);
    for n in 0..count {
        let news = json!({"n": n, "fill": fill}).into();
        let reached = stage.endpoint.broadcast("room:a", "news", &news).unwrap();
        assert_eq!(reached, listeners);
    }
}

/// Hears all broadcasts whole and in order.
async fn hear_all(peer: &mut Peer, payload: fn(&Value) -> &Value) {
    for n in 0..BROADCASTS {
        let heard = peer.hear_json().await;
        let payload = payload(&heard);
        assert_eq!(payload["n"], n);
        assert_eq!(payload["fill"].as_str().unwrap().len(), BYTES);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_all_broadcasts_whole_and_in_order_however_late_they_read() {
    let (stage, _told) = Stage::plain(patient());
    let (mut new, mut old_ones) = (new(&stage, NEW).await, Vec::new());
    for _ in 0..OLD {
        old_ones.push(old(&stage).await);
    }
    broadcast(&stage, BROADCASTS, NEW + OLD);
    for peer in &mut new {
        say(peer, "2", "echo", json!({"last": true})).await;
    }
    for peer in &mut old_ones {
        hear_all(peer, |message| &message["payload"]).await;
    }
    for peer in &mut new {
        hear_all(peer, |message| &message[4]).await;
        assert_eq!(peer.hear_json().await[4]["response"], json!({"last": true}));
    }
    // And they are up to date again.
    say(&mut new[0], "3", "broadcast", json!({"n": "after"})).await;
    for peer in new.iter_mut().chain(&mut old_ones) {
        let heard = peer.hear_json().await.to_string();
        assert!(heard.contains("after"), "{heard}");
    }
}

#[tokio::test]
async fn large_broadcasts_one_after_the_other_close_nobody_who_reads() {
    const LISTENERS: usize = 200;
    // For each listener less than a queue holds; for all of them more than may wait, if each counted by itself.
    const ROUNDS: usize = 10;
    let limits = Limits {
        waiting_bytes: 2 << 20,
        idle: Duration::from_secs(3600),
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut peers = new(&stage, LISTENERS).await;
    broadcast(&stage, ROUNDS, LISTENERS);
    for peer in &mut peers {
        for n in 0..ROUNDS {
            assert_eq!(peer.hear_json().await[4]["n"], n);
        }
    }
    assert!(told.try_recv().is_err(), "no channel has ended");
    assert_eq!(stage.endpoint.joined("room:a"), LISTENERS);
}

#[tokio::test]
async fn a_close_comes_after_everything_that_was_broadcast_before() {
    let (stage, _told) = Stage::plain(patient());
    let mut peers = new(&stage, NEW).await;
    broadcast(&stage, BROADCASTS, NEW);
    for connection in stage.endpoint.connections("/socket") {
        connection.close(4000);
    }
    for peer in &mut peers {
        hear_all(peer, |message| &message[4]).await;
        assert_eq!(peer.hear().await, Heard::Closed(4000));
    }
}
