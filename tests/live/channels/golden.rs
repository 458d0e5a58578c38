//! The conversations that were recorded with a server of Phoenix, held again with ours: the frames are the same but for
//! the references of presences, which no two servers give alike.

use roost_live_tests::{Heard, Peer, ask};
use serde_json::{Value, json};

use crate::program;

const RECORDING: &str = include_str!("../golden/channels.txt");

/// Conversations of one client in version 2 of the protocol.
const SAID: [&str; 18] = [
    "heartbeat",
    "join ok / push echo / bare / err / leave",
    "join denied / crash / unmatched",
    "event before join, leave before join",
    "duplicate join",
    "join with null join_ref",
    "push without ref",
    "integer refs",
    "crash in handle_in",
    "stop normal / stop with reply",
    "binary push/reply/broadcast",
    "broadcast / broadcast_from",
    "six-element array + object payloads",
    "payload scalar",
    "garbage text",
    "short array",
    "bad binary kind",
    "garbage after join kills others?",
];

/// Those that need more than that, each in a test of its own; and of `connect` all, as the recording lists them.
const HELD_APART: [&str; 10] = [
    "presence",
    "v1 (no vsn)",
    "origin same host open",
    "origin evil 403",
    "origin other port open",
    r#"subproto ["phoenix"] open proto=phoenix"#,
    r#"subproto ["phoenix","base64url.bearer.phx.dG9rIGVu"] open proto=phoenix"#,
    r#"subproto ["foo"] 403"#,
    "disconnect broadcast",
    "101 joins",
];

/// One line of a recorded conversation.
#[derive(Debug)]
enum Line {
    Say(Heard),
    Hear(Heard),
}

fn message(text: &str) -> Heard {
    if let Some(hex) = text.strip_prefix("BIN ") {
        let digits: Vec<char> = hex.chars().collect();
        let bytes = digits.chunks(2).map(|pair| {
            let pair: String = pair.iter().collect();
            u8::from_str_radix(&pair, 16).unwrap()
        });
        return Heard::Bytes(bytes.collect());
    }
    if let Some(code) = text.strip_prefix("CLOSE ") {
        return Heard::Closed(code.trim().parse().unwrap());
    }
    match serde_json::from_str(text) {
        Ok(value) => Heard::Json(value),
        // What was said on purpose although it is not JSON.
        Err(_) => Heard::Json(Value::from(text)),
    }
}

fn section(name: &str) -> Vec<Line> {
    let start = RECORDING.find(&format!("## {name}\n")).expect(name);
    let lines = RECORDING[start..].lines().skip(1);
    lines
        .take_while(|line| !line.starts_with("##"))
        .map(|line| match line.trim().strip_prefix("-> ") {
            Some(said) => Line::Say(message(said)),
            None => Line::Hear(message(line.trim())),
        })
        .collect()
}

/// Takes out what differs from server to server.
fn without_refs(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["phx_ref", "phx_ref_prev"] {
                map.entry(key).and_modify(|reference| *reference = json!("ref"));
            }
            map.values_mut().for_each(without_refs);
        }
        Value::Array(list) => list.iter_mut().for_each(without_refs),
        _ => {}
    }
}

async fn replay(name: &str, path: &str) {
    replay_lines(name, path, section(name)).await;
}

async fn replay_lines(name: &str, path: &str, lines: Vec<Line>) {
    let program = program();
    let mut peer = Peer::connect(program.base(), path).await.unwrap();
    assert!(!lines.is_empty(), "{name}");
    let mut closed = false;
    for line in lines {
        match line {
            Line::Say(Heard::Json(Value::String(garbage))) => peer.text(&garbage).await,
            Line::Say(Heard::Json(value)) => peer.json(&value).await,
            Line::Say(Heard::Bytes(bytes)) => peer.bytes(bytes).await,
            Line::Say(Heard::Closed(_)) => panic!("clients close nothing here"),
            Line::Hear(expected) => {
                assert_eq!(peer.hear().await, expected, "{name}");
                closed |= matches!(expected, Heard::Closed(_));
            }
        }
    }
    if !closed {
        // Whatever was to be met with silence was.
        let mut beat = Heard::Json(json!([null, "end", "phoenix", "heartbeat", {}]));
        let payload = json!({"status": "ok", "response": {}});
        let mut end = Heard::Json(json!([null, "end", "phoenix", "phx_reply", payload]));
        if !path.contains("vsn=2") {
            (beat, end) = (as_version_1(&beat, true), as_version_1(&end, false));
        }
        let Heard::Json(beat) = beat else { unreachable!() };
        peer.json(&beat).await;
        assert_eq!(peer.hear().await, end, "{name}");
    }
}

