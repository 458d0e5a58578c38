//! From the join to the end: what a proper client hears.

use roost_live_tests::{Loaded, Visit, until};
use serde_json::{Value, json};

use super::Place;

#[tokio::test]
async fn a_view_answers_and_pushes_in_the_order_of_its_states() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    assert_eq!(
        visit.click("up").await,
        json!({"status": "ok", "response": {"diff": {"0": "1"}}})
    );
    assert_eq!(place.publish("value", "21.5"), 1);
    let pushed = visit.hear().await;
    assert_eq!(
        pushed,
        json!([pushed[0], null, visit.topic, "diff", {"1": "21.5"}])
    );
    assert_eq!(visit.click("noop").await, json!({"status": "ok", "response": {}}));
}

#[tokio::test]
async fn what_was_published_while_an_event_waits_is_in_its_answer_or_before_it() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let mut shown = Value::Null;
    for round in 0..200 {
        place.publish("value", &round.to_string());
        let reply = visit.click("up").await;
        assert_eq!(reply["response"]["diff"]["0"], (round + 1).to_string());
        if let Some(value) = reply["response"]["diff"].get("1") {
            shown = value.clone();
        }
    }
    place.publish("value", "last");
    while shown != "last" {
        shown = visit.hear().await[4]["1"].clone();
    }
}

#[tokio::test]
async fn a_view_that_panics_says_so_and_is_joined_anew() {
    let place = Place::start();
    let loaded = Loaded::of(&place.base).await;
    let mut visit = loaded.connect().await;
    visit.enter(loaded.join()).await;
    visit.click("up").await;
    visit
        .send("event", json!({"type": "click", "event": "boom", "value": {}}))
        .await;
    let crashed = visit.hear().await;
    assert_eq!(
        (&crashed[3], &crashed[4]),
        (&json!("phx_error"), &json!({"reason": "channel_crash"}))
    );
    let reply = visit.enter(loaded.join()).await;
    assert_eq!(reply["response"]["rendered"]["0"], "0", "its state is gone");
}

#[tokio::test]
async fn a_view_that_is_left_hears_nothing_more() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    assert_eq!(visit.ask("phx_leave", json!({})).await["status"], "ok");
    assert_eq!(visit.hear().await[3], "phx_close");
    let reply = visit.click("up").await;
    assert_eq!(
        reply,
        json!({"status": "error", "response": {"reason": "unmatched topic"}})
    );
    assert_eq!(place.publish("value", "nobody"), 0);
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_its_views() {
    let place = Place::start();
    let visit = Visit::of(&place.base).await;
    assert_eq!(place.publish("value", "one"), 1);
    drop(visit);
    until("the view to hear no more", || place.bus.stats().filters == 0).await;
}

#[tokio::test]
async fn a_view_is_told_what_it_wanted_to_be_told_later() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    visit.click("later").await;
    assert_eq!(visit.hear().await[4], json!({"1": "it is later"}));
}
