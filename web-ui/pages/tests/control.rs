//! Points on pages: what they are called, and how they are commanded from there.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use axum::body::Body;
use axum::http::Request;
use roost_model::{Command, CommandState, Value};
use roost_store::Changeset;
use serde_json::json;
use site::{Reply, Site, TOKEN};

async fn form(site: &Site, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    site.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

async fn signed(site: &Site, body: &str) -> Reply {
    let bearer = format!("Bearer {TOKEN}");
    form(site, "/devices/boiler", body, &[("authorization", &bearer)]).await
}

/// A boiler whose points are described: a switch, a number with a range, a choice that has not been reported.
async fn described() -> Site {
    let site = Site::usual().await;
    for (point, about) in [
        ("relay", json!({"point": "relay", "access": "read_write"})),
        (
            "temperature",
            json!({"label": "Set <point>", "unit": "°C", "access": "read_write", "class": "climate",
                "min": 5, "max": 30.5}),
        ),
        (
            "mode",
            json!({"label": "Mode", "access": "read_write", "options": ["auto", "off"]}),
        ),
        ("power", json!({"unit": "W", "access": "read"})),
    ] {
        site.retain(
            &format!("devices/boiler/points/{point}/about"),
            &about.to_string(),
        );
    }
    site.publish("boiler", "power", Ok(Value::Int(7)), "", 0);
    site
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

fn command(id: &str, state: CommandState) -> Command {
    serde_json::from_value(json!({
        "id": id, "device": "boiler", "point": "relay", "value": true, "state": state, "issued_ms": 1000,
        "deadline_ms": 2000, "changed_ms": 1000, "reason": "not connected, queued until later",
    }))
    .unwrap()
}

#[tokio::test]
async fn a_point_is_called_what_its_device_calls_it_and_has_the_unit_of_its_description() {
    let site = described().await;
    let text = site.visit("/devices/boiler").await.text;
    holds(
        &text,
        &[
            "Set &lt;point&gt;",
            "temperature",
            "°C",
            "<td class=\"unit\">W</td>",
        ],
    );
    assert!(!text.contains("<point>"));
    holds(&site.visit("/").await.text, &["Set &lt;point&gt;"]);
    let point = site
        .call("GET", "/api/v1/devices/boiler/points/temperature", None)
        .await
        .json();
    assert_eq!(
        (&point["about"]["label"], &point["about"]["max"]),
        (&json!("Set <point>"), &json!(30.5))
    );
}

#[tokio::test]
async fn only_what_takes_commands_has_a_control_and_a_switch_has_its_button_at_once() {
    let site = described().await;
    let text = site.visit("/devices/boiler").await.text;
    holds(
        &text,
        &[
            "Turn off",
            "href=\"/devices/boiler/points/mode\">Set…",
            "href=\"/devices/boiler/points/temperature\">Set…",
            "No reading yet",
        ],
    );
    assert!(!text.contains("href=\"/devices/boiler/points/power\">Set…") && !text.contains("Turn on"));
}

#[tokio::test]
async fn the_page_of_a_point_holds_still_and_offers_what_the_point_takes() {
    let site = described().await;
    let number = site.visit("/devices/boiler/points/temperature").await.text;
    holds(
        &number,
        &[
            "type=\"number\"",
            "min=\"5\"",
            "max=\"30.5\"",
            "climate",
            "5 to 30.5 °C",
            "value=\"21.5\"",
        ],
    );
    assert!(!number.contains("http-equiv=\"refresh\""));
    let choice = site.visit("/devices/boiler/points/mode").await.text;
    holds(
        &choice,
        &["<option value=\"auto\">auto</option>", "no reading yet"],
    );
    holds(
        &site.visit("/devices/boiler/points/relay").await.text,
        &["Turn on", "Turn off"],
    );
    holds(
        &site.visit("/devices/boiler/points/power").await.text,
        &["Nothing says that this point takes commands"],
    );
    for path in [
        "/devices/boiler/points/nothing",
        "/devices/nobody/points/relay",
        "/devices/boiler/points/%3Cb%3E",
    ] {
        assert_eq!(site.visit(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_command_sent_from_a_page_is_in_the_table_that_comes_back() {
    let site = described().await;
    let sent = signed(&site, "action=send&point=relay&value=false").await;
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")),
        (303, "/devices/boiler#commands")
    );
    let kept = site.web.store.table::<Command>().get("c-relay").unwrap().unwrap();
    assert_eq!((kept.value, kept.state), (Value::Bool(false), CommandState::Sent));
    // Refused at once: the table says why.
    assert_eq!(
        signed(&site, "action=send&point=temperature&value=22")
            .await
            .status,
        303
    );
    holds(&site.visit("/devices/boiler").await.text, &["takes no commands"]);
    let wrong = signed(&site, "action=send&point=temperature&value=warm").await;
    assert_eq!(wrong.status, 422);
    holds(&wrong.text, &["temperature takes a number"]);
    assert_eq!(signed(&site, "action=else&point=relay").await.status, 400);
    assert_eq!(signed(&site, "action=send&point=%2B&value=1").await.status, 404);
}

#[tokio::test]
async fn a_command_that_waits_can_be_taken_back_and_no_other() {
    let site = described().await;
    for command in [
        command("c1", CommandState::Queued),
        command("c2", CommandState::Verified),
    ] {
        site.web
            .store
            .table()
            .put(Changeset::change_of(command).finish().unwrap())
            .unwrap();
    }
    let text = site.visit("/devices/boiler").await.text;
    holds(
        &text,
        &[
            "name=\"command\" value=\"c1\"",
            "Cancel",
            "not connected, queued until later",
        ],
    );
    assert!(!text.contains("value=\"c2\""));
    assert_eq!(signed(&site, "action=cancel&command=c1").await.status, 303);
    let late = signed(&site, "action=cancel&command=c2").await;
    assert_eq!(late.status, 409);
    holds(
        &late.text,
        &["only a queued command can be taken back, this one is verified"],
    );
    assert_eq!(signed(&site, "action=cancel&command=c3").await.status, 404);
}

#[tokio::test]
async fn nobody_commands_without_the_token_or_from_another_site() {
    let site = described().await;
    let body = "action=send&point=relay&value=false";
    let stranger = form(&site, "/devices/boiler", body, &[]).await;
    assert_eq!(
        (stranger.status.as_u16(), stranger.header("location")),
        (303, "/sign-in?next=/devices/boiler")
    );
    let bearer = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(form(&site, "/devices/boiler", body, &headers).await.status, 403);
    assert_eq!(site.web.store.table::<Command>().get("c-relay").unwrap(), None);
}