#[tokio::test]
async fn what_one_client_says_is_answered_as_recorded() {
    for name in SAID {
        replay(name, "/socket/websocket?vsn=2.0.0").await;
    }
    replay("v1 (no vsn)", "/socket/websocket").await;
}

/// A frame of version 2 as version 1 has it.
fn as_version_1(frame: &Heard, said: bool) -> Heard {
    let Heard::Json(Value::Array(parts)) = frame else {
        panic!("{frame:?} is none of version 1");
    };
    let mut object = json!({"topic": parts[2], "event": parts[3], "payload": parts[4], "ref": parts[1]});
    if said {
        object["join_ref"] = parts[0].clone();
    }
    Heard::Json(object)
}

#[tokio::test]
async fn in_version_1_the_same_is_answered_the_same() {
    let mut count = 0;
    for name in SAID {
        let lines = section(name);
        let is_message = |line: &Line| {
            let (Line::Say(frame) | Line::Hear(frame)) = line;
            matches!(frame, Heard::Json(Value::Array(parts)) if parts.len() >= 5)
        };
        if !lines.iter().all(is_message) {
            // Bytes and nonsense: version 1 has no bytes, and nonsense of its own.
            continue;
        }
        let lines = lines.into_iter().map(|line| match line {
            Line::Say(said) => Line::Say(as_version_1(&said, true)),
            Line::Hear(heard) => Line::Hear(as_version_1(&heard, false)),
        });
        replay_lines(name, "/socket/websocket?vsn=1.0.0", lines.collect()).await;
        count += 1;
    }
    assert_eq!(count, 13);
}

