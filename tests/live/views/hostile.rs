//! Clients that mean harm: a clear refusal, and nobody else notices.

use roost_live_tests::{Loaded, Peer, Visit};
use serde_json::{Value, json};

use super::Place;

fn stale() -> Value {
    json!({"status": "error", "response": {"reason": "stale"}})
}

#[tokio::test]
async fn a_page_of_a_foreign_site_joins_nothing() {
    let place = Place::start();
    let loaded = Loaded::of(&place.base).await;
    for csrf in ["", "forged"] {
        let mut visit = loaded.connect_with(csrf).await;
        assert_eq!(visit.enter(loaded.join()).await, stale());
    }
    let theirs = Loaded::of(&place.base).await;
    let mut visit = loaded.connect_with(&theirs.csrf).await;
    assert_eq!(visit.enter(loaded.join()).await, stale(), "of another session");
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_not_connected() {
    let place = Place::start();
    let loaded = Loaded::of(&place.base).await;
    let path = format!("/live/websocket?_csrf_token={}&vsn=2.0.0", loaded.csrf);
    let headers = [
        ("cookie", loaded.cookie.as_str()),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(
        Peer::connect_with(&place.base, &path, &headers).await.err(),
        Some(403)
    );
    let headers = [
        ("cookie", loaded.cookie.as_str()),
        ("origin", place.base.as_str()),
    ];
    assert!(Peer::connect_with(&place.base, &path, &headers).await.is_ok());
}

#[tokio::test]
async fn a_token_of_another_view_or_of_nobody_joins_nothing() {
    let place = Place::start();
    let (loaded, other) = (Loaded::of(&place.base).await, Loaded::of(&place.base).await);
    let mut visit = loaded.connect().await;
    let mut payload = loaded.join();
    for token in [
        other.session.as_str(),
        loaded.csrf.as_str(),
        "",
        "a.b.c",
        &"x".repeat(100_000),
    ] {
        payload["session"] = token.into();
        assert_eq!(visit.enter(payload.clone()).await, stale(), "{token:.40}");
    }
    for payload in [
        json!({}),
        json!([]),
        json!(null),
        json!({"session": 7}),
        json!({"params": "none"}),
    ] {
        assert_eq!(visit.enter(payload.clone()).await, stale(), "{payload}");
    }
    assert_eq!(
        visit.enter(loaded.join()).await["status"],
        "ok",
        "the connection lives on"
    );
}

#[tokio::test]
async fn what_is_said_to_views_that_were_not_joined_is_refused() {
    let place = Place::start();
    let loaded = Loaded::of(&place.base).await;
    let mut visit = loaded.connect().await;
    let refused = json!({"status": "error", "response": {"reason": "unmatched topic"}});
    for event in ["event", "live_patch", "allow_upload", "cids_destroyed", "chunk"] {
        assert_eq!(visit.ask(event, json!({})).await, refused);
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_the_view_lives_on() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let frames = [
        format!("[null,\"n\",\"{}\",\"event\",[1,2]]", visit.topic),
        format!("[null,\"n\",\"{}\",\"event\",null]", visit.topic),
        format!("[null,\"n\",\"{}\",\"no such thing\",{{}}]", visit.topic),
        format!(
            "[null,\"n\",\"{}\",\"event\",{{\"type\":\"click\",\"event\":\"lv:other\"}}]",
            visit.topic
        ),
        format!("[null,\"n\",\"{}\",\"live_patch\",{{\"url\":7}}]", visit.topic),
        format!(
            "[null,\"n\",\"{}\",\"cids_destroyed\",{{\"cids\":[-1]}}]",
            visit.topic
        ),
        format!(
            "[null,\"n\",\"{}\",\"allow_upload\",{{\"ref\":\"none\",\"entries\":[]}}]",
            visit.topic
        ),
        format!(
            "[null,\"n\",\"{}\",\"event\",{{\"type\":\"form\",\"event\":\"up\",\"value\":\"%ff%f\"}}]",
            visit.topic
        ),
    ];
    for frame in &frames {
        visit.peer.text(frame).await;
        assert_eq!(visit.reply("n").await["status"], "error", "{:.80}", frame);
    }
    assert_eq!(visit.click("up").await["response"]["diff"]["0"], "1");
}

#[tokio::test]
async fn a_neighbour_does_not_notice_ten_thousand_forged_joins() {
    let place = Place::start();
    let mut neighbour = Visit::of(&place.base).await;
    let loaded = Loaded::of(&place.base).await;
    let mut visit = loaded.connect().await;
    for at in 0..10_000_u32 {
        let join = json!({"url": "http://x/", "session": format!("{at}.0.{at}"), "params": {}});
        let frame = json!([
            at.to_string(),
            at.to_string(),
            format!("lv:phx-{at}"),
            "phx_join",
            join
        ]);
        visit.peer.json(&frame).await;
        assert_eq!(visit.reply(&at.to_string()).await, stale());
        if at % 1_000 == 0 {
            assert_eq!(neighbour.click("noop").await["status"], "ok");
        }
    }
    assert_eq!(place.endpoint.connections("/live").len(), 2);
}

#[tokio::test]
async fn json_without_a_bottom_ends_its_own_connection_alone() {
    let place = Place::start();
    let (mut visit, mut neighbour) = (Visit::of(&place.base).await, Visit::of(&place.base).await);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    visit
        .send_text(&format!(
            "{{\"type\":\"hook\",\"event\":\"up\",\"value\":{deep}}}"
        ))
        .await;
    assert_eq!(visit.peer.end().await, 1011);
    assert_eq!(neighbour.click("up").await["status"], "ok");
}
