//! Profiles as data: edited while devices speak, broken, put right, taken back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::Write;
use std::process::{Command, Stdio};

use roost_tests::{Program, Settings, mosquitto_pub, wait_for};
use serde_json::json;

const METER: &str = r#"id = "meter"
label = "Meter"
publishes = ["meters/{device}/+"]
subscribes = []
points = [
    { topic = "meters/{device}/p", point = "power", kind = "number", unit = "W" },
]
"#;

fn publish(program: &Program, login: (&str, &str), topic: &str, payload: &str) {
    let arguments = ["-q", "1", "-t", topic, "-m", payload];
    assert!(mosquitto_pub(program, "5", login, &arguments).status.success());
}

#[test]
fn a_profile_that_is_edited_under_traffic_costs_no_reading() {
    const QUARTERS: usize = 4;
    const MESSAGES: usize = QUARTERS * 1000;
    let config = "[devices]\ninbox_messages = 100000".to_owned();
    let program = Program::start(Settings {
        config,
        ..Settings::default()
    });
    assert_eq!(program.api().put("/api/v1/profiles/meter", METER).status, 204);
    let secret = program.add_device_of("m1", "meter");
    let (host, port) = program.mqtt();
    let mut publisher = Command::new("mosquitto_pub")
        .args([
            "-h",
            &host,
            "-p",
            &port.to_string(),
            "-V",
            "5",
            "-u",
            "m1",
            "-P",
            &secret,
        ])
        .args(["-q", "1", "-t", "meters/m1/p", "-l"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = publisher.stdin.take().unwrap();
    let (release, released) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        for quarter in released {
            for number in 0..MESSAGES / QUARTERS {
                writeln!(lines, "{}", quarter * MESSAGES / QUARTERS + number).unwrap();
            }
        }
    });
    let readings = || program.api().metric("roost_readings_total") as usize;
    let mut edits = 0;
    // Each edit changes what is listened to as well: one of these filters comes and goes.
    let mut edit = || {
        edits += 1;
        let edited = METER.replace("/+\"]", &format!("/+\", \"more/{{device}}/{edits}\"]"));
        let edited = edited.replace(
            "points = [",
            &format!("points = [\n    {{ topic = \"more/{{device}}/{edits}\", point = \"x\" }},"),
        );
        let answer = program.api().put("/api/v1/profiles/meter", &edited);
        assert_eq!(answer.status, 204, "{}", answer.text);
        edits
    };
    for quarter in 0..QUARTERS {
        // Each quarter of the messages comes with an edit, however slow these are.
        release.send(quarter).unwrap();
        let (messages, most) = ((quarter + 1) * MESSAGES / QUARTERS, (quarter + 1) * 50);
        while edit() < most && readings() < messages {}
    }
    drop(release);
    writer.join().unwrap();
    assert!(publisher.wait().unwrap().success());
    wait_for("every reading", || (readings() == MESSAGES).then_some(()));
    assert!(edits >= 3, "{edits} edits while messages came");
    assert_eq!(program.api().metric("roost_bus_dropped_total"), 0);
    assert_eq!(program.api().metric("roost_device_restarts_total"), 0);
}

#[test]
fn a_file_that_changes_is_noticed_and_a_broken_one_keeps_the_version_before() {
    let program = Program::start(Settings::default());
    let dir = program.data_dir().join("profiles");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("meter.toml"), METER).unwrap();
    let sources = |origin: &str| {
        let items = program.api().get("/api/v1/profiles/sources").body["items"].clone();
        let find = |item: &&serde_json::Value| item["id"] == "meter" && item["origin"] == origin;
        items.as_array().unwrap().iter().find(find).cloned()
    };
    wait_for("the new file", || sources("file"));
    let secret = program.add_device_of("m1", "meter");
    publish(&program, ("m1", &secret), "meters/m1/p", "5");
    wait_for("a reading", || program.api().point("m1", "power"));

    std::fs::write(
        dir.join("meter.toml"),
        METER.replace("meters/{device}/p", "elsewhere"),
    )
    .unwrap();
    let broken = wait_for("the fault", || {
        sources("file").filter(|item| item["faults"][0].is_object())
    });
    assert_eq!(
        (&broken["faults"][0]["line"], &broken["faults"][0]["field"]),
        (&json!(6), &json!("points[0].topic"))
    );
    wait_for("the log", || program.log().contains("meter.toml").then_some(()));
    publish(&program, ("m1", &secret), "meters/m1/p", "6");
    wait_for("a reading by the old profile", || {
        program
            .api()
            .point("m1", "power")
            .filter(|point| point["value"] == 6)
    });

    std::fs::write(dir.join("meter.toml"), METER.replace("\"power\"", "\"energy\"")).unwrap();
    wait_for("the file to be good again", || {
        sources("file").filter(|item| item["faults"] == json!([]))
    });
    publish(&program, ("m1", &secret), "meters/m1/p", "7");
    wait_for("a reading by the new profile", || {
        program.api().point("m1", "energy")
    });
}

