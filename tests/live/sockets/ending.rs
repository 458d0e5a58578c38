//! How connections end, and what their channels learn of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use roost_live::endpoint::Limits;
use roost_live::socket::{Accepted, Connect, Mount, Refused};
use roost_live_tests::{Heard, Peer, ask, next_of};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::channels::{joined, say};
use crate::message;
use crate::polling::{Poller, echo};
use crate::stage::{Actor, SOCKET, Stage};

#[tokio::test]
async fn channels_end_when_their_client_has_gone() {
    let (stage, mut told) = Stage::plain(Limits::default());
    let polite = joined(&stage, "room:a").await;
    polite.close().await;
    assert_eq!(next_of(&mut told).await, "Disconnected");
    // Without a good-bye.
    drop(joined(&stage, "room:a").await);
    assert_eq!(next_of(&mut told).await, "Disconnected");
}

#[tokio::test]
async fn what_a_channel_sends_last_comes_before_it_is_closed() {
    let (stage, mut told) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "phx_leave", json!({})).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(peer.hear_json().await[3].as_str().unwrap().to_owned());
    }
    assert_eq!(events, ["last", "phx_reply", "phx_close"]);
    assert_eq!(next_of(&mut told).await, "Left");
}

#[tokio::test]
async fn all_sockets_of_a_user_are_disconnected_so_that_clients_come_back() {
    let mount = Mount::new().connect(|connect: Connect| async move {
        let user = connect.param("user").ok_or_else(Refused::default)?;
        Ok::<_, Refused>(Accepted::new().id(format!("user:{user}")))
    });
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    let path = |user: &str| format!("{SOCKET}&user={user}");
    let mut peers = Vec::new();
    for user in ["one", "one", "two"] {
        let mut peer = Peer::connect(&stage.base, &path(user)).await.unwrap();
        peer.json(&message(None, "1", "phoenix", "heartbeat", json!({})))
            .await;
        peer.hear_json().await;
        peers.push(peer);
    }
    assert_eq!(stage.endpoint.disconnect("user:one"), 2);
    assert_eq!(stage.endpoint.disconnect("user:nobody"), 0);
    let mut other = peers.pop().unwrap();
    for mut peer in peers {
        assert_eq!(peer.hear().await, Heard::Closed(1001));
    }
    other
        .json(&message(None, "2", "phoenix", "heartbeat", json!({})))
        .await;
    assert_eq!(other.hear_json().await[1], "2");
}

#[tokio::test]
async fn a_connection_is_closed_with_any_code_or_cut_without() {
    let (stage, _told) = Stage::plain(Limits::default());
    for code in [1000, 1001, 1012, 4001] {
        let mut peer = joined(&stage, "room:a").await;
        let connections = stage.endpoint.connections("/socket");
        connections.iter().for_each(|connection| connection.close(code));
        assert_eq!(peer.end().await, code);
        drop(peer);
    }
    let mut peer = joined(&stage, "room:a").await;
    stage
        .endpoint
        .connections("/socket")
        .iter()
        .for_each(|connection| connection.cut());
    assert_eq!(peer.hear().await, Heard::Closed(1006));
}

