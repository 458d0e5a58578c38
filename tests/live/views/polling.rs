//! Long poll with the browser's session: the cookie counts only with the proof that the page is of this site.

use roost_live_tests::{Loaded, ask};
use serde_json::{Value, json};

use super::Place;

/// Joins the page's view by long poll; the answer to the join.
async fn joined(loaded: &Loaded, csrf: &str, cookie: Option<&str>) -> Value {
    let path = format!("/live/longpoll?vsn=2.0.0&_csrf_token={csrf}");
    let cookie = cookie.map(|cookie| ("cookie", cookie));
    let headers: Vec<(&str, &str)> = cookie.into_iter().collect();
    let opened = ask(&loaded.base, "GET", &path, &headers, b"").await;
    assert_eq!(opened.body["status"], 410, "a session was begun");
    let path = format!("{path}&token={}", opened.body["token"].as_str().unwrap());
    let join = json!(["1", "1", format!("lv:{}", loaded.id), "phx_join", loaded.join()]);
    let posted = ask(&loaded.base, "POST", &path, &[], join.to_string().as_bytes()).await;
    assert_eq!(posted.body["status"], 200);
    let polled = ask(&loaded.base, "GET", &path, &[], b"").await;
    let frame: Value = serde_json::from_str(polled.body["messages"][0].as_str().unwrap()).unwrap();
    frame[4].clone()
}

#[tokio::test]
async fn a_page_of_this_site_is_joined_by_its_cookie_and_its_proof() {
    let place = Place::start();
    let loaded = Loaded::of(&place.base).await;
    let reply = joined(&loaded, &loaded.csrf, Some(&loaded.cookie)).await;
    assert_eq!(reply["status"], "ok");
    assert_eq!(reply["response"]["liveview_version"], "1.2.12");
}

#[tokio::test]
async fn a_cookie_without_the_proof_and_a_proof_without_the_cookie_are_nobody() {
    let place = Place::start();
    let (loaded, other) = (Loaded::of(&place.base).await, Loaded::of(&place.base).await);
    let cookie = Some(loaded.cookie.as_str());
    let forged = format!("{}x", loaded.cookie);
    for (csrf, cookie) in [
        ("", cookie),
        ("forged", cookie),
        (other.csrf.as_str(), cookie),
        (loaded.csrf.as_str(), None),
        (loaded.csrf.as_str(), Some(other.cookie.as_str())),
        (loaded.csrf.as_str(), Some(forged.as_str())),
    ] {
        let reply = joined(&loaded, csrf, cookie).await;
        let stale = json!({"status": "error", "response": {"reason": "stale"}});
        assert_eq!(reply, stale, "{csrf} {cookie:?}");
    }
}
