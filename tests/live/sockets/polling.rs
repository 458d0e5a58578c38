//! Long poll, request by request.

use std::time::Duration;

use roost_live::endpoint::Limits;
use roost_live::socket::{Accepted, Connect, Mount, Refused};
use roost_live_tests::{Answer, ask, in_time, next_of};
use serde_json::{Value, json};

use crate::stage::{Actor, Stage};
use crate::{answer, message};

const PATH: &str = "/socket/longpoll?vsn=2.0.0";

/// A client that polls.
pub(crate) struct Poller {
    base: String,
    token: String,
}

impl Poller {
    async fn new(stage: &Stage) -> Self {
        let opened = ask(&stage.base, "GET", PATH, &[], b"").await;
        assert_eq!((opened.status, &opened.body["status"]), (200, &json!(410)));
        Self {
            base: stage.base.clone(),
            token: opened.body["token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn joined(stage: &Stage) -> Self {
        let poller = Self::new(stage).await;
        assert_eq!(poller.say(&join()).await, 200);
        let early = json!(["1", null, "room:a", "info", {"early": true}]);
        assert_eq!(
            poller.hear(2).await,
            [answer(Some("1"), "1", "room:a", "ok", json!({})), early]
        );
        poller
    }

    fn path(&self) -> String {
        format!("{PATH}&token={}", self.token)
    }

    pub(crate) async fn poll(&self) -> Value {
        ask(&self.base, "GET", &self.path(), &[], b"").await.body
    }

    /// The next messages, by as many polls as it takes.
    async fn hear(&self, count: usize) -> Vec<Value> {
        let mut heard = Vec::new();
        while heard.len() < count {
            let polled = self.poll().await;
            assert_ne!(polled["status"], 410);
            for text in polled["messages"].as_array().unwrap() {
                heard.push(serde_json::from_str(text.as_str().unwrap()).unwrap());
            }
        }
        heard
    }

    pub(crate) async fn post(&self, body: &str) -> Answer {
        let kind = [("content-type", "application/x-ndjson")];
        ask(&self.base, "POST", &self.path(), &kind, body.as_bytes()).await
    }

    pub(crate) async fn say(&self, message: &Value) -> u64 {
        self.post(&message.to_string()).await.body["status"]
            .as_u64()
            .unwrap()
    }
}

fn join() -> Value {
    message(Some("1"), "1", "room:a", "phx_join", json!({}))
}

pub(crate) fn echo(reference: usize) -> Value {
    message(
        Some("1"),
        &reference.to_string(),
        "room:a",
        "echo",
        json!({"n": reference}),
    )
}

#[tokio::test]
async fn a_client_joins_and_polls_its_messages() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    assert_eq!(poller.say(&echo(2)).await, 200);
    assert_eq!(
        poller.hear(1).await,
        [answer(Some("1"), "2", "room:a", "ok", json!({"n": 2}))]
    );
    stage
        .endpoint
        .broadcast("room:a", "news", &json!({"n": 3}).into())
        .unwrap();
    assert_eq!(
        poller.hear(1).await,
        [json!([null, null, "room:a", "news", {"n": 3}])]
    );
    // No reference of the join is needed, a wrong one is stale.
    assert_eq!(
        poller.say(&message(None, "4", "room:a", "echo", json!({}))).await,
        200
    );
    assert_eq!(
        poller
            .say(&message(Some("9"), "5", "room:a", "phx_leave", json!({})))
            .await,
        200
    );
    assert_eq!(
        poller
            .say(&message(None, "6", "room:a", "phx_leave", json!({})))
            .await,
        200
    );
    let heard = poller.hear(4).await;
    let ends: Vec<_> = heard
        .iter()
        .map(|heard| (heard[1].clone(), heard[3].clone()))
        .collect();
    let expected = [
        ("4", "phx_reply"),
        ("", "last"),
        ("6", "phx_reply"),
        ("1", "phx_close"),
    ];
    let expected = expected.map(|(reference, event)| {
        let reference = if reference.is_empty() {
            Value::Null
        } else {
            json!(reference)
        };
        (reference, json!(event))
    });
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn a_poll_without_news_ends_after_its_window() {
    let limits = Limits {
        // The client has half as long again from one poll to the next, and for its join.
        poll_window: Duration::from_secs(7),
        ..Limits::default()
    };
    let (stage, mut told) = Stage::plain(limits);
    let poller = Poller::joined(&stage).await;
    let polled = poller.poll().await;
    assert_eq!(
        (&polled["status"], &polled["messages"]),
        (&json!(204), &json!([]))
    );
    assert_eq!(polled["token"], json!(poller.token));
    // Nobody polls any more: the session ends, and its channels with it.
    assert_eq!(next_of(&mut told).await, "Disconnected");
    let gone = async {
        while poller.say(&echo(2)).await != 410 {
            tokio::task::yield_now().await;
        }
    };
    in_time("the session to be gone", gone).await;
}

#[tokio::test]
async fn a_batch_is_taken_in_order_and_no_more_than_a_hundred_of_it() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    let batch: Vec<String> = (2..112).map(|n| echo(n).to_string()).collect();
    assert_eq!(poller.post(&batch.join("\n")).await.body["status"], 200);
    poller
        .say(&message(Some("1"), "end", "room:a", "echo", json!({})))
        .await;
    let heard = poller.hear(101).await;
    let references: Vec<_> = heard
        .iter()
        .map(|heard| heard[1].as_str().unwrap().to_owned())
        .collect();
    let expected = (2..102).map(|n| n.to_string()).chain(["end".to_owned()]);
    assert_eq!(references, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn bytes_come_in_base_64_and_a_body_of_another_kind_is_one_message() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    // A push of the bytes 05 06 to "status", base 64 of \0\x01\x01\x06\x0612room:astatus\x05\x06.
    assert_eq!(
        poller.post("AAEBBgYxMnJvb206YXN0YXR1cwUG").await.body["status"],
        200
    );
    assert_eq!(
        poller.hear(1).await,
        [answer(Some("1"), "2", "room:a", "maybe", json!({}))]
    );
    let body = echo(3).to_string();
    let posted = ask(
        &stage.base,
        "POST",
        &poller.path(),
        &[("content-type", "text/plain")],
        body.as_bytes(),
    )
    .await;
    assert_eq!(posted.body["status"], 200);
    assert_eq!(poller.hear(1).await[0][1], "3");
}

#[tokio::test]
async fn a_frame_that_is_none_ends_the_session() {
    let (stage, mut told) = Stage::plain(Limits::default());
    for bad in ["[nonsense", "%%%", "AAEB", r#"["1"]"#] {
        let poller = Poller::joined(&stage).await;
        assert_eq!(poller.post(bad).await.body["status"], 500, "{bad}");
        assert_eq!(next_of(&mut told).await, "Disconnected");
        assert_eq!(poller.say(&echo(2)).await, 410);
    }
}

#[tokio::test]
async fn a_channel_that_crashes_says_so() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    poller
        .say(&message(Some("1"), "2", "room:a", "fail", json!({})))
        .await;
    let error = json!(["1", "1", "room:a", "phx_error", {"reason": "channel_crash"}]);
    assert_eq!(poller.hear(1).await, [error]);
}

#[tokio::test]
async fn a_channel_that_does_not_get_on_makes_its_client_wait_and_then_time_out() {
    let limits = Limits {
        // The session lasts for half as long again, which is when the last request must be answered.
        poll_window: Duration::from_secs(7),
        ..Limits::default()
    };
    let (stage, _told) = Stage::plain(limits);
    let poller = Poller::joined(&stage).await;
    poller
        .say(&message(Some("1"), "2", "room:a", "hang", json!({})))
        .await;
    let batch: Vec<String> = (3..103).map(|n| echo(n).to_string()).collect();
    let mut statuses = Vec::new();
    while statuses.last() != Some(&408) && statuses.len() < 10 {
        statuses.push(
            poller.post(&batch.join("\n")).await.body["status"]
                .as_u64()
                .unwrap(),
        );
    }
    assert_eq!(statuses, [200, 200, 408], "its inbox takes 256");
}

#[tokio::test]
async fn a_refusal_for_good_stands_in_the_body_and_any_other_in_the_head() {
    let mount = Mount::new().connect(|connect: Connect| async move {
        match connect.token.as_deref() {
            Some("good") => Ok(Accepted::new()),
            Some(_) => Err(Refused(axum::http::StatusCode::TOO_MANY_REQUESTS)),
            None => Err(Refused::default()),
        }
    });
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    let status = async |path: &str, headers: &[(&str, &str)]| {
        let answer = ask(&stage.base, "GET", path, headers, b"").await;
        assert_eq!(answer.status, 200);
        answer.body["status"].as_u64().unwrap()
    };
    let good = ("x-phoenix-authtoken", "good");
    assert_eq!(status(PATH, &[good]).await, 410);
    assert_eq!(status(PATH, &[]).await, 403);
    let busy = ask(&stage.base, "GET", PATH, &[("x-phoenix-authtoken", "bad")], b"").await;
    assert_eq!(
        (busy.status, busy.body),
        (429, Value::Null),
        "the stock client comes again"
    );
    assert_eq!(
        status(PATH, &[good, ("origin", "http://evil.example")]).await,
        403
    );
    assert_eq!(status("/socket/longpoll?vsn=3.0.0", &[good]).await, 403);
    let posted = ask(&stage.base, "POST", PATH, &[], b"{}").await;
    assert_eq!(posted.body["status"], 410, "nobody knows it");
    assert_eq!(ask(&stage.base, "PUT", PATH, &[], b"").await.status, 400);
}

#[tokio::test]
async fn the_token_may_stand_in_a_header_which_goes_before_an_old_parameter() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    poller.say(&echo(2)).await;
    let header = [("x-phoenix-longpoll-token", poller.token.as_str())];
    let polled = ask(&stage.base, "GET", &format!("{PATH}&token=old"), &header, b"").await;
    assert_eq!(
        (&polled.body["status"], &polled.body["token"]),
        (&json!(200), &json!(poller.token))
    );
    // Made up, or of another mount.
    for token in ["made-up", "null", ""] {
        let polled = ask(&stage.base, "GET", &format!("{PATH}&token={token}"), &[], b"").await;
        assert_eq!(polled.body["status"], 410);
        assert_ne!(polled.body["token"], json!(poller.token));
    }
}