#[tokio::test]
async fn a_client_that_goes_quiet_is_closed() {
    let limits = Limits {
        // It has to have joined by then.
        idle: Duration::from_secs(10),
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut peer = joined(&stage, "room:a").await;
    assert_eq!(peer.hear().await, Heard::Closed(1002));
    assert_eq!(next_of(&mut told).await, "Disconnected");
}

#[tokio::test]
async fn clients_are_told_to_come_back_in_stages_when_the_program_stops() {
    let limits = Limits {
        drain_batch: 2,
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut peers = Vec::new();
    for number in 0..6 {
        peers.push((number, joined(&stage, "room:a").await));
    }
    let begun = Instant::now();
    let stopped = stage.stop();
    let mut leaving: FuturesUnordered<_> = peers
        .into_iter()
        .map(async |(number, mut peer)| {
            assert_eq!(peer.hear().await, Heard::Closed(1012));
            number
        })
        .collect();
    let mut order = Vec::new();
    while let Some(number) = leaving.next().await {
        order.push(number / 2);
        assert_eq!(next_of(&mut told).await, "Disconnected");
    }
    assert_eq!(order, [0, 0, 1, 1, 2, 2]);
    let took = begun.elapsed();
    assert!(took >= 2 * Duration::from_millis(100), "all within {took:?}");
    stopped.await.unwrap();
}

/// The stage with a page that answers when it is told to, and what says that a request for it or for a poll has come.
fn with_a_slow_page(release: &Arc<Notify>) -> (Stage, mpsc::UnboundedReceiver<Method>) {
    let (came, coming) = mpsc::unbounded_channel();
    let release = Arc::clone(release);
    let page = get(async move || release.notified().await);
    let seen = from_fn(move |request: Request, next: Next| {
        let came = came.clone();
        async move {
            let _ = came.send(request.method().clone());
            next.run(request).await
        }
    });
    let mount = Mount::new().channel::<Actor>("room:*", Arc::new(mpsc::unbounded_channel().0));
    let stage = Stage::new(Limits::default(), |endpoint| {
        endpoint.mount("/socket", mount).route("/slow", page).layer(seen)
    });
    (stage, coming)
}

#[tokio::test]
async fn a_request_that_takes_long_does_not_keep_clients_from_being_told_that_the_program_stops() {
    let release = Arc::new(Notify::new());
    let (stage, mut coming) = with_a_slow_page(&release);
    let base = stage.base.clone();
    let mut peer = joined(&stage, "room:a").await;
    next_of(&mut coming).await;
    let slow = ask(&base, "GET", "/slow", &[], b"");
    let other = async move {
        next_of(&mut coming).await;
        let stopped = stage.stop();
        assert_eq!(peer.hear().await, Heard::Closed(1012));
        drop(peer);
        // Only now it gets on.
        release.notify_one();
        stopped.await.unwrap();
    };
    let (answer, ()) = tokio::join!(slow, other);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn whoever_polls_when_the_program_stops_is_answered_at_once() {
    let (stage, mut coming) = with_a_slow_page(&Arc::default());
    let waiting = Poller::joined(&stage).await;
    let stuck = Poller::joined(&stage).await;
    stuck
        .say(&message(Some("1"), "2", "room:a", "hang", json!({})))
        .await;
    let batch: Vec<String> = (3..103).map(|n| echo(n).to_string()).collect();
    let batch = batch.join("\n");
    for _ in 0..2 {
        assert_eq!(stuck.post(&batch).await.body["status"], 200);
    }
    while coming.try_recv().is_ok() {}
    let stop = async {
        // When a request has come, what answers it has begun to wait.
        for _ in 0..2 {
            next_of(&mut coming).await;
        }
        // It takes its time: a channel hangs.
        drop(stage.stop());
    };
    // The inbox of the channel takes 256: the last of these wait.
    let (polled, posted, ()) = tokio::join!(waiting.poll(), stuck.post(&batch), stop);
    assert_eq!(polled, json!({"status": 410}));
    assert_eq!(posted.body, json!({"status": 410}));
}

#[tokio::test]
async fn a_channel_that_hangs_is_cut_off_when_its_client_joins_again() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "hang", json!({})).await;
    peer.json(&message(Some("3"), "3", "room:a", "phx_join", json!({})))
        .await;
    let reply = peer.hear_json().await;
    assert_eq!(
        (&reply[0], &reply[1], &reply[4]["status"]),
        (&json!("3"), &json!("3"), &json!("ok"))
    );
    let close = peer.hear_json().await;
    assert_eq!(
        (&close[0], &close[1], &close[3]),
        (&json!("1"), &json!("1"), &json!("phx_close"))
    );
}
