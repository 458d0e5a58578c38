//! What the log holds of what clients say: where and what for, and none of their secrets. A process of its own, for a
//! process has one log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod place;

use std::io::Write;
use std::sync::{Arc, Mutex};

use roost_live_tests::{Heard, Peer, ask};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use place::Place;

/// Stands wherever a client can put something.
const SECRET: &str = "hunter2";

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Everything is logged.
    fn begin() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    /// What was logged, but for what the test's own client says of itself.
    fn text(&self) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| !line.contains(" tungstenite::"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The lines with all of these words.
    fn lines(&self, words: &[&str]) -> usize {
        let has = |line: &&str| words.iter().all(|word| line.contains(word));
        self.text().lines().filter(has).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn said(peer: &mut Peer, frame: Value) -> Value {
    peer.json(&frame).await;
    peer.hear_json().await
}

/// Says secrets in a channel, and ends it by a crash.
async fn in_a_channel(place: &Place) {
    // `hunter2` in base 64.
    let token = "phoenix, base64url.bearer.phx.aHVudGVyMg";
    let headers = [("cookie", "pass=hunter2"), ("sec-websocket-protocol", token)];
    let path = "/socket/websocket?vsn=2.0.0&token=hunter2";
    let mut peer = Peer::connect_with(place.base(), path, &headers).await.unwrap();
    let secret = json!({"password": SECRET, "deep": {"token": SECRET}});
    said(&mut peer, json!(["1", "1", "room:a", "phx_join", secret])).await;
    said(&mut peer, json!(["1", "2", "room:a", "echo", secret])).await;
    said(&mut peer, json!(["1", "3", "room:a", "echo", [SECRET]])).await;
    said(&mut peer, json!(["9", "4", "room:b", "echo", secret])).await;
    said(&mut peer, json!(["1", "5", "room:a", "fail", secret])).await;
    for garbage in [r#""hunter2""#, r#"["1","2",{"hunter2":"hunter2"}]"#, "hunter2"] {
        let mut peer = Peer::connect(place.base(), path).await.unwrap();
        peer.text(garbage).await;
        assert_eq!(peer.hear().await, Heard::Closed(1011), "{garbage}");
    }
}

/// The same by long poll.
async fn by_long_poll(place: &Place) {
    let path = "/socket/longpoll?vsn=2.0.0&password=hunter2";
    let token = ("x-phoenix-authtoken", SECRET);
    let opened = ask(
        place.base(),
        "GET",
        path,
        &[token, ("cookie", "pass=hunter2")],
        b"",
    )
    .await;
    let session = opened.body["token"].as_str().unwrap().to_owned();
    let path = format!("{path}&token={session}");
    let kind = ("content-type", "application/x-ndjson");
    for frame in [
        json!(["1", "1", "room:a", "phx_join", {"password": SECRET}]).to_string(),
        json!(["1", "2", "room:a", "echo", {"password": SECRET}]).to_string(),
        r#"["hunter2"]"#.to_owned(),
    ] {
        ask(place.base(), "POST", &path, &[kind], frame.as_bytes()).await;
    }
    assert!(
        !place.log.text().contains(&session),
        "whoever has its token is it"
    );
}

/// A page, its form, and events that are none.
async fn on_a_page(place: &Place) {
    let (mut visit, tokens) = place.page("/?code=hunter2").await;
    let event = |kind: &str, value: Value| json!({"type": kind, "event": "save", "value": value});
    let form = event("form", json!("user=ann&password=hunter2"));
    assert_eq!(visit.ask("event", form).await["status"], "ok");
    visit.ask("event", event("click", json!({"code": SECRET}))).await;
    for (name, wrong) in [
        (
            "event",
            json!({"type": "form", "event": "save", "value": "", "cid": SECRET}),
        ),
        (
            "event",
            json!({"type": SECRET, "event": "lv:hunter2", "value": SECRET}),
        ),
        ("live_patch", json!({"url": 1, "code": SECRET})),
        ("hunter3", json!({"code": SECRET})),
    ] {
        visit.ask(name, wrong).await;
    }
    for token in tokens {
        assert!(!place.log.text().contains(&token), "{token}");
    }
}

async fn warns_of_topics(place: &Place) {
    let mut peer = Peer::connect(place.base(), "/socket/websocket?vsn=2.0.0")
        .await
        .unwrap();
    for topic in ["nobody:serves\nthis", "nor:this"] {
        let refused = said(&mut peer, json!(["1", "1", topic, "phx_join", {}])).await;
        assert_eq!(refused[4]["response"], json!({"reason": "unmatched topic"}));
    }
    assert_eq!(place.log.lines(&["WARN", "nobody:serves\\nthis", "/socket"]), 1);
    assert_eq!(place.log.lines(&["WARN", "nor:this"]), 0, "one warning a client");
}

// One test: they would all write into one log.
#[tokio::test]
async fn the_log_says_who_joins_what_and_holds_no_payload_no_token_no_cookie_and_no_password() {
    let log = Log::begin();
    let place = Place::start(log.clone());
    in_a_channel(&place).await;
    by_long_poll(&place).await;
    on_a_page(&place).await;
    warns_of_topics(&place).await;

    let joins = log.lines(&["a client joins", "topic=\"room:a\"", "parameters={"]);
    assert_eq!(joins, 2, "{}", log.text());
    assert_eq!(log.lines(&["a client joins", "parameters={deep, password}"]), 1);
    assert!(log.lines(&["event=\"echo\"", "parameters={password}"]) > 0);
    let told: Vec<String> = log
        .text()
        .lines()
        .filter(|line| line.contains(SECRET))
        .map(str::to_owned)
        .collect();
    // The name of an event is said; a client that hides a secret there has published it.
    assert_eq!(told, Vec::<String>::new());
}
