//! The desks of the tests' gateway: what they answer to whoever asks for recordings, profiles and newcomers.

use roost_model::Filter;
use roost_runtime::{Bus, Policy};
use serde_json::{Value as Json, json};

/// What must never become markup.
pub(crate) const EVIL: &str = "<script>alert(1)</script>";

/// The file of the recording of `boiler`.
pub(crate) fn recording() -> String {
    let lines = [
        json!({ "roost_recording": 1, "device": "boiler", "lost": 3 }),
        json!({ "at_ms": 1, "kind": "in", "topic": "t/a", "text": EVIL, "outcome": { "samples": 2, "faults": 1 } }),
        json!({ "at_ms": 2, "kind": "in", "topic": "t/b", "hex": "00ff", "length": 9000 }),
        json!({ "at_ms": 3, "kind": "restart", "text": "panicked at x.rs:1: no luck" }),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

fn answer(desk: &str, what: &str, request: &Json) -> Json {
    let fault = json!({ "line": 2, "field": "points[0].topic", "message": EVIL });
    let newcomer = json!({
        "client": "a~2fb", "client_id": "a/b", "address": "192.168.1.5", "connected": true, "since_ms": 1,
        "heard_ms": 2, "messages": 1, "lost": 0, "accepted_as": null,
        "guess": { "profile": "native", "spoken_as": "pump", "reason": "its topics" },
        "sample": [{ "at_ms": 1, "topic": "t", "payload": EVIL }], "profiles": ["native", "tasmota"],
    });
    match (desk, what) {
        ("recordings", _) if request["id"] == "boiler" => json!({ "text": recording() }),
        ("profiles", "list") => {
            json!({ "items": [{ "id": "meter", "origin": "overridden", "faults": [fault] }] })
        }
        ("profiles", "get") if request["id"] != "acme" => {
            json!({ "text": "id = \"meter\"\nthe second line", "origin": "file", "faults": [], "versions": [1, 2] })
        }
        ("profiles", "put") if request["text"].as_str().unwrap().starts_with("bad") => {
            json!({ "faults": [fault] })
        }
        ("profiles", "delete") if request["id"] == "meter" => json!({ "in_use": 3 }),
        ("profiles", "put" | "delete" | "restore") => json!({ "ok": true }),
        ("profiles", "try") => json!({ "frames": [{
            "at_ms": 1, "topic": "t", "payload": EVIL, "cut": false, "before": ["old = 1"], "after": ["new = 2"],
        }] }),
        ("onboarding", "list" | "credential") => json!({
            "enabled": true, "user": "onboard", "secret": "s3cret", "clients": [newcomer], "ignored": ["noise"],
        }),
        ("onboarding", "get") if request["client"] == "a~2fb" => newcomer,
        ("onboarding", "accept") if request["id"] == "pump" => {
            json!({ "id": "pump", "secret": "own-s3cret", "spoken_as": "old-name", "messages": 4 })
        }
        ("onboarding", "accept") => json!({ "errors": { "id": ["is taken"] } }),
        ("onboarding", "ignore" | "undo") => json!({ "ok": true }),
        _ => json!({ "not_found": true }),
    }
}

/// Serves the desks.
pub(crate) fn serve(bus: &Bus) {
    let mut taker = bus.subscriber(100, Policy::DropOldest);
    for desk in ["recordings", "profiles", "onboarding"] {
        taker.serve(Filter::new(format!("$roost/{desk}/+")).unwrap());
    }
    tokio::spawn(async move {
        while let Some(delivery) = taker.recv().await {
            let request: Json = serde_json::from_slice(&delivery.message.body).unwrap();
            let levels: Vec<&str> = delivery.message.topic.levels().collect();
            let answer = answer(levels[1], levels[2], &request);
            delivery.reply.unwrap().send(answer.to_string());
        }
    });
}
