//! Clients that join a topic again while its channel hangs.

use futures_util::SinkExt as _;
use roost_live::endpoint::Limits;
use roost_live_tests::{Peer, until};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::channels::{join, joined, say};
use crate::stage::Stage;
use crate::{answer, message};

/// A join that is told from others by its reference.
fn again(reference: &str) -> Value {
    message(Some(reference), reference, "room:a", "phx_join", json!({}))
}

/// The end of a channel that was joined by this reference.
fn closed(reference: &str) -> Value {
    json!([reference, reference, "room:a", "phx_close", {}])
}

/// Everything that is heard up to this message, with it.
async fn heard_until(peer: &mut Peer, last: &Value) -> Vec<Value> {
    let mut heard = Vec::new();
    while heard.last() != Some(last) {
        heard.push(peer.hear_json().await);
    }
    heard
}

#[tokio::test]
async fn ten_thousand_joins_of_a_topic_whose_channel_hangs_make_no_more_than_two_channels() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut bystander = joined(&stage, "room:b").await;
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "hang", json!({})).await;
    let mut most = 0;
    for batch in 0..10 {
        for n in 0..1000 {
            let again = again(&format!("{batch}.{n}")).to_string();
            peer.stream().feed(Message::text(again)).await.unwrap();
        }
        peer.stream().flush().await.unwrap();
        for n in 0..100 {
            let reference = format!("{batch}.{n}");
            let echo = message(Some("1"), &reference, "room:b", "echo", json!({}));
            bystander.json(&echo).await;
            assert_eq!(
                bystander.hear_json().await,
                answer(Some("1"), &reference, "room:b", "ok", json!({}))
            );
            most = most.max(stage.channels());
        }
        let last = format!("{batch}.999");
        let last = answer(Some(&last), &last, "room:a", "ok", json!({}));
        while peer.hear_json().await != last {
            most = most.max(stage.channels());
        }
    }
    // The bystander's, one that ends, one that takes its place, and those whose end nobody has looked at yet.
    assert!(most <= 8, "{most} channels");
    assert_eq!(stage.endpoint.joined("room:a"), 1);
}

#[tokio::test]
async fn each_join_of_a_topic_whose_channel_hangs_is_answered_and_the_last_one_stays() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "hang", json!({})).await;
    for reference in ["3", "4", "5"] {
        peer.json(&again(reference)).await;
    }
    let heard = heard_until(&mut peer, &closed("4")).await;
    let of_joins = |heard: &&Value| ["phx_reply", "phx_close"].map(Value::from).contains(&heard[3]);
    let ok = |reference| answer(Some(reference), reference, "room:a", "ok", json!({}));
    assert_eq!(
        heard.iter().filter(of_joins).collect::<Vec<_>>(),
        [
            &ok("3"),
            &closed("1"),
            &ok("4"),
            &closed("3"),
            &ok("5"),
            &closed("4")
        ]
    );
    assert_eq!(stage.endpoint.joined("room:a"), 1);
}

#[tokio::test]
async fn a_join_for_which_there_is_no_room_is_answered_and_the_next_one_is_not_held_up() {
    let limits = Limits {
        connections: 1,
        topics: 1,
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "hang", json!({})).await;
    peer.json(&again("3")).await;
    let crashed = json!({"reason": "join crashed"});
    assert_eq!(
        peer.hear_json().await,
        answer(Some("3"), "3", "room:a", "error", crashed)
    );
    assert_eq!(peer.hear_json().await, closed("1"));
    until("the channel to be cut off", || stage.channels() == 0).await;
    join(&mut peer, "room:a").await;
}
