//! Changes over the JSON API: devices that are added, changed and removed, and commands.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use axum::http::header;
use serde_json::json;
use site::Site;

#[tokio::test]
async fn a_device_is_added_with_a_secret_that_is_shown_once() {
    let site = Site::usual().await;
    let reply = site
        .call(
            "POST",
            "/api/v1/devices",
            Some(json!({"id": "new", "profile": "native"})),
        )
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (201, json!({"id": "new", "secret": "first-secret"}))
    );
    assert_eq!(reply.header(header::LOCATION), "/api/v1/devices/new");
    for path in ["/api/v1/devices/new", "/api/v1/devices", "/devices/boiler", "/"] {
        let text = site.call("GET", path, None).await.text;
        assert!(
            !text.contains("secret_hash") && !text.contains("abab") && !text.contains("first-secret"),
            "{path}"
        );
    }
    let renewed = site
        .call("POST", "/api/v1/devices/boiler/secret", None)
        .await
        .json();
    assert_eq!(renewed["secret"], "fresh-secret");
}

#[tokio::test]
async fn what_is_wrong_with_a_device_is_said_by_field() {
    let site = Site::usual().await;
    let wrong = json!({"id": "a b", "labl": "x"});
    let problem = site
        .call("POST", "/api/v1/devices", Some(wrong.clone()))
        .await
        .problem(422);
    assert_eq!(
        problem["errors"]["labl"],
        json!(["is not a field; did you mean label?"])
    );
    let batch = json!({"devices": [{"id": "fine", "profile": "native"}, wrong]});
    let problem = site
        .call("POST", "/api/v1/devices/batch", Some(batch))
        .await
        .problem(422);
    assert_eq!(
        (&problem["errors"][0]["index"], &problem["errors"][0]["id"]),
        (&json!(1), &json!("a b"))
    );
    site.call("GET", "/api/v1/devices/fine", None).await.problem(404);
    let problem = site
        .call("PATCH", "/api/v1/devices/boiler", Some(json!({"cadence_ms": 1})))
        .await
        .problem(422);
    assert!(problem["errors"]["cadence_ms"][0].is_string());
    let broken = site
        .call("POST", "/api/v1/devices", Some(json!({"id": "broken"})))
        .await
        .problem(503);
    assert_eq!(broken["detail"], "the store takes no more");
}

