//! How connections end, and what their channels learn of it.

use std::time::Duration;

use roost_live::endpoint::Limits;
use roost_live::socket::{Accepted, Connect, Mount, Refused};
use roost_live_tests::{Heard, Peer};
use serde_json::json;

use crate::channels::{joined, say};
use crate::message;
use crate::stage::{SOCKET, Stage};

#[tokio::test]
async fn channels_end_when_their_client_has_gone() {
    let (stage, mut told) = Stage::plain(Limits::default());
    let polite = joined(&stage, "room:a").await;
    polite.close().await;
    assert_eq!(told.recv().await.unwrap(), "Disconnected");
    // Without a good-bye.
    drop(joined(&stage, "room:a").await);
    assert_eq!(told.recv().await.unwrap(), "Disconnected");
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
    assert_eq!(told.recv().await.unwrap(), "Left");
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
        loop {
            match peer.hear().await {
                Heard::Closed(got) => break assert_eq!(got, code),
                _ => continue,
            }
        }
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
        idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut peer = joined(&stage, "room:a").await;
    assert_eq!(peer.hear().await, Heard::Closed(1002));
    assert_eq!(told.recv().await.unwrap(), "Disconnected");
}

#[tokio::test]
async fn clients_are_told_to_come_back_when_the_program_stops() {
    let (stage, mut told) = Stage::plain(Limits::default());
    let mut peers = Vec::new();
    for _ in 0..20 {
        peers.push(joined(&stage, "room:a").await);
    }
    let stopped = stage.stop();
    for mut peer in peers {
        assert_eq!(peer.hear().await, Heard::Closed(1012));
        assert_eq!(told.recv().await.unwrap(), "Disconnected");
    }
    stopped.await.unwrap();
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
