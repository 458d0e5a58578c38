//! Honest clients among hostile ones that hold all they can: it is not the honest ones who are hung up on.

use std::time::Duration;

use roost_live_tests::{Peer, Visit};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::attacks::{chunk, throw};
use crate::{SOCKET, Siege, join, joined, message};

/// As many half-sent messages as take more than all the room there is.
const FIRST: usize = 20;
/// Times that more come, and then somebody honest.
const ROUNDS: usize = 30;
/// Bytes of a piece of an honest file, as the stock client sends them unless it is told otherwise.
const PIECE: usize = 64_000;
/// Bytes that somebody honest says and hears at once.
const PAGE: usize = 40_000;

/// Says that 1,000,000 bytes will come, sends most of them, and stops.
async fn half_a_message(siege: &Siege) -> Peer {
    let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
    let mut part = b"\x82\xff\0\0\0\0\0\x0f\x42\x40\0\0\0\0".to_vec();
    part.resize(900_000, 0);
    // It may be hung up on meanwhile.
    let _ = peer.stream().get_mut().write_all(&part).await;
    peer
}

/// Asks again and again, and takes no answer, until the server reads no more.
async fn a_deaf_one(siege: &Siege, round: usize) -> Peer {
    let topic = format!("room:deaf-{round}");
    let mut peer = joined(siege.base(), &topic).await;
    let echo = message("2", &topic, "echo", json!({"x": "y".repeat(200_000)}));
    while let Ok(true) = tokio::time::timeout(Duration::from_millis(50), throw(&mut peer, &echo)).await {}
    peer
}

/// Feeds channels that hang.
async fn a_greedy_one(siege: &Siege, round: usize) -> Peer {
    let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
    let topics: Vec<String> = (0..5).map(|n| format!("room:{round}-{n}")).collect();
    for topic in &topics {
        join(&mut peer, topic).await;
        peer.json(&message("2", topic, "hang", json!({}))).await;
    }
    for topic in &topics {
        let more = message("3", topic, "echo", json!({"x": "y".repeat(200_000)}));
        if !throw(&mut peer, &more).await {
            break;
        }
    }
    peer
}

/// A page with a file that it may send.
async fn a_page_with_a_file(siege: &Siege) -> Visit {
    let mut visit = Visit::of(siege.base()).await;
    let upload = format!("{}-fw", visit.topic.strip_prefix("lv:").unwrap());
    let size = ROUNDS * PIECE;
    let asked = json!({"ref": upload, "entries": [{"ref": "0", "name": "a", "type": "b", "size": size}]});
    let allowed = visit.ask("allow_upload", asked).await;
    let token = &allowed["response"]["entries"]["0"];
    let joining = json!(["up", "up", "lvu:0", "phx_join", {"token": token}]);
    visit.peer.json(&joining).await;
    assert_eq!(visit.reply("up").await["status"], "ok");
    visit
}

pub(crate) async fn honest_clients_among_those_who_hold_all_they_can(siege: &mut Siege) {
    let mut uploading = a_page_with_a_file(siege).await;
    let mut talking = joined(siege.base(), "room:honest").await;
    let mut hostile = Vec::new();
    for _ in 0..FIRST {
        hostile.push(half_a_message(siege).await);
    }
    let piece = vec![7; PIECE];
    for round in 0..ROUNDS {
        hostile.push(half_a_message(siege).await);
        if round % 3 == 0 {
            hostile.push(a_deaf_one(siege, round).await);
            hostile.push(a_greedy_one(siege, round).await);
        }
        let name = round.to_string();
        uploading.peer.bytes(chunk(&name, &piece)).await;
        assert_eq!(uploading.reply(&name).await["status"], "ok", "{round}");
        let said = json!({"n": round, "x": "y".repeat(PAGE)});
        talking
            .json(&message(&name, "room:honest", "echo", said.clone()))
            .await;
        let answer = json!(["1", name, "room:honest", "phx_reply", {"status": "ok", "response": said}]);
        assert_eq!(talking.hear_json().await, answer);
        // Somebody opens a long page.
        Visit::of(siege.base()).await;
        siege.untouched().await;
    }
}
