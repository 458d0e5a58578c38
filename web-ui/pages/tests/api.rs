//! The JSON API: every documented route, every kind of error.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use axum::body::Body;
use axum::http::{Request, header};
use roost_model::{NoData, Value};
use serde_json::{Value as Json, json};
use site::{Site, TOKEN, device};

/// Every operation of the document: method, path and its description.
async fn operations(site: &Site) -> Vec<(String, String, Json)> {
    let document = site.call("GET", "/api/v1/openapi.json", None).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().clone().into_iter();
        methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    operations.collect()
}

fn filled(path: &str) -> String {
    let id = if path.contains("/commands/{id}") {
        "c-relay"
    } else if path.contains("/clients/") {
        "panel"
    } else {
        "boiler"
    };
    path.replace("{id}", id)
        .replace("{point}", "relay")
        .replace("{client}", "a~2fb")
}

#[tokio::test]
async fn every_documented_route_asks_for_the_token_but_health() {
    let site = Site::usual().await;
    let operations = operations(&site).await;
    assert_eq!(operations.len(), 37);
    for (method, path, _) in operations {
        let request = Request::builder()
            .method(method.as_str())
            .uri(filled(&path))
            .header("host", "localhost");
        let reply = site
            .send(
                request
                    .header("authorization", "Bearer wrong")
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        if path == "/api/v1/health" {
            assert_eq!(reply.status, 200);
        } else {
            reply.problem(401);
            assert_eq!(
                reply.header(header::WWW_AUTHENTICATE),
                "Bearer realm=\"roost\"",
                "{method} {path}"
            );
        }
    }
    assert_eq!(site.visit("/api/v1/openapi.json").await.status, 401);
}

#[tokio::test]
async fn every_documented_route_answers_as_documented() {
    let site = Site::usual().await;
    let mut operations = operations(&site).await;
    // The device is removed last, and commanded before its command is asked for.
    operations.sort_by_key(|(method, path, _)| (method == "DELETE", path.ends_with("/commands/{id}")));
    for (method, path, operation) in operations {
        let body = match (method.as_str(), path.rsplit('/').next().unwrap()) {
            ("POST", "devices") => Some(json!({"id": "new", "profile": "native"})),
            ("POST", "batch") => Some(json!({"devices": [{"id": "many", "profile": "native"}]})),
            ("POST", "clients") => Some(json!({"id": "wall"})),
            ("POST", "commands") => Some(json!({"value": false})),
            ("POST", "restore") => Some(json!({"version": 1})),
            ("POST", "try") => Some(json!({"text": "draft", "device": "boiler"})),
            ("POST", "accept") => Some(json!({"id": "pump", "profile": "native"})),
            ("PATCH", _) => Some(json!({"label": "Cellar"})),
            _ => None,
        };
        let reply = site.call(&method, &filled(&path), body).await;
        let documented = operation["responses"].get(reply.status.as_str());
        assert!(
            reply.status.is_success() && documented.is_some(),
            "{method} {path}: {} {}",
            reply.status,
            reply.text
        );
        if let Some(headers) = documented.unwrap()["headers"].as_object() {
            assert!(
                headers.keys().all(|name| reply.headers.contains_key(name)),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn every_documented_error_is_a_problem() {
    let site = Site::usual().await;
    for (method, path, operation) in operations(&site).await {
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("default"), "{method} {path}");
        for (status, response) in responses {
            let is_error = status == "default" || status.starts_with('4') || status.starts_with('5');
            if is_error && path != "/api/v1/health" {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn unknown_paths_wrong_methods_and_bad_bodies_are_problems() {
    let site = Site::usual().await;
    site.call("GET", "/api/v1/nothing", None).await.problem(404);
    site.call("GET", "/api/v2", None).await.problem(404);
    site.call("GET", "/api/v1/devices/%ff", None).await.problem(400);
    let reply = site.call("PUT", "/api/v1/devices", None).await;
    reply.problem(405);
    assert!(
        reply.header(header::ALLOW).contains("POST"),
        "{}",
        reply.header(header::ALLOW)
    );
    site.call("POST", "/api/v1/health", None).await.problem(405);
    site.call("GET", "/api/v1/devices?limit=1001", None)
        .await
        .problem(400);
    site.call("GET", "/api/v1/devices?limt=1", None)
        .await
        .problem(400);
    site.call("POST", "/api/v1/devices", None).await.problem(415);
    site.call("POST", "/api/v1/devices", Some(json!([1])))
        .await
        .problem(400);
    site.call("POST", "/api/v1/devices/batch", Some(json!({"devices": []})))
        .await
        .problem(400);
    let large = json!({"id": "a".repeat(1024 * 1024)});
    site.call("POST", "/api/v1/devices", Some(large.clone()))
        .await
        .problem(413);
    site.call("POST", "/api/v1/devices/batch", Some(json!({"devices": [large]})))
        .await
        .problem(422);
    let request = Request::post("/api/v1/devices").header("host", "localhost");
    let request = request
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {TOKEN}"));
    site.send(request.body("{\"id\":".into()).unwrap())
        .await
        .problem(400);
}

#[tokio::test]
async fn a_device_is_shown_with_its_connection_its_task_and_its_points() {
    let site = Site::usual().await;
    site.publish("boiler", "flow", Err(NoData::Timeout), "l/min", 60_000);
    let boiler = site.call("GET", "/api/v1/devices/boiler", None).await.json();
    assert_eq!(
        [
            &boiler["kind"],
            &boiler["profile"],
            &boiler["connected"],
            &boiler["state"],
            &boiler["restarts"]
        ],
        [
            &json!("mqtt"),
            &json!("native"),
            &json!(true),
            &json!("running"),
            &json!(0)
        ]
    );
    let [flow, relay, temperature] = [0, 1, 2].map(|index| boiler["points"][index].clone());
    assert_eq!(
        [
            &flow["no_data"],
            &flow["freshness"],
            &relay["value"],
            &temperature["unit"],
            &temperature["freshness"]
        ],
        [
            &json!("timeout"),
            &json!("stale"),
            &json!(true),
            &json!("°C"),
            &json!("fresh")
        ]
    );
    assert!(flow.get("value").is_none() && flow["age_ms"].as_u64().unwrap() >= 60_000);
    let point = site
        .call("GET", "/api/v1/devices/boiler/points/temperature", None)
        .await
        .json();
    assert_eq!(
        (&point["value"], &point["clock"], &point["seq"]),
        (&json!(21.5), &json!("synced"), &json!(7))
    );
    site.call("GET", "/api/v1/devices/boiler/points/nothing", None)
        .await
        .problem(404);
    site.call("GET", "/api/v1/devices/nobody/points", None)
        .await
        .problem(404);
    site.call("GET", "/api/v1/devices/a%2Fb", None).await.problem(404);
}

#[tokio::test]
async fn lists_are_paged_by_the_last_id_and_narrowed_by_text() {
    let site = Site::with(
        (0..25)
            .map(|n| device(&format!("d{n:02}"), if n % 2 == 0 { "Even" } else { "Odd" }))
            .collect(),
    )
    .await;
    let (mut seen, mut path) = (vec![], "/api/v1/devices?limit=10".to_owned());
    loop {
        let page = site.call("GET", &path, None).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/devices?limit=10&after={next}");
    }
    assert_eq!(seen, (0..25).map(|n| format!("d{n:02}")).collect::<Vec<_>>());
    let exact = site.call("GET", "/api/v1/devices?limit=25", None).await.json();
    assert_eq!(exact["next"], Json::Null);
    let odd = site
        .call("GET", "/api/v1/devices?q=odd&limit=5&after=d09", None)
        .await
        .json();
    let ids: Vec<&str> = odd["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        (ids, &odd["next"]),
        (vec!["d11", "d13", "d15", "d17", "d19"], &json!("d19"))
    );
}

#[tokio::test]
async fn health_says_which_service_does_not_run() {
    let site = Site::usual().await;
    site.publish("lamp", "level", Ok(Value::Int(3)), "%", 0);
    let reply = site.visit("/api/v1/health").await;
    let health = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &health["status"], &health["version"]),
        (200, &json!("ok"), &json!("1.2.3"))
    );
    assert_eq!((&health["devices"], &health["connected"]), (&json!(2), &json!(1)));
    site.web.tree.terminate_child("store").await.unwrap();
    let reply = site.visit("/api/v1/health").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["status"]),
        (503, &json!("degraded"))
    );
    assert_eq!(
        reply.json()["services"][0],
        json!({"name": "store", "state": "stopped"})
    );
}

#[tokio::test]
async fn the_tree_shows_as_many_children_as_were_asked_for() {
    let site = Site::usual().await;
    let tree = site.call("GET", "/api/v1/system/tree?limit=1", None).await.json();
    assert_eq!(
        (&tree["name"], &tree["child_count"]),
        (&json!("roost"), &json!(2))
    );
    assert_eq!(tree["children"].as_array().unwrap().len(), 1);
    site.call("GET", "/api/v1/system/tree?limit=0", None)
        .await
        .problem(400);
}
