//! The desks of the preview: a recording, profiles of which one is broken, newcomers that wait.

use roost_model::Filter;
use roost_runtime::{Bus, ChildSpec, Policy};
use serde_json::{Value as Json, json};

use crate::now_ms;

const METER: &str = "# Meters of the plant room, by pulse counter.
id = \"plant-meter\"
label = \"Meters of the plant room\"
publishes = [\"plant/{device}/#\"]
subscribes = [\"plant/{device}/set/+\"]

points = [
    { topic = \"plant/{device}/state\", pointer = \"/flow\", point = \"flow\", kind = \"number\", unit = \"l/min\" },
    { topic = \"plant/{device}/valve\", point = \"valve\", kind = \"bool\", access = \"read_write\" },
]
";

fn recording(device: &str) -> String {
    let at = |seconds: i64| now_ms() - seconds * 1000;
    let topic = |rest: &str| format!("devices/{device}/{rest}");
    let lines = [
        json!({ "roost_recording": 1, "device": device, "lost": 1240 }),
        json!({ "at_ms": at(7230), "kind": "status", "text": "connected from 192.168.10.41" }),
        json!({ "at_ms": at(7229), "kind": "in", "topic": topic("telemetry"), "outcome": { "samples": 3 },
            "text": "{\"temperature\":{\"value\":21.4,\"unit\":\"°C\"},\"humidity\":{\"value\":44,\"unit\":\"%\"},\
                     \"relay\":{\"value\":false,\"access\":\"read_write\"}}" }),
        json!({ "at_ms": at(340), "kind": "out", "topic": topic("commands/relay"),
            "text": "{\"id\":\"c1790000000000-0000\",\"value\":true}" }),
        json!({ "at_ms": at(339), "kind": "in", "topic": topic("commands/relay/result"),
            "outcome": { "samples": 0, "acks": 1 }, "text": "{\"id\":\"c1790000000000-0000\"}" }),
        json!({ "at_ms": at(95), "kind": "in", "topic": topic("telemetry/temperature"),
            "outcome": { "samples": 0, "faults": 1 }, "text": "{\"value\": 21.5, \"unit\": 7}" }),
        json!({ "at_ms": at(61), "kind": "in", "topic": topic("firmware"), "hex": "a5".repeat(90), "length": 65_536 }),
        json!({ "at_ms": at(60), "kind": "restart",
            "text": "panicked at drivers/src/codecs/meter.rs:91: the index is 4" }),
        json!({ "at_ms": at(3), "kind": "in", "topic": topic("telemetry/temperature"), "outcome": { "samples": 1 },
            "text": "{\"value\": 21.5, \"unit\": \"°C\"}" }),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

fn newcomer(number: i64) -> Json {
    let known = [
        (
            "shellyplus1pm-441793d69718",
            "192.168.10.57",
            "shelly",
            "its topics end as those of the family do",
        ),
        (
            "tasmota_4A11C0",
            "192.168.10.58",
            "tasmota",
            "it publishes to tele/tasmota_4A11C0/STATE",
        ),
        ("ESP-7f", "192.168.10.113", "", ""),
    ];
    let (id, address, profile, reason) = known[usize::try_from(number).unwrap_or(0) % known.len()];
    let guess = json!({ "profile": profile, "spoken_as": id, "reason": reason });
    json!({
        "client": id, "client_id": id, "address": address, "connected": number != 1, "since_ms": now_ms() - 400_000,
        "heard_ms": now_ms() - 4000 - number * 70_000, "messages": 12 * (number + 1), "lost": number * 30,
        "accepted_as": null, "guess": if profile.is_empty() { Json::Null } else { guess },
        "profiles": ["native", "shelly", "tasmota"],
        "sample": [
            { "at_ms": now_ms() - 64_000, "topic": format!("{id}/online"), "payload": "true" },
            { "at_ms": now_ms() - 4000, "topic": format!("{id}/status/switch:0"),
                "payload": "{\"id\":0,\"output\":false,\"voltage\":231.4,\"temperature\":{\"tC\":41.5}}" },
        ],
    })
}

fn answer(desk: &str, what: &str, request: &Json, empty: bool) -> Json {
    let fault = json!({ "line": 8, "field": "points[0].unit",
        "message": "is \"l/min\" here and \"m³/h\" in points[3]: a point has one unit" });
    let id = request["id"].as_str().unwrap_or_default();
    match (desk, what) {
        ("recordings", _) => json!({ "text": recording(id) }),
        ("profiles", "list") => json!({ "items": [
            { "id": "native", "origin": "built_in", "faults": [] },
            { "id": "plant-meter", "origin": "file", "faults": [fault] },
            { "id": "shelly", "origin": "built_in", "faults": [] },
            { "id": "tasmota", "origin": "overridden", "faults": [] },
        ] }),
        ("profiles", "get") => json!({ "text": METER, "origin": "file", "faults": [fault],
            "versions": [now_ms() - 86_400_000, now_ms() - 900_000_000] }),
        ("profiles", "try") => json!({ "frames": [
            { "at_ms": now_ms() - 3000, "topic": "plant/m1/state", "payload": "{\"flow\":3.25}", "cut": false,
                "before": ["flow = 3.25 l/min"], "after": ["flow = 0.195 m³/h"] },
            { "at_ms": now_ms() - 9000, "topic": "plant/m1/valve", "payload": "1", "cut": false,
                "before": ["valve = on"], "after": ["valve = on"] },
        ] }),
        ("profiles", "put") => json!({ "faults": [fault] }),
        ("onboarding", "get") => newcomer(0),
        ("onboarding", "accept") if id == "taken" => json!({ "errors": { "id": ["is taken"] } }),
        ("onboarding", "accept") => {
            json!({ "id": id, "secret": "hk4-92w-mm7-x3q", "spoken_as": "old-name", "messages": 12 })
        }
        ("onboarding", _) => {
            let clients: Vec<Json> = (0..if empty { 0 } else { 3 }).map(newcomer).collect();
            let ignored: &[&str] = if empty { &[] } else { &["neighbours-phone"] };
            json!({ "enabled": true, "user": "onboard", "secret": "7f2-kq9-dd1-0wz", "clients": clients,
                "ignored": ignored })
        }
        _ => json!({ "ok": true }),
    }
}

/// The child that answers for all desks; `empty` for a gateway where nobody waits.
pub(crate) fn child(bus: Bus, empty: bool) -> ChildSpec {
    ChildSpec::new("desks", move |context| {
        let mut taker = bus.subscriber(100, Policy::DropOldest);
        for filter in ["$roost/recordings/+", "$roost/profiles/+", "$roost/onboarding/+"] {
            if let Ok(filter) = Filter::new(filter) {
                taker.serve(filter);
            }
        }
        async move {
            context.ready();
            loop {
                tokio::select! {
                    () = context.shutdown.requested() => return Ok(()),
                    Some(delivery) = taker.recv() => {
                        let request: Json = serde_json::from_slice(&delivery.message.body).unwrap_or_default();
                        let levels: Vec<&str> = delivery.message.topic.levels().collect();
                        let answer = answer(levels[1], levels[2], &request, empty);
                        if let Some(reply) = delivery.reply {
                            reply.send(answer.to_string());
                        }
                    }
                }
            }
        }
    })
}