#[tokio::test]
async fn answers_are_json_that_nobody_keeps_and_pages_may_ask_first() {
    let (stage, _told) = Stage::plain(Limits::default());
    let opened = ask(&stage.base, "GET", PATH, &[], b"").await;
    for line in [
        "content-type: application/json",
        "cache-control: no-store",
        "access-control-allow-origin: *",
    ] {
        assert!(opened.head.contains(line), "{line}: {}", opened.head);
    }
    let asked = ask(
        &stage.base,
        "OPTIONS",
        PATH,
        &[("origin", "http://other.example")],
        b"",
    )
    .await;
    assert_eq!(asked.status, 200);
    assert!(
        asked
            .head
            .contains("access-control-allow-headers: accept, content-type"),
        "{}",
        asked.head
    );
}

#[tokio::test]
async fn the_hundred_and_first_join_is_refused() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::new(&stage).await;
    let joins = (0..101).map(|n| {
        message(
            Some("1"),
            &n.to_string(),
            &format!("room:{n}"),
            "phx_join",
            json!({}),
        )
    });
    let joins: Vec<String> = joins.map(|join| join.to_string()).collect();
    poller.post(&joins[..100].join("\n")).await;
    poller.post(&joins[100]).await;
    let heard = poller.hear(201).await;
    let refused: Vec<_> = heard
        .iter()
        .filter(|heard| heard[4]["status"] == "error")
        .collect();
    assert_eq!(
        refused,
        [&answer(
            Some("1"),
            "100",
            "room:100",
            "error",
            json!({"reason": "too many channels joined"})
        )]
    );
}

#[tokio::test]
async fn a_session_that_is_disconnected_is_gone_at_the_next_poll() {
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mount = Mount::new()
        .connect(|_| async { Ok(Accepted::new().id("user:7")) })
        .channel::<Actor>("room:*", std::sync::Arc::new(told));
    let stage = Stage::new(Limits::default(), |endpoint| endpoint.mount("/socket", mount));
    let poller = Poller::joined(&stage).await;
    assert_eq!(stage.endpoint.disconnect("user:7"), 1);
    assert_eq!(poller.poll().await["status"], 410);
    assert_eq!(next_of(&mut heard).await, "Disconnected");
}

#[tokio::test]
async fn more_than_a_request_may_hold_is_refused() {
    let (stage, _told) = Stage::plain(Limits::default());
    let poller = Poller::joined(&stage).await;
    let huge = format!("[{}", "1".repeat(3 << 20));
    assert_eq!(poller.post(&huge).await.status, 413);
    assert_eq!(poller.say(&echo(2)).await, 200);
}
