//! Who is let in, and what the application learns of whom.

use std::sync::{Arc, Mutex};

use roost_live::endpoint::Limits;
use roost_live::socket::{Accepted, Connect, Mount, Origin, OriginRule, Refused, Transport};
use roost_live_tests::{Heard, Peer, ask, in_time};
use serde_json::{Value, json};

use crate::stage::{Actor, SOCKET, Stage};
use crate::{answer, message};

/// Serves a mount that remembers who connects.
fn curious() -> (Stage, Arc<Mutex<Vec<Connect>>>) {
    let seen: Arc<Mutex<Vec<Connect>>> = Arc::default();
    let remember = Arc::clone(&seen);
    let mount = Mount::new().connect(move |connect: Connect| {
        remember.lock().unwrap().push(connect.clone());
        async move {
            match connect.param("status") {
                Some(status) => Err(Refused(status.parse().unwrap())),
                None => Ok(Accepted::new()),
            }
        }
    });
    let stage = Stage::new(Limits::default(), |endpoint| {
        endpoint.mount("/tenants/{tenant}/socket", mount)
    });
    (stage, seen)
}

const PATH: &str = "/tenants/acme/socket/websocket?vsn=2.0.0";

async fn connect(headers: &[(&str, &str)], query: &str) -> Connect {
    let (stage, seen) = curious();
    Peer::connect_with(&stage.base, &format!("{PATH}{query}"), headers)
        .await
        .unwrap();
    let seen = seen.lock().unwrap().pop();
    seen.unwrap()
}

#[tokio::test]
async fn the_application_learns_the_headers_of_the_request() {
    let headers = [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-real-ip", "10.0.0.2"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("user-agent", "tester/1"),
        ("cookie", "other=1; session=abc=="),
    ];
    let seen = connect(&headers, "").await;
    let mut extra: Vec<_> = seen.headers_with("x-").collect();
    extra.sort_unstable();
    assert_eq!(
        extra,
        [("x-forwarded-for", "10.0.0.1"), ("x-real-ip", "10.0.0.2")]
    );
    assert!(
        seen.headers_with("sec-websocket-")
            .any(|header| header == ("sec-websocket-version", "13"))
    );
    assert!(seen.header("traceparent").unwrap().starts_with("00-4bf9"));
    assert_eq!(seen.header("user-agent"), Some("tester/1"));
    assert_eq!(
        (seen.cookie("session"), seen.cookie("sess")),
        (Some("abc=="), None)
    );
}

#[tokio::test]
async fn the_application_learns_the_address_of_the_client_and_of_the_request() {
    let seen = connect(&[], "&a[b]=c&list[]=1&list[]=2").await;
    assert!(seen.peer.unwrap().ip().is_loopback());
    assert_eq!(seen.uri.path(), "/tenants/acme/socket/websocket");
    assert_eq!(seen.transport, Transport::WebSocket);
    let expected = json!({"vsn": "2.0.0", "a": {"b": "c"}, "list": ["1", "2"], "tenant": "acme"});
    assert_eq!(Value::Object(seen.params), expected);
}

#[tokio::test]
async fn a_token_comes_as_a_sub_protocol_in_either_alphabet_of_base_64() {
    for (encoded, token) in [
        ("dG9rIGVu", Some("tok en")),
        ("Pz8_", Some("???")),
        ("YQ", Some("a")),
        ("%", None),
        ("_w", None),
    ] {
        let offered = format!("phoenix, base64url.bearer.phx.{encoded}");
        let seen = connect(&[("sec-websocket-protocol", &offered)], "").await;
        assert_eq!(seen.token.as_deref(), token, "{encoded}");
    }
    assert_eq!(
        connect(&[("sec-websocket-protocol", "phoenix")], "").await.token,
        None
    );
}

#[tokio::test]
async fn sub_protocols_that_nobody_speaks_are_refused() {
    let (stage, _) = curious();
    for (offered, outcome) in [
        ("phoenix", Ok(Some("phoenix"))),
        ("other, phoenix", Ok(Some("phoenix"))),
        ("other", Err(403)),
        ("Phoenix", Err(403)),
        ("base64url.bearer.phx.YQ", Err(403)),
    ] {
        let got = Peer::connect_with(&stage.base, PATH, &[("sec-websocket-protocol", offered)]).await;
        let got = got.map(|peer| peer.protocol);
        assert_eq!(
            got.as_ref().map(Option::as_deref).map_err(|status| *status),
            outcome,
            "{offered}"
        );
    }
    let silent = Peer::connect(&stage.base, PATH).await.unwrap();
    assert_eq!(silent.protocol, None);
}

#[tokio::test]
async fn a_mount_may_be_asked_for_by_names_of_its_own() {
    let mount = Mount::new().protocol("gateway.v1").protocol("gateway.v2");
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    for (offered, outcome) in [
        ("gateway.v1", Ok(Some("gateway.v1"))),
        // The client's order counts.
        ("other, gateway.v2, gateway.v1", Ok(Some("gateway.v2"))),
        ("phoenix", Ok(Some("phoenix"))),
        ("gateway.v3", Err(403)),
    ] {
        let got = Peer::connect_with(&stage.base, SOCKET, &[("sec-websocket-protocol", offered)]).await;
        let got = got.map(|peer| peer.protocol);
        assert_eq!(
            got.as_ref().map(Option::as_deref).map_err(|status| *status),
            outcome,
            "{offered}"
        );
    }
}

#[tokio::test]
async fn the_application_refuses_with_the_status_that_it_wants() {
    let (stage, _) = curious();
    for status in [403, 429, 503] {
        let got = Peer::connect(&stage.base, &format!("{PATH}&status={status}")).await;
        assert_eq!(got.err(), Some(status));
    }
}

