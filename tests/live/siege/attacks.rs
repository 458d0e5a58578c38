//! What is done to the besieged. Each of these ends with whoever did it being refused or hung up on.

use futures_util::SinkExt as _;
use roost_live::sign::{Purpose, SigningKey, unix_s};
use roost_live_tests::{Loaded, Peer, Visit};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::limits::{BIGGEST_FILE, CHUNK_BYTES, KEY, LIMITS};
use crate::{SOCKET, Siege, join, joined, message};

/// A message of the largest kind.
fn megabyte() -> Value {
    json!({"x": "y".repeat(1_000_000)})
}

/// Sends to somebody who may have hung up.
pub(crate) async fn throw(peer: &mut Peer, message: &Value) -> bool {
    peer.stream()
        .send(Message::text(message.to_string()))
        .await
        .is_ok()
}

pub(crate) async fn frames_that_are_none(siege: &mut Siege) {
    let deep = format!(
        r#"["1","2","room:a","echo",{}{}]"#,
        "[".repeat(400_000),
        "]".repeat(400_000)
    );
    for round in 0..20 {
        for text in ["nonsense", "[]", deep.as_str(), r#"[{},"2","t","e",{}]"#] {
            let mut peer = joined(siege.base(), &format!("room:{round}")).await;
            peer.text(text).await;
            assert_eq!(peer.end().await, 1011);
        }
        for bytes in [
            &b"\x81\x01a"[..],
            b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        ] {
            let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
            peer.stream().get_mut().write_all(bytes).await.unwrap();
            assert!(matches!(peer.end().await, 1002 | 1009));
        }
        siege.untouched().await;
    }
}

pub(crate) async fn forged_and_old_tokens(siege: &mut Siege) {
    let loaded = Loaded::of(siege.base()).await;
    let key = SigningKey::new(KEY).unwrap();
    let data = key.verify(Purpose::View, &loaded.session).unwrap();
    let ago = |seconds| key.sign_at(Purpose::View, &data, unix_s() - seconds);
    let (young, old) = (ago(60), ago(Purpose::View.lasts().as_secs() + 60));
    let mut visit = loaded.connect().await;
    let mut payload = loaded.join();
    let forged = "x".repeat(500_000);
    let stale = json!({"status": "error", "response": {"reason": "stale"}});
    for _ in 0..50 {
        siege.untouched().await;
        for token in [old.as_str(), forged.as_str(), loaded.csrf.as_str()] {
            payload["session"] = token.into();
            assert_eq!(visit.enter(payload.clone()).await, stale);
        }
    }
    payload["session"] = young.into();
    assert_eq!(visit.enter(payload).await["status"], "ok", "it was none of these");
}

pub(crate) async fn foreign_origins(siege: &mut Siege) {
    for _ in 0..300 {
        let headers = [("origin", "http://evil.example")];
        let refused = Peer::connect_with(siege.base(), SOCKET, &headers).await;
        assert_eq!(refused.err(), Some(403));
    }
}

pub(crate) async fn ten_thousand_joins(siege: &mut Siege) {
    let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
    let mut refused = 0;
    for n in 0..10_000 {
        let join = message("1", &format!("room:{n}"), "phx_join", json!({}));
        peer.stream().feed(Message::text(join.to_string())).await.unwrap();
        if n % 100 == 99 {
            peer.json(&message("end", "phoenix", "heartbeat", json!({})))
                .await;
            loop {
                let heard = peer.hear_json().await;
                refused += usize::from(heard[4]["response"]["reason"] == "too many channels joined");
                if heard[1] == "end" {
                    break;
                }
            }
            siege.untouched().await;
        }
    }
    assert_eq!(refused, 10_000 - LIMITS.topics);
}

/// A channel that was crashed is joined again, by a client that knows how.
pub(crate) async fn a_thousand_crashes(siege: &mut Siege) {
    let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
    for n in 0..1000 {
        join(&mut peer, "room:a").await;
        peer.json(&message("2", "room:a", "boom", json!({}))).await;
        assert_eq!(peer.hear_json().await[3], "phx_error");
        if n % 100 == 0 {
            siege.untouched().await;
        }
    }
}

pub(crate) async fn messages_that_are_never_finished(siege: &mut Siege) {
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
        // It says 1,000,000 bytes will come, and sends most of them.
        let mut part = b"\x82\xff\0\0\0\0\0\x0f\x42\x40\0\0\0\0".to_vec();
        part.resize(900_000, 0);
        // It may be hung up on meanwhile.
        let _ = peer.stream().get_mut().write_all(&part).await;
        slow.push(peer);
        if n % 20 == 0 {
            siege.untouched().await;
        }
    }
}

