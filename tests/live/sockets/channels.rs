//! What a channel of an application's own can do.

use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use roost_live::endpoint::Limits;
use roost_live::socket::{Connect, Connection, Direction, Mount, Observer};
use roost_live_tests::{Heard, Peer, next_of, until};
use serde_json::{Value, json};

use crate::stage::{Actor, SOCKET, Stage};
use crate::{answer, message};

/// A client that has joined a topic, and has heard what its channel sent itself before.
pub(crate) async fn joined(stage: &Stage, topic: &str) -> Peer {
    let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
    join(&mut peer, topic).await;
    peer
}

pub(crate) async fn join(peer: &mut Peer, topic: &str) {
    peer.json(&message(Some("1"), "1", topic, "phx_join", json!({})))
        .await;
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "1", topic, "ok", json!({}))
    );
    assert_eq!(
        peer.hear_json().await,
        push(topic, "info", json!({"early": true}))
    );
}

pub(crate) async fn say(peer: &mut Peer, reference: &str, event: &str, payload: Value) {
    peer.json(&message(Some("1"), reference, "room:a", event, payload))
        .await;
}

fn push(topic: &str, event: &str, payload: Value) -> Value {
    json!(["1", null, topic, event, payload])
}

#[tokio::test]
async fn a_channel_answers_later_and_with_any_status() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "later", json!({})).await;
    say(&mut peer, "3", "status", json!({})).await;
    say(&mut peer, "4", "now", json!({})).await;
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "3", "room:a", "maybe", json!({}))
    );
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "2", "room:a", "ok", json!({"late": true}))
    );
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "4", "room:a", "ok", json!({}))
    );
}

#[tokio::test]
async fn a_channel_hears_what_others_in_the_program_send_it() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "tell", json!({"n": 1})).await;
    assert_eq!(peer.hear_json().await, push("room:a", "info", json!({"n": 1})));
}

#[tokio::test]
async fn a_broadcast_reaches_all_who_have_joined_and_nobody_else() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let (mut one, mut other) = (joined(&stage, "room:a").await, joined(&stage, "room:a").await);
    let mut stranger = joined(&stage, "room:b").await;
    say(&mut one, "2", "broadcast", json!({"n": 1})).await;
    let news = |n| json!([null, null, "room:a", "news", {"n": n}]);
    assert_eq!(
        (one.hear_json().await, other.hear_json().await),
        (news(1), news(1))
    );
    say(&mut one, "3", "broadcast_from", json!({"n": 2})).await;
    assert_eq!(other.hear_json().await, news(2));
    assert_eq!(
        stage
            .endpoint
            .broadcast("room:a", "news", &json!({"n": 3}).into()),
        Ok(2)
    );
    assert_eq!(
        (one.hear_json().await, other.hear_json().await),
        (news(3), news(3))
    );
    stranger
        .json(&message(None, "9", "phoenix", "heartbeat", json!({})))
        .await;
    assert_eq!(stranger.hear_json().await[1], "9", "nothing came before");
    other.close().await;
    // It may take a moment until the server knows.
    until("the server to know", || stage.endpoint.joined("room:a") == 1).await;
    assert_eq!(
        stage.endpoint.broadcast("room:a", "news", &json!({}).into()),
        Ok(1)
    );
    assert_eq!(
        stage.endpoint.broadcast("room:nobody", "news", &json!({}).into()),
        Ok(0)
    );
    assert!(
        stage
            .endpoint
            .broadcast("room:a", "news", &json!([1]).into())
            .is_err()
    );
}

/// Holds up whoever says that a channel was replaced until the other end is dropped.
#[derive(Debug)]
struct Halt(Mutex<mpsc::Receiver<()>>);

impl Observer for Halt {
    fn connect(&self, _: &Connect) {}

