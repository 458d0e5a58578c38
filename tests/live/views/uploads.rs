//! Files over a real socket: sent, refused, broken off.

use roost_live_tests::{Heard, Visit};
use serde_json::{Value, json};

use super::Place;

/// A frame of bytes as the client makes it: kind 0, the lengths of four texts, the texts, the bytes.
fn chunk(topic: &str, reference: &str, bytes: &[u8]) -> Vec<u8> {
    let texts = ["up", reference, topic, "chunk"];
    let mut frame = vec![0];
    frame.extend(texts.map(|text| u8::try_from(text.len()).unwrap()));
    texts.iter().for_each(|text| frame.extend(text.as_bytes()));
    frame.extend(bytes);
    frame
}

/// Chooses a file and asks to send it; the answer.
async fn allow(visit: &mut Visit, place_id: &str, size: u64) -> Value {
    let entry =
        json!({"ref": "0", "name": "fw.bin", "type": "application/octet-stream", "size": size, "path": "fw"});
    visit
        .ask("allow_upload", json!({"ref": place_id, "entries": [entry]}))
        .await
}

fn reference(visit: &Visit) -> String {
    format!("{}-fw", visit.topic.strip_prefix("lv:").unwrap())
}

/// Joins the channel of the file.
async fn join(visit: &mut Visit, token: &Value) -> Value {
    visit
        .peer
        .json(&json!(["up", "up", "lvu:0", "phx_join", {"token": token}]))
        .await;
    visit.reply("up").await
}

#[tokio::test]
async fn a_file_goes_to_the_disk_and_from_there_to_the_view() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let upload = reference(&visit);
    let allowed = allow(&mut visit, &upload, 150_000).await;
    assert_eq!(allowed["response"]["config"]["max_file_size"], 100_000_000);
    assert_eq!(
        join(&mut visit, &allowed["response"]["entries"]["0"]).await["status"],
        "ok"
    );
    for (at, size) in [64_000, 64_000, 22_000].into_iter().enumerate() {
        let name = format!("c{at}");
        visit.peer.bytes(chunk("lvu:0", &name, &vec![7; size])).await;
        assert_eq!(visit.reply(&name).await, json!({"status": "ok", "response": {}}));
    }
    assert_eq!(place.files(), 1);
    let done = json!({"event": null, "ref": upload, "entry_ref": "0", "progress": 100});
    assert_eq!(visit.ask("progress", done).await["status"], "ok");
    let kept = visit.click("keep").await;
    assert_eq!(kept["response"]["diff"]["2"], "fw.bin 150000", "{kept}");
    let closed = visit.hear().await;
    assert_eq!((&closed[2], &closed[3]), (&json!("lvu:0"), &json!("phx_close")));
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn a_gigabyte_is_refused_before_its_first_byte_and_at_the_byte_that_is_too_many() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let upload = reference(&visit);
    let refused = allow(&mut visit, &upload, 1_000_000_000).await;
    assert_eq!(refused["response"]["error"], json!([["0", "too_large"]]));
    assert_eq!((place.files(), refused["response"].get("entries")), (0, None));
    visit.click("cancel").await;
    let allowed = allow(&mut visit, &upload, 100_000).await;
    join(&mut visit, &allowed["response"]["entries"]["0"]).await;
    visit.peer.bytes(chunk("lvu:0", "a", &vec![7; 64_000])).await;
    assert_eq!(visit.reply("a").await["status"], "ok");
    visit.peer.bytes(chunk("lvu:0", "b", &vec![7; 64_000])).await;
    let reply = visit.reply("b").await;
    assert_eq!(
        reply,
        json!({"status": "error", "response": {"reason": "file_size_limit_exceeded"}})
    );
    let written = std::fs::read_dir(place.folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .metadata()
        .unwrap()
        .len();
    assert_eq!(written, 64_000);
    assert_eq!(visit.click("up").await["status"], "ok", "the view lives on");
}

#[tokio::test]
async fn forged_tokens_second_senders_and_big_chunks_are_refused() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let refused = json!({"status": "error", "response": {"reason": "disallowed"}});
    assert_eq!(join(&mut visit, &json!("forged")).await, refused);
    let upload = reference(&visit);
    let allowed = allow(&mut visit, &upload, 1_000_000).await;
    let token = &allowed["response"]["entries"]["0"];
    assert_eq!(join(&mut visit, token).await["status"], "ok");
    let mut second = Visit::of(&place.base).await;
    assert_eq!(join(&mut second, token).await, refused);
    visit.peer.bytes(chunk("lvu:0", "a", &vec![7; 64_001])).await;
    assert_eq!(visit.reply("a").await["status"], "error");
}

#[tokio::test]
async fn a_file_is_gone_with_its_view_and_when_it_is_cancelled() {
    let place = Place::start();
    let mut visit = Visit::of(&place.base).await;
    let upload = reference(&visit);
    let allowed = allow(&mut visit, &upload, 1_000_000).await;
    join(&mut visit, &allowed["response"]["entries"]["0"]).await;
    assert_eq!(place.files(), 0, "what is only said takes no room");
    visit.peer.bytes(chunk("lvu:0", "a", &vec![7; 64_000])).await;
    visit.reply("a").await;
    assert_eq!(place.files(), 1);
    visit.click("cancel").await;
    assert_eq!(visit.hear().await[3], "phx_close");
    assert_eq!(place.files(), 0);
    let allowed = allow(&mut visit, &upload, 1_000_000).await;
    join(&mut visit, &allowed["response"]["entries"]["0"]).await;
    visit.peer.bytes(chunk("lvu:0", "b", &vec![7; 64_000])).await;
    visit.reply("b").await;
    visit
        .send("event", json!({"type": "click", "event": "boom", "value": {}}))
        .await;
    let mut ends = [visit.hear().await, visit.hear().await];
    ends.sort_by_key(|frame| frame[2].to_string());
    assert_eq!(
        (&ends[0][3], &ends[1][3]),
        (&json!("phx_error"), &json!("phx_close"))
    );
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn a_frame_without_end_closes_its_own_connection_alone() {
    let place = Place::start();
    let (mut visit, mut neighbour) = (Visit::of(&place.base).await, Visit::of(&place.base).await);
    visit.peer.bytes(chunk("lvu:0", "a", &vec![7; 2_000_000])).await;
    assert_eq!(visit.peer.end().await, 1009);
    assert_eq!(neighbour.click("up").await["status"], "ok");
    assert!(matches!(visit.peer.hear().await, Heard::Closed(_)));
}
