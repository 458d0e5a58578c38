//! Clients that mean harm: they hurt themselves alone.

use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::future::join_all;
use roost_live::endpoint::Limits;
use roost_live::frame::{EVENT_BYTES, Payload};
use roost_live::socket::TOPIC_BYTES;
use roost_live_tests::{Heard, Peer, in_time, next_of, until};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::channels::{join, joined, say};
use crate::stage::{SOCKET, Stage};
use crate::{answer, message};

/// Somebody else, who must not notice.
async fn untouched(bystander: &mut Peer) {
    say(bystander, "42", "echo", json!({"n": 42})).await;
    assert_eq!(
        bystander.hear_json().await,
        answer(Some("1"), "42", "room:a", "ok", json!({"n": 42}))
    );
}

#[tokio::test]
async fn messages_that_are_none_close_their_connection_alone() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut bystander = joined(&stage, "room:a").await;
    let deep = format!(
        r#"["1","2","room:a","echo",{}{}]"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let texts = [
        "",
        "nonsense",
        "[]",
        "{}",
        "null",
        r#"["1","2","room:a"]"#,
        r#"[{},"2","t","e",{}]"#,
        deep.as_str(),
    ];
    for text in texts {
        let mut peer = joined(&stage, "room:b").await;
        peer.text(text).await;
        assert_eq!(peer.end().await, 1011);
    }
    let frames: [&[u8]; 5] = [
        b"",
        b"\0",
        b"\x01\0\0\0\0",
        b"\x09aaaa",
        b"\0\xff\xff\xff\xffshort",
    ];
    for frame in frames {
        let mut peer = joined(&stage, "room:b").await;
        peer.bytes(frame.to_vec()).await;
        assert_eq!(peer.end().await, 1011);
    }
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn frames_against_the_rules_are_told_which_rule() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut bystander = joined(&stage, "room:a").await;
    for (bytes, code) in [
        (&b"\x81\x01a"[..], 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x80\x80\0\0\0\0", 1002),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),
        (b"\x82\xff\0\0\0\0\0\x20\0\0\0\0\0\0", 1009),
    ] {
        let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
        peer.stream().get_mut().write_all(bytes).await.unwrap();
        assert_eq!(peer.hear().await, Heard::Closed(code), "{bytes:x?}");
    }
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn ten_thousand_joins_on_one_socket_make_a_hundred_channels() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut bystander = joined(&stage, "room:a").await;
    let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
    let mut refused = 0;
    for batch in 0..100 {
        for n in 0..100 {
            let topic = format!("room:{}", batch * 100 + n);
            let join = message(Some("1"), "1", &topic, "phx_join", json!({}));
            peer.stream().feed(Message::text(join.to_string())).await.unwrap();
        }
        peer.text(&message(None, "end", "phoenix", "heartbeat", json!({})).to_string())
            .await;
        loop {
            let heard = peer.hear_json().await;
            refused += usize::from(heard[4]["status"] == "error");
            if heard[1] == "end" {
                break;
            }
        }
    }
    assert_eq!(refused, 9_900);
    assert_eq!(
        (0..10_000)
            .filter(|n| stage.endpoint.joined(&format!("room:{n}")) > 0)
            .count(),
        100
    );
    // The same topic again and again: one channel.
    for _ in 0..1000 {
        peer.json(&message(Some("1"), "1", "room:0", "phx_join", json!({})))
            .await;
    }
    peer.json(&message(Some("1"), "last", "room:0", "echo", json!({})))
        .await;
    while peer.hear_json().await[1] != "last" {}
    assert_eq!(stage.endpoint.joined("room:0"), 1);
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_hung_up_on_and_nobody_waits_for_it() {
    let limits = Limits {
        outbound_bytes: 64 * 1024,
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut bystander = joined(&stage, "room:a").await;
    let mut deaf = joined(&stage, "room:b").await;
    // What the kernel takes for a client is limited too; after that its queue overflows.
    let news = json!({"x": "y".repeat(100_000)});
    let overflows = async {
        while stage.endpoint.joined("room:b") > 0 {
            let news = news.clone().into();
            stage.endpoint.broadcast("room:b", "news", &news).unwrap();
            untouched(&mut bystander).await;
        }
    };
    in_time("the queue to overflow", overflows).await;
    assert_eq!(next_of(&mut told).await, "Disconnected");
    untouched(&mut bystander).await;
    // When it reads at last, it finds what was on its way, and the reason or the end.
    let end = deaf.end().await;
    assert!(matches!(end, 1013 | 1006), "{end}");
}

#[tokio::test]
async fn a_channel_that_pushes_more_than_its_client_takes_loses_the_client_and_not_the_memory() {
    let limits = Limits {
        outbound_messages: 100,
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut peer = joined(&stage, "room:a").await;
    // All at once, and more than the kernel takes for somebody who does not read meanwhile.
    say(&mut peer, "2", "flood", json!({"count": 30_000})).await;
    // Whoever does not read what was on its way within a while never hears why.
    let (told, end) = tokio::join!(next_of(&mut told), peer.end());
    assert_eq!((told.as_str(), end), ("Disconnected", 1013));
}

#[tokio::test]
async fn what_all_clients_have_half_sent_is_limited_together() {
    let limits = Limits {
        waiting_bytes: 1 << 20,
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let mut bystander = joined(&stage, "room:a").await;
    let mut slow = Vec::new();
    // Each announces 900 kB, sends 300 kB of it, and stops.
    for _ in 0..8 {
        let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
        let mut half = b"\x82\xff\0\0\0\0\0\x0d\xbb\xa0\0\0\0\0".to_vec();
        half.resize(300_000, 0);
        // It may be hung up on meanwhile.
        let _ = peer.stream().get_mut().write_all(&half).await;
        slow.push(peer);
    }
    // Three have room; the others hear why not, or find the connection gone with what they had sent unread.
    until("the others to go", || {
        stage.endpoint.connections("/socket").len() <= 4
    })
    .await;
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn who_has_held_much_for_long_goes_before_who_has_just_come() {
    let limits = Limits {
        waiting_bytes: 1 << 20,
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let mut honest = joined(&stage, "room:a").await;
    let mut slow = Vec::new();
    for n in 0..30 {
        // Each announces 900 kB, sends 100 kB of it, and stops: twelve of them take all the room.
        let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
        let mut half = b"\x82\xff\0\0\0\0\0\x0d\xbb\xa0\0\0\0\0".to_vec();
        half.resize(100_000, 0);
        // It may be hung up on meanwhile.
        let _ = peer.stream().get_mut().write_all(&half).await;
        slow.push(peer);
        if n >= 12 {
            let said = json!({"n": n, "x": "y".repeat(90_000)});
            say(&mut honest, "2", "echo", said.clone()).await;
            assert_eq!(
                honest.hear_json().await,
                answer(Some("1"), "2", "room:a", "ok", said)
            );
        }
    }
    // The first to come is long gone.
    assert!(matches!(slow[0].hear().await, Heard::Closed(1013 | 1006)));
}

#[tokio::test]
async fn a_channel_that_hangs_holds_back_its_own_client_alone() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut bystander = joined(&stage, "room:a").await;
    let mut peer = joined(&stage, "room:b").await;
    peer.json(&message(Some("1"), "2", "room:b", "hang", json!({})))
        .await;
    for _ in 0..1000 {
        let echo = message(Some("1"), "3", "room:b", "echo", json!({}));
        peer.stream().feed(Message::text(echo.to_string())).await.unwrap();
    }
    peer.stream().flush().await.unwrap();
    untouched(&mut bystander).await;
    stage
        .endpoint
        .broadcast("room:b", "news", &json!({}).into())
        .unwrap();
    assert_eq!(
        peer.hear_json().await[3],
        "news",
        "what it is sent still reaches it"
    );
}

#[tokio::test]
async fn a_client_whose_channel_hangs_is_disconnected_all_the_same() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    say(&mut peer, "2", "hang", json!({})).await;
    for _ in 0..1000 {
        let echo = message(Some("1"), "3", "room:a", "echo", json!({}));
        peer.stream().feed(Message::text(echo.to_string())).await.unwrap();
    }
    peer.stream().flush().await.unwrap();
    for connection in stage.endpoint.connections("/socket") {
        connection.close(1001);
    }
    assert_eq!(peer.end().await, 1001);
}

#[tokio::test]
async fn names_without_end_are_refused() {
    let (stage, _told) = Stage::plain(Limits::default());
    let mut peer = joined(&stage, "room:a").await;
    let topic = |bytes: usize| format!("room:{}", "x".repeat(bytes - "room:".len()));
    let endless = topic(TOPIC_BYTES + 1);
    peer.json(&message(Some("1"), "9", &endless, "phx_join", json!({})))
        .await;
    assert_eq!(
        peer.hear_json().await,
        answer(
            Some("1"),
            "9",
            &endless,
            "error",
            json!({"reason": "topic too long"})
        )
    );
    join(&mut peer, &topic(TOPIC_BYTES)).await;
    say(&mut peer, "3", &"e".repeat(EVENT_BYTES), json!({})).await;
    untouched(&mut peer).await;
    say(&mut peer, "4", &"e".repeat(EVENT_BYTES + 1), json!({})).await;
    assert_eq!(peer.hear().await, Heard::Closed(1011));
}

#[tokio::test]
async fn what_waits_in_the_inboxes_of_all_channels_is_limited_together() {
    let limits = Limits {
        waiting_bytes: 1 << 20,
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let mut bystander = joined(&stage, "room:a").await;
    let mut peer = Peer::connect(&stage.base, SOCKET).await.unwrap();
    let topics: Vec<String> = (0..50).map(|n| format!("room:{n}")).collect();
    for topic in &topics {
        join(&mut peer, topic).await;
        peer.json(&message(Some("1"), "2", topic, "hang", json!({})))
            .await;
    }
    let filler = "x".repeat(100_000);
    for topic in &topics {
        let more = message(Some("1"), "3", topic, "echo", json!({"x": filler}));
        // It may be hung up on meanwhile.
        let _ = peer.stream().send(Message::text(more.to_string())).await;
    }
    let end = peer.end().await;
    assert!(matches!(end, 1013 | 1006), "{end}");
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn a_client_that_talks_and_never_reads_is_hung_up_on_before_its_queue_is_full() {
    let limits = Limits {
        idle: Duration::from_secs(10),
        outbound_bytes: 256 << 20,
        outbound_messages: 1_000_000,
        waiting_bytes: 512 << 20,
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let mut deaf = joined(&stage, "room:b").await;
    // The first is there before the broadcasts: what it says is heard after it is found deaf, however slow the machine
    // is, so that it has been deaf for longer than silent.
    let heartbeat = message(None, "5", "phoenix", "heartbeat", json!({})).to_string();
    deaf.text(&heartbeat).await;
    // More than the kernel takes for a client, less than its queue does.
    let news = Payload::from(json!({"x": "y".repeat(1_000_000)}));
    for _ in 0..32 {
        stage.endpoint.broadcast("room:b", "news", &news).unwrap();
    }
    let talks = async {
        while stage.endpoint.joined("room:b") > 0 {
            // It may be hung up on meanwhile.
            let _ = deaf.stream().send(Message::text(heartbeat.clone())).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the deaf client to be hung up on", talks).await;
    assert_eq!(next_of(&mut told).await, "Disconnected");
    let end = deaf.end().await;
    assert!(matches!(end, 1013 | 1006), "not silent, but deaf: {end}");
}

#[tokio::test]
async fn half_a_handshake_is_no_connection() {
    let (stage, _told) = Stage::plain(Limits::default());
    let host = stage.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream
        .write_all(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let mut bystander = joined(&stage, "room:a").await;
    assert_eq!(stage.endpoint.connections("/socket").len(), 1);
    untouched(&mut bystander).await;
}

#[tokio::test]
async fn intercepted_broadcasts_that_wait_for_channels_are_limited_together_and_count_once() {
    let limits = Limits {
        waiting_bytes: 1 << 20,
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(joined(&stage, "room:a").await);
    }
    let mark = |n: usize| {
        let news = json!({"n": n, "x": "y".repeat(100_000)});
        assert_eq!(stage.endpoint.broadcast("room:a", "marked", &news.into()), Ok(3));
    };
    // The channels get to none of them before all are there. Three times as much would be too much.
    (0..5).for_each(mark);
    for peer in &mut peers {
        for n in 0..5 {
            assert_eq!(peer.hear_json().await[4]["was"], json!({"n": n}));
        }
    }
    (0..20).for_each(mark);
    let ends = join_all(peers.iter_mut().map(Peer::end)).await;
    assert_eq!(ends, [1013; 3]);
}