    fn frame(&self, _: &Connection, direction: Direction, body: &Bytes, _: bool) {
        if direction == Direction::Out && body.windows(9).any(|part| part == b"phx_close") {
            let _ = tokio::task::block_in_place(|| self.0.lock().unwrap().recv());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hears_that_it_has_joined_misses_no_broadcast() {
    let (release, halt) = mpsc::channel::<()>();
    let (told, _told) = tokio::sync::mpsc::unbounded_channel();
    let mount = Mount::new()
        .observe(Arc::new(Halt(Mutex::new(halt))))
        .channel::<Actor>("room:*", Arc::new(told));
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    let mut peer = joined(&stage, "room:a").await;
    // Its channel does nothing more than to answer until it is released: what comes next is said of the one before.
    peer.json(&message(Some("2"), "2", "room:a", "phx_join", json!({})))
        .await;
    assert_eq!(peer.hear_json().await[3], "last");
    assert_eq!(
        peer.hear_json().await,
        answer(Some("2"), "2", "room:a", "ok", json!({}))
    );
    assert_eq!(
        stage.endpoint.broadcast("room:a", "news", &json!({}).into()),
        Ok(1)
    );
    assert_eq!(peer.hear_json().await[3], "news");
    drop(release);
    assert_eq!(peer.hear_json().await[3], "phx_close");
}

#[tokio::test]
async fn an_intercepted_broadcast_is_each_channels_own_to_send() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let (mut one, mut other) = (joined(&stage, "room:a").await, joined(&stage, "room:a").await);
    say(&mut one, "2", "mark", json!({"n": 1})).await;
    let (mine, theirs) = (one.hear_json().await, other.hear_json().await);
    assert_eq!(
        (&mine[0], &mine[3], &mine[4]["was"]),
        (&json!("1"), &json!("marked"), &json!({"n": 1}))
    );
    assert_ne!(mine[4]["for"], theirs[4]["for"]);
}

#[tokio::test]
async fn many_broadcasts_reach_everybody_in_the_same_order() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let (mut one, mut other) = (joined(&stage, "room:a").await, joined(&stage, "room:a").await);
    for n in 0..50 {
        say(&mut one, "2", "broadcast", json!({"from": 1, "n": n})).await;
        say(&mut other, "2", "broadcast", json!({"from": 2, "n": n})).await;
    }
    let (mut at_one, mut at_other) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        at_one.push(one.hear_json().await[4].clone());
        at_other.push(other.hear_json().await[4].clone());
    }
    assert_eq!(at_one, at_other);
    for from in [1, 2] {
        let own = at_one.iter().filter(|news| news["from"] == from);
        assert_eq!(
            own.map(|news| news["n"].as_u64().unwrap()).collect::<Vec<_>>(),
            (0..50).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn a_channel_that_fails_ends_alone_and_the_client_is_told() {
    let (stage, _heard) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    join(&mut peer, "room:b").await;
    for event in ["fail", "array"] {
        say(&mut peer, "2", event, json!({})).await;
        let crashed = json!({"reason": "channel_crash"});
        assert_eq!(
            peer.hear_json().await,
            json!(["1", "1", "room:a", "phx_error", crashed]),
            "{event}"
        );
        join(&mut peer, "room:a").await;
    }
    peer.json(&message(Some("1"), "5", "room:b", "echo", json!({"n": 1})))
        .await;
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "5", "room:b", "ok", json!({"n": 1}))
    );
    peer.json(&message(Some("6"), "6", "room:broken", "phx_join", json!({})))
        .await;
    let reason = json!({"reason": "join crashed"});
    assert_eq!(
        peer.hear_json().await,
        answer(Some("6"), "6", "room:broken", "error", reason)
    );
}

#[tokio::test]
async fn the_first_pattern_that_matches_says_whose_topic_it_is() {
    let (exact, mut of_exact) = tokio::sync::mpsc::unbounded_channel();
    let (wide, mut of_wide) = tokio::sync::mpsc::unbounded_channel();
    let (late, mut of_late) = tokio::sync::mpsc::unbounded_channel();
    let mount = Mount::new()
        .channel::<Actor>("room:lobby", Arc::new(exact))
        .channel::<Actor>("room:*", Arc::new(wide))
        .channel::<Actor>("room:late", Arc::new(late));
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    drop(joined(&stage, "room:lobby").await);
    assert_eq!(next_of(&mut of_exact).await, "Disconnected");
    for topic in ["room:lobby2", "room:", "room:late"] {
        drop(joined(&stage, topic).await);
        assert_eq!(next_of(&mut of_wide).await, "Disconnected", "{topic}");
    }
    assert!(of_late.try_recv().is_err(), "what stands before it takes all");
    let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
    for topic in ["room", "lobby", "rooms:lobby", ""] {
        peer.json(&message(Some("1"), "1", topic, "phx_join", json!({})))
            .await;
        let reason = json!({"reason": "unmatched topic"});
        assert_eq!(
            peer.hear_json().await,
            answer(None, "1", topic, "error", reason),
            "{topic}"
        );
    }
}

#[tokio::test]
async fn as_many_topics_may_be_joined_as_is_configured() {
    let limits = Limits {
        topics: 2,
        ..Limits::default()
    };
    let (stage, _heard) = Stage::plain(limits);
    let mut peer = joined(&stage, "room:a").await;
    join(&mut peer, "room:b").await;
    peer.json(&message(Some("3"), "3", "room:c", "phx_join", json!({})))
        .await;
    let reason = json!({"reason": "too many channels joined"});
    assert_eq!(
        peer.hear_json().await,
        answer(Some("3"), "3", "room:c", "error", reason)
    );
    // A place that was left is free again, and joining a topic again needs none.
    join_again(&mut peer).await;
    peer.json(&message(Some("1"), "4", "room:b", "phx_leave", json!({})))
        .await;
    for expected in ["last", "phx_reply", "phx_close"] {
        assert_eq!(peer.hear_json().await[3], expected);
    }
    join(&mut peer, "room:c").await;
}

/// Joins `room:a` a second time.
async fn join_again(peer: &mut Peer) {
    peer.json(&message(Some("1"), "1", "room:a", "phx_join", json!({})))
        .await;
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(peer.hear_json().await[3].as_str().unwrap().to_owned());
    }
    heard.sort();
    assert_eq!(heard, ["info", "last", "phx_close", "phx_reply"]);
}

#[tokio::test]
async fn text_and_bytes_mix_and_pings_are_answered() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let (stage, _heard) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    peer.bytes(b"\0\x01\x01\x06\x0412room:aecho\x05\x06".to_vec())
        .await;
    assert_eq!(
        peer.hear().await,
        Heard::Bytes(b"\x01\x01\x01\x06\x0212room:aok\x05\x06".to_vec())
    );
    say(&mut peer, "3", "echo", json!([1, "é"])).await;
    assert_eq!(
        peer.hear_json().await,
        answer(Some("1"), "3", "room:a", "ok", json!([1, "é"]))
    );
    peer.stream()
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    let pong = peer.stream().next().await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong("are you there".into()));
}