#[tokio::test]
async fn a_request_that_is_none_for_a_websocket_is_a_bad_one() {
    let (stage, _) = curious();
    assert_eq!(ask(&stage.base, "GET", PATH, &[], b"").await.status, 400);
    assert_eq!(ask(&stage.base, "POST", PATH, &[], b"").await.status, 400);
    let almost = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "12"),
    ];
    assert_eq!(ask(&stage.base, "GET", PATH, &almost, b"").await.status, 400);
    let long = format!("{PATH}&x={}", "y".repeat(20_000));
    assert_eq!(Peer::connect(&stage.base, &long).await.err(), Some(414));
}

#[tokio::test]
async fn each_mount_has_a_policy_of_its_own_for_origins() {
    let (told, _heard) = tokio::sync::mpsc::unbounded_channel();
    let told = Arc::new(told);
    let strict = Mount::new().channel::<Actor>("room:*", Arc::clone(&told));
    let rule = OriginRule::parse("https://*.example").unwrap();
    let open = Mount::new()
        .origin(Origin::List(vec![rule]))
        .channel::<Actor>("room:*", told);
    let stage = Stage::new(Limits::default(), |endpoint| {
        endpoint
            .mount("/strict", strict)
            .merge(endpoint.mount("/a/b/open", open))
    });
    for (path, origin, outcome) in [
        ("/strict/websocket", stage.base.as_str(), None),
        ("/strict/websocket", "https://x.example", Some(403)),
        ("/a/b/open/websocket", "https://x.example", None),
        ("/a/b/open/websocket", stage.base.as_str(), Some(403)),
    ] {
        let got = Peer::connect_with(&stage.base, path, &[("origin", origin)]).await;
        assert_eq!(got.err(), outcome, "{path} {origin}");
    }
}

#[tokio::test]
async fn a_mount_may_lie_deep_and_serves_both_versions() {
    let told = Arc::new(tokio::sync::mpsc::unbounded_channel().0);
    let mount = Mount::new().channel::<Actor>("room:*", told);
    let stage = Stage::new(Limits::default(), |endpoint| {
        endpoint.mount("/some/where/deep", mount)
    });
    let path = "/some/where/deep/websocket";
    let mut old = Peer::connect(&stage.base, path).await.unwrap();
    old.json(&json!({"topic": "room:a", "event": "phx_join", "payload": {}, "ref": "1"}))
        .await;
    let payload = json!({"status": "ok", "response": {}});
    let joined = json!({"topic": "room:a", "event": "phx_reply", "payload": payload, "ref": "1"});
    assert_eq!(old.hear_json().await, joined);
    let early = json!({"topic": "room:a", "event": "info", "payload": {"early": true}, "ref": null});
    assert_eq!(old.hear_json().await, early);
    let mut new = Peer::connect(&stage.base, &format!("{path}?vsn=2.0.0"))
        .await
        .unwrap();
    new.json(&message(Some("1"), "1", "room:a", "phx_join", json!({})))
        .await;
    assert_eq!(
        new.hear_json().await,
        answer(Some("1"), "1", "room:a", "ok", json!({}))
    );
    // A broadcast reaches each in its own words; bytes reach only those who can have them.
    assert_eq!(new.hear_json().await[3], "info");
    stage
        .endpoint
        .broadcast("room:a", "bin", &roost_live::frame::Payload::binary(vec![1]))
        .unwrap();
    stage
        .endpoint
        .broadcast("room:a", "all", &json!({"n": 1}).into())
        .unwrap();
    assert_eq!(
        old.hear_json().await,
        json!({"topic": "room:a", "event": "all", "payload": {"n": 1}, "ref": null})
    );
    assert_eq!(
        new.hear().await,
        Heard::Bytes(b"\x02\x06\x03room:abin\x01".to_vec())
    );
    assert_eq!(
        new.hear_json().await,
        json!([null, null, "room:a", "all", {"n": 1}])
    );
}

#[tokio::test]
async fn those_who_come_faster_than_may_be_are_let_in_later() {
    let limits = Limits {
        connects_per_s: 1,
        ..Limits::default()
    };
    let (stage, _heard) = Stage::plain(limits);
    let mut refused = 0;
    let mut inside = Vec::new();
    // However slow this machine is: it does not take a second for each.
    for _ in 0..100 {
        match Peer::connect(&stage.base, SOCKET).await {
            Ok(peer) => inside.push(peer),
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !inside.is_empty(), "{refused} of 100 were refused");
    let mut statuses = Vec::new();
    for _ in 0..100 {
        let polled = ask(&stage.base, "GET", "/socket/longpoll?vsn=2.0.0", &[], b"").await;
        statuses.push(polled.status);
    }
    assert!(statuses.contains(&503), "{statuses:?}");
    let late = async {
        loop {
            if let Ok(peer) = Peer::connect(&stage.base, SOCKET).await {
                break peer;
            }
        }
    };
    let mut late = in_time("a place", late).await;
    late.json(&message(None, "1", "phoenix", "heartbeat", json!({})))
        .await;
    late.hear_json().await;
}

#[tokio::test]
async fn no_more_connect_than_may() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let (stage, _heard) = Stage::plain(limits);
    let mut one = Peer::connect(&stage.base, SOCKET).await.unwrap();
    let two = Peer::connect(&stage.base, SOCKET).await.unwrap();
    // Both are at work.
    one.json(&message(None, "1", "phoenix", "heartbeat", json!({})))
        .await;
    one.hear_json().await;
    assert_eq!(Peer::connect(&stage.base, SOCKET).await.err(), Some(503));
    let polled = ask(&stage.base, "GET", "/socket/longpoll?vsn=2.0.0", &[], b"").await;
    assert_eq!((polled.status, polled.body), (503, Value::Null));
    drop(two);
}
