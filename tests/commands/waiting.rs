//! Commands that wait: for a device that is away, through restarts, and until they are taken back.

use roost_tests::{Listener, Program, Settings};
use serde_json::json;

use super::{LONG_MS, await_state, command, followed, id_of, publish, state};

#[test]
fn a_command_to_a_device_that_is_not_connected_is_queued_at_once_and_sent_when_it_connects() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let answer = command(
        &program,
        "boiler",
        &json!({ "value": true, "within_ms": LONG_MS }),
    );
    assert_eq!(
        (answer.status, &answer.body["state"]),
        (202, &"queued".into()),
        "{}",
        answer.text
    );
    let reason = answer.body["reason"].as_str().unwrap();
    assert!(reason.starts_with("not connected, queued until 2"), "{reason}");
    let id = id_of(&answer);
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&id));
    await_state(&program, &id, "sent");
}

#[test]
fn a_command_that_may_not_wait_is_refused_at_once_by_a_device_that_is_not_connected() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let answer = command(&program, "boiler", &json!({ "value": true, "queue": "never" }));
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (409, "application/problem+json")
    );
    assert_eq!(answer.body["command"]["state"], "refused");
    assert!(answer.text.contains("not connected"), "{}", answer.text);
}

#[test]
fn a_dashboard_that_listens_to_everything_is_not_taken_for_the_device() {
    let program = Program::start(Settings::default());
    let _secret = program.add_device("boiler");
    let _dashboard = Listener::start(&program, "#");
    let answer = command(&program, "boiler", &json!({ "value": true, "queue": "never" }));
    assert_eq!(answer.status, 409, "{}", answer.text);
}

#[test]
fn a_command_expires_while_its_device_is_away_and_is_not_sent_later() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let late = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 1, "within_ms": 200 }),
    ));
    await_state(&program, &late, "expired");
    let reason = followed(&program, &late)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not connected"), "{reason}");
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let next = id_of(&command(&program, "boiler", &json!({ "value": 2 })));
    let first_line = device.message("devices/boiler/commands/relay");
    assert!(
        first_line.contains(&next) && !first_line.contains(&late),
        "{first_line}"
    );
}

#[test]
fn a_queued_command_can_be_taken_back_and_a_sent_one_cannot() {
    let program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let queued = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 1, "within_ms": LONG_MS }),
    ));
    let cancelled = program.api().delete(&format!("/api/v1/commands/{queued}"));
    assert_eq!(
        (cancelled.status, &cancelled.body["state"]),
        (200, &"cancelled".into()),
        "{}",
        cancelled.text
    );
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    let sent = id_of(&command(
        &program,
        "boiler",
        &json!({ "value": 2, "within_ms": LONG_MS }),
    ));
    assert!(device.message("devices/boiler/commands/relay").contains(&sent));
    let late = program.api().delete(&format!("/api/v1/commands/{sent}"));
    assert_eq!(
        (late.status, &late.body["command"]["state"]),
        (409, &"sent".into())
    );
}

#[test]
fn the_same_key_is_the_same_command_even_after_a_kill() {
    let mut program = Program::start(Settings::default());
    let secret = program.add_device("boiler");
    let wanted = json!({ "value": 1, "within_ms": LONG_MS, "key": "order 17" });
    let first = id_of(&command(&program, "boiler", &wanted));
    assert_eq!(id_of(&command(&program, "boiler", &wanted)), first);
    program.kill();
    program.boot();
    let again = command(&program, "boiler", &wanted);
    assert_eq!(
        (again.status, id_of(&again)),
        (202, first.clone()),
        "{}",
        again.text
    );
    let other = command(&program, "boiler", &json!({ "value": 2, "key": "order 17" }));
    assert_eq!(other.status, 422, "{}", other.text);
    let device = Listener::start_as(&program, ("boiler", &secret), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&first));
    publish(
        &program,
        ("boiler", &secret),
        "devices/boiler/commands/relay/result",
        &json!({ "id": first, "ok": true }).to_string(),
    );
    await_state(&program, &first, "acknowledged");
    let repeated = command(&program, "boiler", &wanted);
    assert_eq!(
        repeated.body["state"], "acknowledged",
        "the answer is the first one's state"
    );
    let next = id_of(&command(&program, "boiler", &json!({ "value": 3 })));
    let line = device.message("devices/boiler/commands/relay");
    assert!(line.contains(&next), "nothing was sent twice: {line}");
}

#[test]
fn a_kill_loses_neither_queued_nor_sent_commands_and_sends_none_twice() {
    let mut program = Program::start(Settings::default());
    let (boiler, lamp) = (program.add_device("boiler"), program.add_device("lamp"));
    let listens = Listener::start_as(&program, ("lamp", &lamp), "devices/lamp/commands/+");
    let long = json!({ "value": true, "within_ms": LONG_MS });
    let queued = id_of(&command(&program, "boiler", &long));
    let sent = id_of(&command(&program, "lamp", &long));
    assert!(listens.message("devices/lamp/commands/relay").contains(&sent));
    program.kill();
    drop(listens);
    program.boot();
    assert_eq!(
        (state(&program, &queued), state(&program, &sent)),
        ("queued".into(), "sent".into())
    );
    // What was sent is followed on: its answer and its reading come after the restart.
    let listens = Listener::start_as(&program, ("lamp", &lamp), "devices/lamp/commands/+");
    let result = json!({ "id": sent, "ok": true }).to_string();
    publish(
        &program,
        ("lamp", &lamp),
        "devices/lamp/commands/relay/result",
        &result,
    );
    await_state(&program, &sent, "acknowledged");
    publish(&program, ("lamp", &lamp), "devices/lamp/telemetry/relay", "true");
    await_state(&program, &sent, "verified");
    let next = id_of(&command(&program, "lamp", &long));
    let line = listens.message("devices/lamp/commands/relay");
    assert!(line.contains(&next), "what was sent is not sent again: {line}");
    // What was queued is sent once, however often the gateway starts before.
    program.kill();
    program.boot();
    let device = Listener::start_as(&program, ("boiler", &boiler), "devices/boiler/commands/+");
    assert!(device.message("devices/boiler/commands/relay").contains(&queued));
    await_state(&program, &queued, "sent");
    let urgent = json!({ "value": 1, "within_ms": LONG_MS });
    let other = program
        .api()
        .post("/api/v1/devices/boiler/points/valve/commands", &urgent);
    let line = device.message("devices/boiler/commands/");
    assert!(line.contains(&id_of(&other)), "{line}");
}