/// The same by long poll.
pub(crate) async fn requests_that_are_never_finished(siege: &mut Siege) {
    let host = siege.base().strip_prefix("http://").unwrap().to_owned();
    let path = "/socket/longpoll?vsn=2.0.0";
    let mut slow = Vec::new();
    for n in 0..100 {
        let opened = roost_live_tests::ask(siege.base(), "GET", path, &[], b"").await;
        let token = opened.body["token"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let head = format!(
            "POST {path}&token={token} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 2000000\r\n\r\n{}",
            "x".repeat(1_900_000)
        );
        // It may be answered and hung up on meanwhile.
        let _ = stream.write_all(head.as_bytes()).await;
        slow.push(stream);
        if n % 20 == 0 {
            siege.untouched().await;
        }
    }
}

pub(crate) async fn channels_that_are_fed_and_hang(siege: &mut Siege) {
    let mut greedy = Vec::new();
    for n in 0..12 {
        let mut peer = Peer::connect(siege.base(), SOCKET).await.unwrap();
        let topics: Vec<String> = (0..LIMITS.topics)
            .map(|topic| format!("room:{n}-{topic}"))
            .collect();
        for topic in &topics {
            join(&mut peer, topic).await;
            peer.json(&message("2", topic, "hang", json!({}))).await;
        }
        for topic in &topics {
            if !throw(&mut peer, &message("3", topic, "echo", megabyte())).await {
                break;
            }
        }
        greedy.push(peer);
        siege.untouched().await;
    }
}

pub(crate) async fn readers_that_never_read(siege: &mut Siege) {
    let mut deaf = Vec::new();
    for _ in 0..100 {
        deaf.push(joined(siege.base(), "room:loud").await);
    }
    let mut speaker = joined(siege.base(), "room:loud").await;
    for _ in 0..50 {
        let news = message("2", "room:loud", "shout", megabyte());
        assert!(throw(&mut speaker, &news).await, "who speaks is not to blame");
        siege.untouched().await;
    }
}

/// Each asks for a megabyte again and again, and takes none.
pub(crate) async fn speakers_that_never_read(siege: &mut Siege) {
    let mut deaf = Vec::new();
    for n in 0..100 {
        let mut peer = joined(siege.base(), &format!("room:{n}")).await;
        for _ in 0..16 {
            let echo = message("2", &format!("room:{n}"), "echo", megabyte());
            // The server may read no more while nothing is taken: then the rest is not sent.
            let sent = tokio::time::timeout(std::time::Duration::from_millis(50), throw(&mut peer, &echo));
            if !matches!(sent.await, Ok(true)) {
                break;
            }
        }
        deaf.push(peer);
        siege.untouched().await;
    }
}

/// A frame of bytes as the client makes it: kind 0, the lengths of four texts, the texts, the bytes.
pub(crate) fn chunk(reference: &str, bytes: &[u8]) -> Vec<u8> {
    let texts = ["up", reference, "lvu:0", "chunk"];
    let mut frame = vec![0];
    frame.extend(texts.map(|text| u8::try_from(text.len()).unwrap()));
    texts.iter().for_each(|text| frame.extend(text.as_bytes()));
    frame.extend(bytes);
    frame
}

pub(crate) async fn a_file_of_a_gigabyte(siege: &mut Siege) {
    let mut visit = Visit::of(siege.base()).await;
    let upload = format!("{}-fw", visit.topic.strip_prefix("lv:").unwrap());
    let entry =
        |reference: &str, size: u64| json!({"ref": reference, "name": "a", "type": "b", "size": size});
    let asked = json!({"ref": upload, "entries": [entry("1", 1_000_000_000)]});
    let refused = visit.ask("allow_upload", asked).await;
    assert_eq!(refused["response"]["error"], json!([["1", "too_large"]]));
    // Another page says less, and sends more.
    let mut visit = Visit::of(siege.base()).await;
    let upload = format!("{}-fw", visit.topic.strip_prefix("lv:").unwrap());
    let asked = json!({"ref": upload, "entries": [entry("0", BIGGEST_FILE)]});
    let allowed = visit.ask("allow_upload", asked).await;
    let token = &allowed["response"]["entries"]["0"];
    let joining = json!(["up", "up", "lvu:0", "phx_join", {"token": token}]);
    visit.peer.json(&joining).await;
    assert_eq!(visit.reply("up").await["status"], "ok");
    let bytes = vec![7; CHUNK_BYTES as usize];
    let most = BIGGEST_FILE / u64::from(CHUNK_BYTES);
    for n in 0..most {
        let name = n.to_string();
        visit.peer.bytes(chunk(&name, &bytes)).await;
        assert_eq!(visit.reply(&name).await["status"], "ok", "{n}");
        if n % 10 == 0 {
            siege.untouched().await;
        }
    }
    visit.peer.bytes(chunk("over", &bytes)).await;
    let said = visit.reply("over").await;
    assert_eq!(said["response"]["reason"], "file_size_limit_exceeded");
}

pub(crate) async fn more_connections_than_there_are(siege: &mut Siege) {
    let mut peers = Vec::new();
    let refused = loop {
        match Peer::connect(siege.base(), SOCKET).await {
            Ok(peer) => peers.push(peer),
            Err(status) => break status,
        }
        assert!(peers.len() <= LIMITS.connections);
    };
    assert_eq!(refused, 503);
}