#[test]
fn a_profile_is_tried_saved_taken_back_and_removed() {
    let program = Program::start(Settings::default());
    let api = program.api();
    let wrong = api.put(
        "/api/v1/profiles/meter",
        &METER.replace("kind = \"number\"", "kind = \"numer\""),
    );
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert_eq!(wrong.body["errors"][0]["line"], 6, "{}", wrong.text);
    assert_eq!(api.put("/api/v1/profiles/meter", METER).status, 204);
    let secret = program.add_device_of("m1", "meter");
    publish(&program, ("m1", &secret), "meters/m1/p", "5");
    wait_for("a reading", || api.point("m1", "power"));

    let edited = METER.replace("\"W\"", "\"kW\"");
    let tried = api.post(
        "/api/v1/profiles/meter/try",
        &json!({ "text": edited, "device": "m1" }),
    );
    let frame = &tried.body["frames"][0];
    assert_eq!(
        (&frame["before"], &frame["after"]),
        (&json!(["power = 5 W"]), &json!(["power = 5 kW"]))
    );
    assert_eq!(
        api.get("/api/v1/profiles/meter").text,
        METER,
        "a trial saves nothing"
    );

    assert_eq!(api.put("/api/v1/profiles/meter", &edited).status, 204);
    assert_eq!(api.get("/api/v1/profiles/meter").text, edited);
    let restored = api.post("/api/v1/profiles/meter/restore", &json!({ "version": 1 }));
    assert_eq!(restored.status, 204, "{}", restored.text);
    assert_eq!(api.get("/api/v1/profiles/meter").text, METER);
    let again = api.post("/api/v1/profiles/meter/restore", &json!({ "version": 1 }));
    assert_eq!(again.status, 204, "what was undone can be done again");
    assert_eq!(api.get("/api/v1/profiles/meter").text, edited);

    assert_eq!(
        api.delete("/api/v1/profiles/meter").status,
        409,
        "a device speaks it"
    );
    assert_eq!(api.delete("/api/v1/devices/m1").status, 204);
    assert_eq!(api.delete("/api/v1/profiles/meter").status, 204);
    assert_eq!(api.get("/api/v1/profiles/meter").status, 404);
    assert_eq!(
        api.delete("/api/v1/profiles/native").status,
        404,
        "it has no file"
    );
}

#[test]
fn the_command_line_lists_profiles_and_checks_files() {
    let program = Program::prepare(Settings::default());
    let dir = program.data_dir().join("profiles");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("meter.toml"), METER).unwrap();
    let list = program.output(&["profile", "list"]);
    let line = |id: &str| list.lines().find(|line| line.starts_with(id)).unwrap_or_default();
    assert!(
        line("meter").contains("file") && line("meter").contains("good"),
        "{list}"
    );
    assert!(line("native").contains("built in"), "{list}");
    let file = program.directory().join("draft.toml");
    std::fs::write(&file, METER.replace("meters/{device}/p", "elsewhere")).unwrap();
    let checked = program.run(&["profile", "check", file.to_str().unwrap()]);
    assert!(!checked.status.success());
    let error = String::from_utf8(checked.stderr).unwrap();
    assert!(
        error.contains("draft.toml:6: points[0].topic must lie inside"),
        "{error}"
    );
    assert!(
        program
            .output(&["profile", "check", dir.join("meter.toml").to_str().unwrap()])
            .contains("good profile")
    );
}
