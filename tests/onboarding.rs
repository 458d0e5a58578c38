//! Onboarding: a client that no record knows reaches nobody, and nothing of what it said is lost when it is accepted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use roost_tests::{Listener, Program, Settings, mosquitto_pub, wait_for};
use serde_json::{Value, json};

fn secret(program: &Program) -> String {
    let state = program.api().get("/api/v1/onboarding").body;
    state["secret"].as_str().unwrap().to_owned()
}

/// Publishes as a client that no record knows. Whether the gateway let it.
fn say(program: &Program, secret: &str, client: &str, topic: &str, payload: &str) -> bool {
    let arguments = ["-q", "1", "-i", client, "-t", topic, "-m", payload];
    mosquitto_pub(program, "5", ("onboard", secret), &arguments)
        .status
        .success()
}

fn discovered(program: &Program, client: &str, messages: u64) -> Value {
    let path = format!("/api/v1/onboarding/clients/{client}");
    wait_for("a discovered client", || {
        let answer = program.api().get(&path);
        (answer.status == 200 && answer.body["messages"] == messages).then_some(answer.body)
    })
}

/// A plug with its factory's names, discovered after it has said four things; one of them in another's name.
fn discovered_plug(program: &Program) -> Value {
    let onboarding = secret(program);
    for (topic, payload) in [
        ("tele/tasmota_5F2A11/LWT", "Online"),
        ("tele/tasmota_5F2A11/SENSOR", r#"{"ENERGY":{"Power":41}}"#),
        ("tele/tasmota_5F2A11/SENSOR", r#"{"ENERGY":{"Power":42}}"#),
        ("tele/neighbour/SENSOR", r#"{"ENERGY":{"Power":9999}}"#),
    ] {
        assert!(say(program, &onboarding, "DVES/5F2A11", topic, payload));
    }
    discovered(program, "DVES~2f5F2A11", 4)
}

const ACCEPT_PLUG: &str = "/api/v1/onboarding/clients/DVES~2f5F2A11/accept";

#[test]
fn a_client_is_discovered_and_accepted_and_what_it_said_before_becomes_readings() {
    let program = Program::start(Settings::default());
    let api = program.api();
    let client = discovered_plug(&program);
    assert_eq!(
        (
            &client["client_id"],
            &client["guess"]["profile"],
            &client["guess"]["spoken_as"]
        ),
        (&json!("DVES/5F2A11"), &json!("tasmota"), &json!("tasmota_5F2A11")),
        "{client}"
    );
    let _ = program.add_device("taken");
    let answer = api.post(ACCEPT_PLUG, &json!({ "id": "taken", "profile": "tasmota" }));
    assert_eq!(
        (answer.status, &answer.body["errors"]["id"][0]),
        (422, &json!("is taken")),
        "{}",
        answer.text
    );

    let body = json!({ "id": "kitchen", "label": "Kitchen plug", "profile": "tasmota" });
    let accepted = api.post(ACCEPT_PLUG, &body);
    assert_eq!(
        (accepted.status, &accepted.body["messages"]),
        (201, &json!(4)),
        "{}",
        accepted.text
    );
    let power = wait_for("the reading from before", || {
        api.point("kitchen", "energy.power")
            .filter(|point| point["value"] == 42)
    });
    assert_eq!(
        power["at_ms"], client["sample"][2]["at_ms"],
        "with the time of its receipt"
    );
    let recording = api.get("/api/v1/devices/kitchen/recording").text;
    let at = |what: &str| {
        recording
            .find(what)
            .unwrap_or_else(|| panic!("{what} in {recording}"))
    };
    // Not the numbers alone: times hold them, too.
    let (first, second) = (at(r#"Power\":41"#), at(r#"Power\":42"#));
    assert!(first < second, "in their order:\n{recording}");
    let own = accepted.body["secret"].as_str().unwrap();
    let topic = [
        "-q",
        "1",
        "-t",
        "tele/kitchen/SENSOR",
        "-m",
        r#"{"ENERGY":{"Power":43}}"#,
    ];
    assert!(
        mosquitto_pub(&program, "5", ("kitchen", own), &topic)
            .status
            .success()
    );
    wait_for("a reading with its own secret", || {
        api.point("kitchen", "energy.power")
            .filter(|point| point["value"] == 43)
    });
    assert_eq!(api.get("/api/v1/onboarding/clients/DVES~2f5F2A11").status, 404);
}

#[test]
fn what_an_unknown_client_says_in_the_name_of_another_reaches_nobody() {
    let program = Program::start(Settings::default());
    let neighbour = program.add_device_of("neighbour", "tasmota");
    let everything = Listener::start(&program, "#");
    let _ = discovered_plug(&program);
    let body = json!({ "id": "kitchen", "profile": "tasmota" });
    assert_eq!(program.api().post(ACCEPT_PLUG, &body).status, 201);
    let topic = [
        "-q",
        "1",
        "-t",
        "tele/neighbour/SENSOR",
        "-m",
        r#"{"ENERGY":{"Power":7}}"#,
    ];
    assert!(
        mosquitto_pub(&program, "5", ("neighbour", &neighbour), &topic)
            .status
            .success()
    );
    let line = everything.message("tele/neighbour/SENSOR");
    assert!(
        !line.contains("9999"),
        "the first that anybody hears there: {line}"
    );
    let power = || program.api().point("neighbour", "energy.power");
    assert_eq!(wait_for("its own reading", power)["value"], 7);
}

#[test]
fn what_is_said_while_a_client_is_being_accepted_is_not_lost() {
    const MESSAGES: usize = 60;
    let program = Program::start(Settings::default());
    let onboarding = secret(&program);
    let (host, port) = program.mqtt();
    let mut publisher = std::process::Command::new("mosquitto_pub")
        .args([
            "-h",
            &host,
            "-p",
            &port.to_string(),
            "-V",
            "5",
            "-u",
            "onboard",
            "-P",
            &onboarding,
        ])
        .args(["-i", "pump", "-q", "1", "-t", "devices/pump/telemetry/flow", "-l"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = publisher.stdin.take().unwrap();
    let mut write = |number: usize| std::io::Write::write_all(&mut lines, format!("{number}\n").as_bytes());
    for number in 1..=MESSAGES / 2 {
        write(number).unwrap();
    }
    let _ = discovered(&program, "pump", MESSAGES as u64 / 2);
    for number in MESSAGES / 2 + 1..=MESSAGES {
        write(number).unwrap();
    }
    let body = json!({ "id": "pump", "profile": "native", "keep": true });
    let answer = program
        .api()
        .post("/api/v1/onboarding/clients/pump/accept", &body);
    assert_eq!(
        (answer.status, &answer.body["secret"]),
        (201, &Value::Null),
        "{}",
        answer.text
    );
    // It goes on with the onboarding secret: mosquitto_pub connects again and sends what was not acknowledged.
    drop(lines);
    let _ = publisher.wait().unwrap();
    wait_for("all that it said", || {
        let readings = program.api().metric("roost_readings_total");
        let last = program
            .api()
            .point("pump", "flow")
            .is_some_and(|point| point["value"] == MESSAGES);
        (last && readings >= MESSAGES as u64).then_some(())
    });
}

#[test]
fn a_kept_client_is_the_device_and_another_with_the_same_secret_is_not() {
    let program = Program::start(Settings::default());
    let onboarding = secret(&program);
    let flow = "devices/pump/telemetry/flow";
    assert!(say(&program, &onboarding, "fixed-1", flow, "1"));
    let _ = discovered(&program, "fixed-1", 1);
    let path = "/api/v1/onboarding/clients/fixed-1/accept";
    let other_id = program
        .api()
        .post(path, &json!({ "id": "other", "profile": "native", "keep": true }));
    assert_eq!(
        other_id.status, 422,
        "its topics keep their name: {}",
        other_id.text
    );
    let kept = program
        .api()
        .post(path, &json!({ "id": "pump", "profile": "native", "keep": true }));
    assert_eq!(kept.status, 201, "{}", kept.text);
    assert!(say(&program, &onboarding, "fixed-1", flow, "2"));
    let value = |wanted: i64| {
        let point = program.api().point("pump", "flow");
        point.filter(|point| point["value"] == wanted)
    };
    wait_for("its reading as a device", || value(2));
    assert!(say(&program, &onboarding, "thief", flow, "666"));
    let _ = discovered(&program, "thief", 1);
    assert!(value(2).is_some());
    let undo = program
        .api()
        .post("/api/v1/onboarding/clients/fixed-1/undo", &json!({}));
    assert_eq!(undo.status, 204);
    assert!(say(&program, &onboarding, "fixed-1", flow, "3"));
    let _ = discovered(&program, "fixed-1", 1);
    assert!(value(2).is_some(), "in quarantine again");
}

#[test]
fn a_client_is_ignored_until_that_is_taken_back_also_over_a_restart() {
    let mut program = Program::start(Settings::default());
    let onboarding = secret(&program);
    assert!(say(&program, &onboarding, "noise", "x/y", "1"));
    let _ = discovered(&program, "noise", 1);
    let post = |program: &Program, what: &str| {
        program
            .api()
            .post(&format!("/api/v1/onboarding/clients/noise/{what}"), &json!({}))
            .status
    };
    assert_eq!(post(&program, "ignore"), 204);
    program.kill();
    program.boot();
    assert!(say(&program, &onboarding, "noise", "x/y", "2"));
    assert!(say(&program, &onboarding, "other", "x/y", "1"));
    let _ = discovered(&program, "other", 1);
    let state = program.api().get("/api/v1/onboarding").body;
    assert_eq!(
        (state["clients"].as_array().unwrap().len(), &state["ignored"]),
        (1, &json!(["noise"]))
    );
    assert_eq!(post(&program, "undo"), 204);
    assert!(say(&program, &onboarding, "noise", "x/y", "3"));
    let _ = discovered(&program, "noise", 1);
}

#[test]
fn the_onboarding_secret_is_renewed_and_switched_off_and_lets_nobody_in_then() {
    let program = Program::start(Settings::default());
    let first = secret(&program);
    assert!(program.output(&["onboarding", "show"]).contains(&first));
    assert!(program.output(&["onboarding", "renew"]).contains("onboard"));
    let second = secret(&program);
    assert!(!say(&program, &first, "c", "t", "1") && say(&program, &second, "c", "t", "1"));
    assert!(
        program
            .output(&["onboarding", "off"])
            .contains("Onboarding is off")
    );
    assert!(!say(&program, &second, "c", "t", "1") && !say(&program, "off", "c", "t", "1"));
    let taken = program.api().post(
        "/api/v1/devices",
        &json!({ "id": "onboard", "profile": "native" }),
    );
    assert_eq!(taken.status, 422, "{}", taken.text);
}
