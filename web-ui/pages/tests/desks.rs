//! The pages and routes that ask the program's desks: what devices said, profiles, newcomers.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use site::desks::{EVIL, recording};
use site::{Reply, Site, TOKEN};

async fn form(site: &Site, path: &str, body: &str, from: &str) -> Reply {
    let request = Request::post(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("sec-fetch-site", from)
        .header("content-type", "application/x-www-form-urlencoded");
    site.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

async fn page(site: &Site, path: &str) -> String {
    let reply = site.call("GET", path, None).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    assert!(!reply.text.contains(EVIL), "{path}: {}", reply.text);
    reply.text
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[tokio::test]
async fn what_devices_say_and_what_changes_things_asks_for_the_token_on_this_machine_too() {
    let site = Site::usual().await;
    for path in [
        "/devices/boiler/recording",
        "/devices/boiler/recording.jsonl",
        "/profiles",
        "/profiles/meter",
        "/discovered",
        "/discovered/a~2fb",
    ] {
        let reply = site.visit(path).await;
        let location = format!("/sign-in?next={path}");
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (303, location.as_str())
        );
        let foreign = form(&site, path, "action=save&text=good", "cross-site").await;
        assert!(
            [403, 405].contains(&foreign.status.as_u16()),
            "{path}: {}",
            foreign.status
        );
    }
    assert_eq!(
        site.visit("/devices/boiler").await.status,
        200,
        "values are for all on this machine"
    );
    assert_eq!(site.visit("/sign-in?next=/profiles").await.status, 200);
    for path in [
        "/api/v1/devices/boiler/recording",
        "/api/v1/onboarding",
        "/api/v1/profiles/meter",
    ] {
        assert_eq!(site.visit(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_recording_is_a_list_to_be_read_and_a_file_to_be_kept() {
    let site = Site::usual().await;
    let text = page(&site, "/devices/boiler/recording").await;
    holds(
        &text,
        &[
            "t/a",
            "partly understood",
            "2 readings",
            "hex 00ff",
            "the beginning of 9,000 bytes",
        ],
    );
    holds(
        &text,
        &[
            "panicked at x.rs:1: no luck",
            "3 older entries",
            "roost replay boiler.jsonl",
        ],
    );
    let newest_first = text.find("panicked").unwrap() < text.find("t/a").unwrap();
    assert!(newest_first);
    let file = site.call("GET", "/api/v1/devices/boiler/recording", None).await;
    assert_eq!(
        (file.header("content-type"), file.text.as_str()),
        ("application/x-ndjson", recording().as_str())
    );
    let missing = site.call("GET", "/api/v1/devices/lamp/recording", None).await;
    missing.problem(404);
}

#[tokio::test]
async fn a_profile_shows_its_faults_beside_the_lines_and_keeps_what_was_typed() {
    let site = Site::usual().await;
    let list = page(&site, "/profiles").await;
    holds(
        &list,
        &[
            "a file, overrides the built-in one",
            "line 2: ",
            "points[0].topic",
        ],
    );
    let text = page(&site, "/profiles/meter").await;
    holds(
        &text,
        &["the second line", "Previous versions", "restore 2", "boiler"],
    );
    let refused = form(
        &site,
        "/profiles/meter",
        "action=save&text=bad%0Atwo+of+mine",
        "same-origin",
    )
    .await;
    holds(&refused.text, &["Line 2: ", "two of mine", "&lt;script&gt;"]);
    let saved = form(&site, "/profiles/meter", "action=save&text=good", "same-origin").await;
    assert_eq!(
        (saved.status.as_u16(), saved.header("location")),
        (303, "/profiles/meter")
    );
    let removed = form(&site, "/profiles/meter", "action=remove", "same-origin").await;
    assert_eq!(removed.status, 409);
    holds(&removed.text, &["3 devices speak the profile meter"]);
}

#[tokio::test]
async fn a_trial_shows_what_would_become_something_else() {
    let site = Site::usual().await;
    let body = "action=try&text=draft+of+mine&device=boiler";
    let tried = form(&site, "/profiles/meter", body, "same-origin").await;
    holds(
        &tried.text,
        &[
            "1 would become something else",
            "old = 1",
            "new = 2",
            "draft of mine",
        ],
    );
    assert!(!tried.text.contains(EVIL));
    let body = json!({ "text": "draft", "device": "boiler" });
    let answer = site.call("POST", "/api/v1/profiles/meter/try", Some(body)).await;
    assert_eq!(answer.json()["frames"][0]["after"], json!(["new = 2"]));
}

#[tokio::test]
async fn a_new_profile_begins_with_a_text_that_shows_how_it_goes_on() {
    let site = Site::usual().await;
    let text = page(&site, "/profiles/acme").await;
    holds(&text, &["nothing is saved yet", "acme/{device}/#"]);
    let there = site.call("GET", "/profiles?id=acme", None).await;
    assert_eq!(
        (there.status.as_u16(), there.header("location")),
        (303, "/profiles/acme")
    );
    holds(&page(&site, "/profiles?id=a%20b").await, &["An id has letters"]);
}

#[tokio::test]
async fn a_newcomer_is_shown_with_its_guess_and_becomes_a_device_with_a_secret_that_is_shown_once() {
    let site = Site::usual().await;
    let list = page(&site, "/discovered").await;
    holds(
        &list,
        &[
            "a/b",
            "192.168.1.5",
            "native",
            "its topics",
            "s3cret",
            "noise",
            "1883",
        ],
    );
    let text = page(&site, "/discovered/a~2fb").await;
    holds(
        &text,
        &["value=\"pump\"", "Less safe", "tasmota", "&lt;script&gt;"],
    );
    let wrong = form(
        &site,
        "/discovered/a~2fb",
        "id=boiler&profile=native",
        "same-origin",
    )
    .await;
    holds(&wrong.text, &["is taken", "value=\"boiler\""]);
    let accepted = form(
        &site,
        "/discovered/a~2fb",
        "id=pump&profile=native",
        "same-origin",
    )
    .await;
    holds(
        &accepted.text,
        &["pump is a device now", "own-s3cret", "4 messages", "old-name"],
    );
    let gone = site.call("GET", "/discovered/other", None).await;
    assert_eq!(gone.status, 404);
    let ignored = form(&site, "/discovered", "action=ignore&client=a~2fb", "same-origin").await;
    assert_eq!(
        (ignored.status.as_u16(), ignored.header("location")),
        (303, "/discovered")
    );
}

#[tokio::test]
async fn a_desk_that_does_not_run_is_said_so() {
    let site = Site::with(vec![]).await;
    let problem = site.call("GET", "/api/v1/onboarding", None).await.problem(503);
    assert!(
        problem["detail"].as_str().unwrap().contains("is not running"),
        "{problem}"
    );
}