#[tokio::test]
async fn connections_are_let_in_or_refused_as_recorded() {
    let program = program();
    let connections = RECORDING
        .lines()
        .filter_map(|line| line.strip_prefix("## connect "));
    let mut count = 0;
    for line in connections {
        let (query, outcome) = line.rsplit_once(' ').unwrap();
        let path = format!("/socket/websocket{}", query.trim());
        let outcome = if outcome == "open" {
            Ok(())
        } else {
            Err(outcome.parse().unwrap())
        };
        let got = Peer::connect(program.base(), &path).await.map(|_| ());
        assert_eq!(got, outcome, "{path}");
        count += 1;
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn origins_and_sub_protocols_are_judged_as_recorded() {
    let program = program();
    let port = program.base().rsplit_once(':').unwrap().1;
    let path = "/socket/websocket?vsn=2.0.0";
    let same = format!("http://127.0.0.1:{port}");
    for (origin, outcome) in [
        (same.as_str(), Ok(())),
        ("http://evil.example", Err(403)),
        ("http://127.0.0.1:9999", Ok(())),
    ] {
        let got = Peer::connect_with(program.base(), path, &[("origin", origin)]).await;
        assert_eq!(got.map(|_| ()), outcome, "{origin}");
    }
    for (offered, outcome) in [
        ("phoenix", Ok(Some("phoenix"))),
        ("phoenix, base64url.bearer.phx.dG9rIGVu", Ok(Some("phoenix"))),
        ("foo", Err(403)),
    ] {
        let got = Peer::connect_with(program.base(), path, &[("sec-websocket-protocol", offered)]).await;
        let got = got.map(|peer| peer.protocol);
        assert_eq!(
            got.as_ref().map(Option::as_deref).map_err(|status| *status),
            outcome,
            "{offered}"
        );
    }
}

#[tokio::test]
async fn the_hundred_and_first_join_is_refused_as_recorded() {
    let program = program();
    let mut peer = Peer::connect(program.base(), "/socket/websocket?vsn=2.0.0")
        .await
        .unwrap();
    for number in 1..=101 {
        peer.json(&json!([
            number.to_string(),
            number.to_string(),
            format!("room:m{number}"),
            "phx_join",
            {}
        ]))
        .await;
    }
    let recorded = RECORDING
        .lines()
        .find_map(|line| line.trim().strip_prefix("101 "))
        .unwrap();
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let mut refused = Vec::new();
    for _ in 1..=101 {
        let answer = peer.hear_json().await;
        if answer[4]["status"] == "error" {
            refused.push(answer);
        }
    }
    assert_eq!(refused, [recorded]);
    // The connection lives on.
    peer.text(r#"["1","102","room:m1","bare",{}]"#).await;
    assert_eq!(peer.hear_json().await[1], "102");
}

#[tokio::test]
async fn a_user_who_is_disconnected_is_told_as_recorded() {
    let program = program();
    let path = "/socket/websocket?vsn=2.0.0&user=ann";
    let mut peer = Peer::connect(program.base(), path).await.unwrap();
    let mut other = Peer::connect(program.base(), "/socket/websocket?vsn=2.0.0&user=bob")
        .await
        .unwrap();
    // The recording has what was heard only.
    let join = r#"["1","1","room:a","phx_join",{}]"#;
    peer.text(join).await;
    other.text(join).await;
    let lines = section("disconnect broadcast");
    let [Line::Hear(joined), Line::Hear(closed)] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(peer.hear().await, *joined);
    assert_eq!(other.hear().await, *joined);
    let control = ask(program.base(), "GET", "/ctl?cmd=disconnect&user=ann", &[], b"").await;
    assert_eq!(control.status, 200);
    assert_eq!(peer.hear().await, *closed);
    other.text(r#"["1","2","room:a","bare",{}]"#).await;
    assert_eq!(other.hear_json().await[1], "2");
}

#[test]
fn every_recorded_conversation_is_held_again() {
    let names = RECORDING.lines().filter_map(|line| line.strip_prefix("## "));
    let held: Vec<&str> = SAID.into_iter().chain(HELD_APART).collect();
    for name in names.filter(|name| !name.starts_with("connect ")) {
        assert!(held.contains(&name), "nobody holds {name}");
    }
}

/// What one of the two clients of the recording hears.
async fn hear_part(peer: &mut Peer, lines: &[Value]) {
    for expected in lines {
        let mut heard = peer.hear_json().await;
        without_refs(&mut heard);
        assert_eq!(heard, *expected);
    }
}

#[tokio::test]
async fn presence_is_told_as_recorded() {
    let start = RECORDING.find("## presence\n").unwrap();
    let lines = RECORDING[start..].lines().skip(1);
    let lines: Vec<&str> = lines
        .take_while(|line| !line.starts_with("##"))
        .map(str::trim)
        .collect();
    let heard = |name: &str| -> Vec<Value> {
        let own = lines.iter().filter_map(|line| line.strip_prefix(name));
        let heard = own.filter(|line| line.starts_with('['));
        heard
            .map(|line| {
                let mut value = serde_json::from_str(line).unwrap();
                without_refs(&mut value);
                value
            })
            .collect()
    };
    let said: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("B -> "))
        .collect();
    let (a_hears, b_hears) = (heard("A "), heard("B "));
    assert_eq!((a_hears.len(), b_hears.len(), said.len()), (6, 5, 2));

    let program = program();
    let path = "/socket/websocket?vsn=2.0.0";
    let mut a = Peer::connect(program.base(), path).await.unwrap();
    a.text(r#"["1","1","room:pres","phx_join",{"user":"u1","dev":"x"}]"#)
        .await;
    hear_part(&mut a, &a_hears[..3]).await;
    let mut b = Peer::connect(program.base(), path).await.unwrap();
    b.text(said[0]).await;
    hear_part(&mut b, &b_hears[..3]).await;
    b.text(said[1]).await;
    hear_part(&mut b, &b_hears[3..]).await;
    hear_part(&mut a, &a_hears[3..5]).await;
    b.close().await;
    hear_part(&mut a, &a_hears[5..]).await;
}