#[tokio::test]
async fn a_change_and_a_removal_are_seen_at_once() {
    let site = Site::usual().await;
    site.call("GET", "/api/v1/devices", None).await;
    let changed = site
        .call(
            "PATCH",
            "/api/v1/devices/boiler",
            Some(json!({"label": "Cellar"})),
        )
        .await
        .json();
    assert_eq!(
        (&changed["label"], &changed["points"][1]["value"]),
        (&json!("Cellar"), &json!(21.5))
    );
    let listed = site.call("GET", "/api/v1/devices?q=CELL", None).await.json();
    assert_eq!(listed["items"][0]["id"], "boiler");
    assert_eq!(
        site.call("DELETE", "/api/v1/devices/boiler", None).await.status,
        204
    );
    site.call("DELETE", "/api/v1/devices/boiler", None)
        .await
        .problem(404);
    site.call("PATCH", "/api/v1/devices/boiler", Some(json!({})))
        .await
        .problem(404);
    site.call("POST", "/api/v1/devices/lamp/secret", None)
        .await
        .problem(404);
    assert_eq!(
        site.call("GET", "/api/v1/devices", None).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_command_is_accepted_refused_or_has_no_taker() {
    let site = Site::usual().await;
    let commands = |device: &str, point: &str| format!("/api/v1/devices/{device}/points/{point}/commands");
    let sent = site
        .call("POST", &commands("boiler", "relay"), Some(json!({"value": true})))
        .await;
    assert_eq!(
        (sent.status.as_u16(), &sent.json()["state"]),
        (202, &json!("sent"))
    );
    assert_eq!(sent.json()["deadline_ms"], 11_000);
    assert_eq!(sent.header(header::LOCATION), "/api/v1/commands/c-relay");
    let refused = site
        .call(
            "POST",
            &commands("boiler", "temperature"),
            Some(json!({"value": 1})),
        )
        .await
        .problem(409);
    assert_eq!(
        (&refused["command"]["state"], &refused["command"]["reason"]),
        (&json!("refused"), &json!("takes no commands"))
    );
    let untaken = site
        .call("POST", &commands("lamp", "relay"), Some(json!({"value": 1})))
        .await
        .problem(503);
    assert!(
        untaken["detail"].as_str().unwrap().contains("is not running"),
        "{untaken}"
    );
    site.call("POST", &commands("nobody", "relay"), Some(json!({"value": 1})))
        .await
        .problem(404);
    let wrong = json!({"value": null, "within_ms": 0});
    let invalid = site
        .call("POST", &commands("boiler", "relay"), Some(wrong))
        .await
        .problem(422);
    assert!(invalid["errors"]["value"].is_array() && invalid["errors"]["within_ms"].is_array());
    let listed = site
        .call("GET", "/api/v1/commands?device=boiler&limit=1", None)
        .await
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    site.call("GET", "/api/v1/commands/nothing", None)
        .await
        .problem(404);
}

#[tokio::test]
async fn the_result_on_the_bus_is_newer_than_the_stored_command() {
    let site = Site::usual().await;
    let path = "/api/v1/devices/boiler/points/relay/commands";
    let mut command = site.call("POST", path, Some(json!({"value": true}))).await.json();
    command["state"] = json!("verified");
    command["changed_ms"] = json!(2000);
    site.retain("devices/boiler/points/relay/result", &command.to_string());
    let seen = site.call("GET", "/api/v1/commands/c-relay", None).await.json();
    assert_eq!(seen["state"], "verified");
}

#[tokio::test]
async fn a_key_may_stand_in_the_header_and_must_not_contradict_the_body() {
    let site = Site::usual().await;
    let send = async |key: &str, body: serde_json::Value| {
        let request = axum::http::Request::builder()
            .method("POST")
            .uri("/api/v1/devices/boiler/points/relay/commands")
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", site::TOKEN))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        site.send(request.body(body.to_string().into()).unwrap()).await
    };
    for key in ["k1", "\"k1\""] {
        assert_eq!(
            send(key, json!({"value": true})).await.json()["key"],
            "k1",
            "{key}"
        );
    }
    assert_eq!(
        send("k1", json!({"value": true, "key": "k1"}))
            .await
            .status
            .as_u16(),
        202
    );
    send("k1", json!({"value": true, "key": "k2"})).await.problem(400);
    send("", json!({"value": true})).await.problem(400);
}

#[tokio::test]
async fn a_queued_command_is_taken_back_and_another_one_is_not() {
    let site = Site::usual().await;
    for point in ["relay", "temperature"] {
        let path = format!("/api/v1/devices/boiler/points/{point}/commands");
        site.call("POST", &path, Some(json!({"value": true}))).await;
    }
    let cancelled = site.call("DELETE", "/api/v1/commands/c-relay", None).await;
    assert_eq!(
        (cancelled.status.as_u16(), &cancelled.json()["state"]),
        (200, &json!("cancelled"))
    );
    let late = site
        .call("DELETE", "/api/v1/commands/c-temperature", None)
        .await
        .problem(409);
    assert_eq!(late["command"]["state"], "refused");
    site.call("DELETE", "/api/v1/commands/c-nothing", None)
        .await
        .problem(404);
}

#[tokio::test]
async fn the_list_of_commands_goes_on_where_a_page_ended() {
    let site = Site::usual().await;
    for point in ["relay", "temperature"] {
        let path = format!("/api/v1/devices/boiler/points/{point}/commands");
        site.call("POST", &path, Some(json!({"value": true}))).await;
    }
    for filter in ["", "&device=boiler"] {
        let first = site
            .call("GET", &format!("/api/v1/commands?limit=1{filter}"), None)
            .await
            .json();
        assert_eq!(first["items"][0]["id"], "c-temperature");
        let next = first["next"].as_str().unwrap();
        let second = site
            .call(
                "GET",
                &format!("/api/v1/commands?limit=1&before={next}{filter}"),
                None,
            )
            .await
            .json();
        assert_eq!(
            (&second["items"][0]["id"], &second["next"]),
            (&json!("c-relay"), &json!(null))
        );
    }
}

#[tokio::test]
async fn clients_show_everything_but_their_secret_and_errors_stand_beside_their_field() {
    let site = Site::usual().await;
    let reply = site.call("GET", "/api/v1/clients", None).await;
    assert_eq!(
        reply.json()["items"][0]["subscribes"],
        json!(["devices/+/points/#"])
    );
    assert!(
        !reply.text.contains("secret") && !reply.text.contains("abab"),
        "{}",
        reply.text
    );
    let wrong = json!({"id": "wall", "publishes": ["a/#/b"]});
    let problem = site
        .call("POST", "/api/v1/clients", Some(wrong))
        .await
        .problem(422);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the client was not taken: publishes[0] is not a topic filter"),
        "{detail}"
    );
    for (method, path) in [
        ("GET", "/api/v1/clients/wall"),
        ("DELETE", "/api/v1/clients/wall"),
        ("POST", "/api/v1/clients/wall/secret"),
    ] {
        let body = (method == "POST").then(|| json!({}));
        site.call(method, path, body).await.problem(404);
    }
}
